import type { ResourceDirectory, ResourceSummary } from '../api/services.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import type { CompiledPolicy } from '../policy/index.ts'

/** What a principal may open, and how a stock client names it. `address` is the `host:port` of a protocol's listener as clients reach it; undefined when nobody listens. */
export function resourceDirectory(
  policy: () => CompiledPolicy,
  address: (protocol: string) => string | undefined,
): ResourceDirectory {
  return {
    names: () => policy().resources.map(({ name }) => name),
    list(principal) {
      const current = policy()
      return current.resources
        .filter((resource) => current.mayOpen(principal, resource))
        .map((resource) => summaryOf(resource, accountsOf(resource, principal, current), address(resource.protocol)))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
  }
}

function summaryOf(resource: Resource, users: readonly string[], address: string | undefined): ResourceSummary {
  return {
    name: resource.name,
    protocol: resource.protocol,
    labels: resource.labels,
    description: resource.description ?? '',
    url: address === undefined ? '' : urlOf(resource, address),
    users,
  }
}

/** What to give a stock client: `psql URL`, `ssh URL`. */
function urlOf({ name, protocol, database }: Resource, address: string): string {
  if (protocol === 'ssh') return `ssh://${name}@${address}`
  const path = database === undefined ? '' : `/${encodeURIComponent(database)}`
  return `postgresql://${encodeURIComponent(name)}@${address}${path}`
}

/** Accounts the principal may be logged in as, the default first. */
function accountsOf(resource: Resource, principal: Principal, policy: CompiledPolicy): string[] {
  const [self = principal] = actorChain(principal)
  const names = new Set([self.id, ...policy.groupsOf(self).map((group) => `group:${group}`)])
  return resource.users
    .filter((user) => !user.for?.length || user.for.some((name) => names.has(name)))
    .map((user) => user.name)
}
