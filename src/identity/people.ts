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
  /** Every group the documents speak of. */
  readonly groups: ReadonlySet<string>
  lookup(id: string): KnownPrincipal | undefined
  /** Every principal of the documents. */
  ids(): Iterable<string>
  /** The groups and those the documents add to them; sorted. */
  groupsOf(principal: { readonly id: string; readonly groups: readonly string[] }): readonly string[]
}

/** A compiled policy, as far as people are concerned. */
export interface PolicyOfPeople {
  readonly version: string
  readonly signIn: Pick<PeopleDocuments, 'providers' | 'accounts'>
  readonly principals: ReadonlyMap<string, KnownPrincipal>
  readonly groups: ReadonlySet<string>
  groupsOf(principal: { readonly id: string; readonly groups: readonly string[] }): readonly string[]
}

const read = new WeakMap<PolicyOfPeople, PeopleDocuments>()

/** What the policy in force says of people: one object for one policy. */
export function documentsOf(policy: PolicyOfPeople): PeopleDocuments {
  const known = read.get(policy)
  if (known) return known
  const documents: PeopleDocuments = {
    version: policy.version,
    ...policy.signIn,
    groups: policy.groups,
    lookup: (id) => policy.principals.get(id),
    ids: () => policy.principals.keys(),
    groupsOf: (principal) => policy.groupsOf(principal),
  }
  read.set(policy, documents)
  return documents
}

export interface PeopleOptions {
  readonly store: Pick<Store, 'people'>
  readonly documents: () => PeopleDocuments
  readonly clock: Clock
  readonly log: Log
}

/** The documents' principals and the people known from identity providers, as one directory. */
export interface People extends PrincipalDirectory {
  /** The ids of everyone in the documents, and of people who signed in or were provisioned: for those who may know them. */
  ids(): readonly string[]
  /** Reads everyone again now: after a change by SCIM. */
  load(): Promise<void>
  /** Reads one again now: after a sign-in. */
  refresh(id: string): Promise<void>
  /** Another source of people: asked first, and read again whenever this one is. */
  also(source: PrincipalDirectory & { load(): Promise<void> }): void
  close(): void
}

/** A person as the store has it. */
interface Person {
  readonly id: string
  readonly provider: string
  readonly issuer: string
  readonly subject: string
  readonly name: string
  /** Groups of the sign-in: JSON, read when they are mapped. */
  readonly groups: string
  readonly scimGroups: readonly string[]
  /** 1 or 0; null where nothing is provisioned for it. */
  readonly scimActive: number | null
  /** How often the provider took the person away. */
  readonly life: number
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
  let rows = new Map<string, Person>()
  let epoch = -1
  let known = new KnownPeople(rows, documents())

  const attributes = () =>
    new Map(
      [...documents().providers.values()].flatMap(({ name, scim }) => (scim ? [[name, scim.attribute] as const] : [])),
    )

  // One after the other: what was read first must not be put in place last.
  let reading: Promise<unknown> = Promise.resolve()
  const inTurn = (read: () => Promise<void>): Promise<void> => {
    const next = reading.then(read, read)
    reading = next.catch(() => {})
    return next
  }

  async function readAll(): Promise<void> {
    const now = await store.people.epoch()
    const found = await store.people.all(attributes())
    for (const other of others) await other.load()
    epoch = now
    rows = new Map(found.map((row) => [row.id, row]))
    known = new KnownPeople(rows, documents())
  }

  const load = () => inTurn(readAll)

  const timer = setInterval(() => {
    store.people
      .epoch()
      .then((now) => (now === epoch ? undefined : load()))
      .catch((error: unknown) => log.error('reading people failed', { error: String(error) }))
  }, LIMITS.sweep_ms)
  timer.unref()

  return {
    load,
    refresh: (id) =>
      inTurn(async () => {
        for (const row of await store.people.all(attributes(), id)) rows.set(row.id, row)
        known = new KnownPeople(rows, documents())
      }),
    also(source) {
      others.push(source)
      source.load().catch((error: unknown) => log.error('reading people failed', { error: String(error) }))
    },
    lookup(id) {
      for (const other of others) {
        const one = other.lookup(id)
        if (one) return one
      }
      const inForce = documents()
      if (known.version !== inForce.version) known = new KnownPeople(rows, inForce)
      return known.lookup(id)
    },
    ids: () => [...new Set([...documents().ids(), ...rows.keys()])],
    close: () => clearInterval(timer),
  }
}

/** People under one version of the documents. Each is worked out when first asked for, and then the same object. */
class KnownPeople {
  readonly version: string
  readonly #rows: ReadonlyMap<string, Person>
  readonly #documents: PeopleDocuments
  readonly #found = new Map<string, KnownPrincipal | undefined>()
  /** Rows that are people of the documents, by the document's id. */
  readonly #named = new Map<string, Person[]>()
  /** Ids of documents that name an account, whether it was ever used or not. */
  readonly #withAccount = new Set<string>()

  constructor(rows: ReadonlyMap<string, Person>, documents: PeopleDocuments) {
    this.version = documents.version
    this.#rows = rows
    this.#documents = documents
    for (const [account, id] of documents.accounts) {
      this.#withAccount.add(id)
      const row = rows.get(`human:${account}`)
      if (row) this.#named.set(id, [...(this.#named.get(id) ?? []), row])
    }
  }

  lookup(id: string): KnownPrincipal | undefined {
    if (this.#found.has(id)) return this.#found.get(id)
    const found = this.#workOut(id)
    // Ids are asked for by whoever holds a token of them: there are no more than people, agents and services.
    if (found !== undefined || this.#rows.has(id)) this.#found.set(id, found)
    return found
  }

  #workOut(id: string): KnownPrincipal | undefined {
    const declared = this.#documents.lookup(id)
    const named = this.#named.get(id)
    if (declared && !named) return this.#withAccount.has(id) ? { ...declared, signsIn: true } : declared
    if (declared && named) return this.#person(id, named, declared)
    const row = this.#rows.get(id)
    // Whom a document names is that one, and nobody beside.
    if (!row || this.#documents.accounts.has(`${row.provider}:${row.subject}`)) return undefined
    return this.#person(id, [row], undefined)
  }

  #person(id: string, rows: readonly Person[], declared: KnownPrincipal | undefined): KnownPrincipal | undefined {
    const { providers, groupsOf } = this.#documents
    const groups = new Set(declared?.groups)
    for (const row of rows) {
      const provider = providers.get(row.provider)
      if (!provider || !standsWith(provider, row)) return undefined
      for (const group of mappedGroups(provider.map, [...(JSON.parse(row.groups) as string[]), ...row.scimGroups]))
        groups.add(group)
    }
    const all = groupsOf({ id, groups: [...groups] })
    const { admit } = providers.get(rows[0]!.provider)!
    if (!declared && admit.length > 0 && !admit.some((group) => all.includes(group))) return undefined
    const lives = [declared?.life ?? '', ...rows.map(({ life }) => (life === 0 ? '' : `${life}`))]
    return {
      ...{ kind: 'human', name: declared?.name ?? rows[0]!.name, groups: all, signsIn: true },
      ...(lives.some((life) => life !== '') && { life: lives.join('.') }),
    }
  }
}

/** Whether the provider, as it is configured now, still vouches for the person. */
function standsWith(provider: IdentityProvider, row: Person): boolean {
  const issuer = provider.oidc?.issuer ?? provider.saml?.entityId
  if (issuer !== row.issuer) return false
  return provider.scim ? row.scimActive === 1 : true
}
