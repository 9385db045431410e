import type { Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import { memo } from './memo.ts'
import type { ReadByKind } from './read.ts'
import { duration_ms } from './units.ts'

/** A principal as a document declares it. */
export interface DeclaredPrincipal {
  readonly kind: Principal['kind']
  /** `human:ada`. */
  readonly id: string
  readonly name: string
  /** Every group of it, through `groups`, `members` and groups within groups; sorted. */
  readonly groups: readonly string[]
  readonly email?: string
  /** Agents only. */
  readonly owner?: string
  readonly purpose?: string
  readonly delegators?: readonly string[]
  /** Longest a token of it holds, in milliseconds. */
  readonly maxLifetime_ms?: number
  /** Values of the label `env` it may reach; unset: all. */
  readonly environments?: readonly string[]
}

const KIND = { Human: 'human', Agent: 'agent', Service: 'service' } as const

/** Who is declared, and who is in which group. */
export class Identities {
  readonly principals: ReadonlyMap<string, DeclaredPrincipal>
  readonly groups: ReadonlySet<string>
  readonly #direct = new Map<string, Set<string>>()
  readonly #all = new Map<string, readonly string[]>()

  constructor(documents: Pick<ReadByKind, 'Human' | 'Agent' | 'Service' | 'Group'>) {
    for (const { body } of documents.Group) for (const member of body.members) this.#join(member, body.name)
    const declared = [...documents.Human, ...documents.Agent, ...documents.Service]
    for (const { kind, body } of declared)
      for (const group of body.groups ?? []) this.#join(`${KIND[kind]}:${body.name}`, group)
    const principals = new Map<string, DeclaredPrincipal>()
    for (const { kind, body } of declared) {
      const id = `${KIND[kind]}:${body.name}`
      const { name } = body
      principals.set(id, { kind: KIND[kind], id, name, groups: this.groupsOfId(id), ...more(kind, body) })
    }
    this.principals = principals
    const joined = [...this.#direct.values()].flatMap((groups) => [...groups])
    this.groups = new Set([...documents.Group.map(({ body }) => body.name), ...joined])
  }

  #join(member: string, group: string): void {
    memo(this.#direct, member, () => new Set<string>()).add(group)
  }

  /** Groups the documents put an id in, groups within groups followed; sorted. */
  groupsOfId(id: string): readonly string[] {
    if (!this.#direct.has(id)) return []
    return memo(this.#all, id, () => Object.freeze([...this.#reach([id])].sort()))
  }

  /** Whether a party's document lets it reach a resource's environment at all; rules are asked after that. */
  mayEnter({ id }: Pick<Principal, 'id'>, { labels }: Pick<Resource, 'labels'>): boolean {
    const environments = this.principals.get(id)?.environments
    return environments === undefined || environments.includes(labels.env ?? '')
  }

  /** What the identity provider says and what the documents say, together; sorted. */
  groupsOf(principal: Pick<Principal, 'id' | 'groups'>): readonly string[] {
    const found = this.#reach([principal.id, ...principal.groups.map((group) => `group:${group}`)])
    for (const group of principal.groups) found.add(group)
    return [...found].sort()
  }

  #reach(start: readonly string[]): Set<string> {
    const found = new Set<string>()
    const open = [...start]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const group of this.#direct.get(id) ?? []) {
        if (found.has(group)) continue
        found.add(group)
        open.push(`group:${group}`)
      }
    }
    return found
  }
}

interface Declared {
  readonly email?: string | undefined
  readonly owner?: string | undefined
  readonly purpose?: string | undefined
  readonly delegators?: readonly string[] | undefined
  readonly maxLifetime?: string | undefined
  readonly environments?: readonly string[] | undefined
}

function more(kind: keyof typeof KIND, body: Declared & { readonly name: string }): Partial<DeclaredPrincipal> {
  return {
    ...(kind === 'Human' && body.email !== undefined && { email: body.email }),
    ...(kind === 'Agent' && body.owner !== undefined && { owner: body.owner }),
    ...(kind === 'Agent' && body.purpose !== undefined && { purpose: body.purpose }),
    ...(kind === 'Agent' && { delegators: body.delegators ?? [] }),
    ...(kind === 'Agent' && body.maxLifetime !== undefined && { maxLifetime_ms: duration_ms(body.maxLifetime) }),
    ...(kind === 'Agent' && body.environments !== undefined && { environments: body.environments }),
  }
}
