import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { IdentityProvider } from '../model/provider.ts'
import type { Store } from '../store/store.ts'
import { mappedGroups } from './groups.ts'
import { LIMITS } from './limits.ts'
import type { KnownPrincipal, PrincipalDirectory } from './principals.ts'

/** What the policy documents say of people and where they sign in. */
export interface PeopleDocuments {
  /** Changes whenever a document does. */
  readonly version: string
  readonly providers: ReadonlyMap<string, IdentityProvider>
  /** Principal ids of the documents under `provider:subject`. */
  readonly accounts: ReadonlyMap<string, string>
  lookup(id: string): KnownPrincipal | undefined
  /** The groups and those the documents add to them; sorted. */
  groupsOf(principal: { readonly id: string; readonly groups: readonly string[] }): readonly string[]
}

/** A compiled policy, as far as people are concerned. */
export interface PolicyOfPeople {
  readonly version: string
  readonly signIn: Pick<PeopleDocuments, 'providers' | 'accounts'>
  readonly principals: ReadonlyMap<string, KnownPrincipal>
  groupsOf(principal: { readonly id: string; readonly groups: readonly string[] }): readonly string[]
}

/** What the policy in force says of people. */
export function documentsOf(policy: PolicyOfPeople): PeopleDocuments {
  return {
    version: policy.version,
    ...policy.signIn,
    lookup: (id) => policy.principals.get(id),
    groupsOf: (principal) => policy.groupsOf(principal),
  }
}

export interface PeopleOptions {
  readonly store: Pick<Store, 'people'>
  readonly documents: () => PeopleDocuments
  readonly clock: Clock
  readonly log: Log
}

/** The documents' principals and the people known from identity providers, as one directory. */
export interface People extends PrincipalDirectory {
  /** Reads people again now: after a sign-in or a change by SCIM. */
  load(): Promise<void>
  /** Another source of people: asked first, and read again whenever this one is. */
  also(source: PrincipalDirectory & { load(): Promise<void> }): void
  close(): void
}

/** A person as the store has it, ready to be mapped. */
interface Person {
  readonly id: string
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  readonly name: string
  readonly groups: readonly string[]
  /** Undefined where nothing is provisioned for it. */
  readonly provisioned: boolean | undefined
}

/** The id of a person whom no document names. A subject's own colons stay: the provider's name has none. */
export function personId(provider: string, subject: string): string {
  return `human:${provider}:${subject}`
}

/**
 * Looks people up in memory: the store is read when it changes, the mapping is applied when a document does. A person whose provider is gone, has
 * another issuer than the one that vouched, or took the person away, is unknown.
 */
export function createPeople({ store, documents, log }: PeopleOptions): People {
  const others: (PrincipalDirectory & { load(): Promise<void> })[] = []
  let rows: readonly Person[] = []
  let epoch = -1
  let version = ''
  let known = new Map<string, KnownPrincipal | undefined>()

  async function load(): Promise<void> {
    const now = await store.people.epoch()
    const attributes = new Map(
      [...documents().providers.values()].flatMap(({ name, scim }) => (scim ? [[name, scim.attribute] as const] : [])),
    )
    const found = await store.people.all(attributes)
    for (const other of others) await other.load()
    epoch = now
    rows = found.map(({ scimActive, scimGroups, groups, ...row }) => ({
      ...row,
      groups: [...(JSON.parse(groups) as string[]), ...scimGroups],
      provisioned: scimActive === null ? undefined : scimActive === 1,
    }))
    version = ''
  }

  function current(): Map<string, KnownPrincipal | undefined> {
    const inForce = documents()
    if (inForce.version !== version) {
      known = directoryOf(rows, inForce)
      version = inForce.version
    }
    return known
  }

  const timer = setInterval(() => {
    store.people
      .epoch()
      .then((now) => (now === epoch ? undefined : load()))
      .catch((error: unknown) => log.error('reading people failed', { error: String(error) }))
  }, LIMITS.sweep_ms)
  timer.unref()

  return {
    also(source) {
      others.push(source)
      source.load().catch((error: unknown) => log.error('reading people failed', { error: String(error) }))
    },
    lookup(id) {
      for (const other of others) {
        const one = other.lookup(id)
        if (one) return one
      }
      const found = current()
      return found.has(id) ? found.get(id) : documents().lookup(id)
    },
    load,
    close: () => clearInterval(timer),
  }
}

/** Undefined stands for a person who may not be one any more. */
function directoryOf(rows: readonly Person[], documents: PeopleDocuments): Map<string, KnownPrincipal | undefined> {
  const people = new Map<string, KnownPrincipal | undefined>()
  for (const row of rows) {
    const named = documents.accounts.get(`${row.provider}:${row.subject}`)
    const id = named ?? row.id
    const provider = documents.providers.get(row.provider)
    const declared = named === undefined ? undefined : documents.lookup(named)
    if (!provider || !standsWith(provider, row)) people.set(id, undefined)
    else if (!people.has(id) || people.get(id) !== undefined) {
      const groups = new Set([...(declared?.groups ?? []), ...(people.get(id)?.groups ?? [])])
      for (const group of mappedGroups(provider.map, row.groups)) groups.add(group)
      const all = documents.groupsOf({ id, groups: [...groups] })
      const admitted = provider.admit.length === 0 || provider.admit.some((group) => all.includes(group))
      people.set(
        id,
        admitted || named !== undefined ? { kind: 'human', name: declared?.name ?? row.name, groups: all } : undefined,
      )
    }
  }
  return people
}

/** Whether the provider, as it is configured now, still vouches for the person. */
function standsWith(provider: IdentityProvider, row: Person): boolean {
  const issuer = provider.oidc?.issuer ?? provider.saml?.entityId
  if (issuer !== row.issuer) return false
  return provider.scim ? row.provisioned === true : true
}
