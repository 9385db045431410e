import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import { Secret } from '../../kit/secret.ts'
import type { LedgerPort, SealPort } from '../../model/ports.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { SignInRow } from '../../store/sign-ins.ts'
import type { Store } from '../../store/store.ts'
import type { Identity } from '../identity.ts'
import { type People, type PeopleDocuments, personId } from '../people.ts'
import type { IssuedToken } from '../tokens.ts'
import type { Vouched } from '../vouched.ts'
import { type SignInJournal, signInJournal } from './journal.ts'
import { LIMITS } from './limits.ts'

export interface SignInsOptions {
  readonly store: Pick<Store, 'people' | 'signIns'>
  readonly identity: Pick<Identity, 'issueToken' | 'revokeToken' | 'sweep'>
  readonly people: People
  readonly documents: () => PeopleDocuments
  readonly ledger: LedgerPort
  readonly seal: SealPort
  readonly clock: Clock
  readonly log: Log
}

/** Who arrived, and by which provider. */
export interface Arrival {
  readonly provider: IdentityProvider
  readonly vouched: Vouched
  readonly purpose: string
  /** Peer address, for the record. */
  readonly from: string
}

/** What is kept of a sign-in, sealed: what the provider is asked with, and what it said that rules may read. */
export type KeptGrant = NonNullable<Vouched['grant']> & Pick<Vouched, 'claims'>

/** A sign-in that stands. `root` is its token: a browser's cookie, and the parent of every token it leads to. */
export interface StartedSignIn {
  readonly id: string
  readonly person: string
  readonly expires_ms: number
  readonly root: Secret
}

/** People who signed in, from the provider's word to the end. */
export interface SignIns {
  /** Makes a person of what a provider vouches for, and starts a sign-in. Throws `signin.refused` for one who may not. */
  start(arrival: Arrival): Promise<StartedSignIn>
  /** A token for a program of the person, which ends with the sign-in. */
  token(signIn: string, label: string): Promise<IssuedToken>
  /** The sign-in behind a credential: its own root, or the token's. */
  of(credential: string): Promise<SignInRow | undefined>
  /** Writes down what the provider says of the person now. */
  learn(provider: IdentityProvider, vouched: Vouched): Promise<string>
  /** Ends one, with its tokens and their live sessions. False when it had ended before. */
  end(id: string, why: string, by: string): Promise<boolean>
  /** Refresh and ID token of a sign-in, or its NameID, where the provider gave any. */
  grantOf(row: SignInRow): KeptGrant
  sealGrant(id: string, vouched: Vouched): string | null
}

export function createSignIns(options: SignInsOptions): SignIns {
  return new PeopleSignedIn(options)
}

class PeopleSignedIn implements SignIns {
  readonly #options: SignInsOptions
  readonly #journal: SignInJournal

  constructor(options: SignInsOptions) {
    this.#options = options
    this.#journal = signInJournal(options)
  }

  async learn(provider: IdentityProvider, vouched: Vouched): Promise<string> {
    const { store, people, documents, clock } = this.#options
    const { issuer, subject, name, email, groups, matches } = vouched
    const id = personId(provider.name, subject)
    const before = await store.people.get(id)
    // A provider that was set up anew under an old name vouches for other people.
    if (before && before.issuer !== issuer)
      throw new SluiceError('signin.refused', `${id} was vouched for by ${before.issuer}, now by ${issuer}`)
    const now_ms = clock.now_ms()
    await store.people.put({
      ...{ id, provider: provider.name, issuer, subject, name, email, matches },
      groups: JSON.stringify(groups),
      created_ms: before?.created_ms ?? now_ms,
      seen_ms: now_ms,
    })
    await people.refresh(id)
    return documents().accounts.get(`${provider.name}:${subject}`) ?? id
  }

  async start({ provider, vouched, purpose, from }: Arrival): Promise<StartedSignIn> {
    const { store, identity, clock } = this.#options
    const person = await this.#admitted(provider, vouched)
    const now_ms = clock.now_ms()
    const expires_ms = endOf(provider, vouched, now_ms)
    this.#journal.accepted({ provider: provider.name, principal: person, subject: vouched.subject, purpose, from })
    const root = await identity.issueToken({
      ...{ principal: person, label: `sign-in (${purpose})`, by: person, purpose: 'sign-in', client: '' },
      kind: 'sign-in',
      ttl_ms: expires_ms - now_ms,
      ...(vouched.claims && { claims: { [person]: vouched.claims } }),
    })
    await store.signIns.insert({
      ...{ id: root.id, person, provider: provider.name, issuer: vouched.issuer, subject: vouched.subject },
      ...{ sid: vouched.sid, purpose, grant_sealed: this.sealGrant(root.id, vouched), auth_ms: vouched.auth_ms },
      ...{ created_ms: now_ms, expires_ms, checked_ms: now_ms, ended_ms: null, ended_why: null },
      next_check_ms: vouched.grant?.refresh ? now_ms + provider.times.recheck_ms : expires_ms,
    })
    return { id: root.id, person, expires_ms, root: root.token }
  }

  async token(signIn: string, label: string): Promise<IssuedToken> {
    const { store, identity, clock } = this.#options
    const row = await store.signIns.get(signIn)
    const now_ms = clock.now_ms()
    if (!row || row.ended_ms !== null || row.expires_ms <= now_ms) throw new SluiceError('signin.expired')
    const { claims } = this.grantOf(row)
    return await identity.issueToken({
      ...(claims && { claims: { [row.person]: claims } }),
      ...{ principal: row.person, label, by: row.person, parent: signIn, client: 'sluice-cli' },
      kind: 'sign-in',
      ttl_ms: row.expires_ms - now_ms,
    })
  }

  async of(credential: string): Promise<SignInRow | undefined> {
    const { signIns } = this.#options.store
    return (await signIns.get(credential)) ?? (await signIns.ofToken(credential))
  }

  async end(id: string, why: string, by: string): Promise<boolean> {
    const { store, identity, clock } = this.#options
    const row = await store.signIns.get(id)
    if (!row || !(await store.signIns.end(id, why, clock.now_ms()))) return false
    await identity.revokeToken(id, by)
    const { provider, person, purpose } = row
    this.#journal.ended({ provider, principal: person, purpose, signIn: id, why, by })
    return true
  }

  grantOf({ id, grant_sealed }: SignInRow): KeptGrant {
    if (grant_sealed === null) return {}
    const opened = this.#options.seal.open(`sign-in/${id}`, grant_sealed)
    return JSON.parse(opened.reveal()) as KeptGrant
  }

  sealGrant(id: string, { grant, claims }: Vouched): string | null {
    const kept = JSON.stringify({ ...grant, ...(claims && { claims }) } satisfies KeptGrant)
    return kept === '{}' ? null : this.#options.seal.seal(`sign-in/${id}`, new Secret(kept))
  }

  /** Who the person is here, once everything lets them in. */
  async #admitted(provider: IdentityProvider, vouched: Vouched): Promise<string> {
    const person = await this.learn(provider, vouched)
    const known = this.#options.people.lookup(person)
    if (!known) throw new SluiceError('signin.refused', `${person} is not admitted, not provisioned, or taken away`)
    if (provider.admit.length > 0 && !provider.admit.some((group) => known.groups.includes(group)))
      throw new SluiceError('signin.refused', `${person} is in none of the groups that are admitted`)
    return person
  }
}

/** When a sign-in ends at the latest. Throws `signin.answer` for one that is over. */
function endOf(provider: IdentityProvider, vouched: Vouched, now_ms: number): number {
  const { max_ms } = provider.times
  const limit_ms = vouched.grant?.refresh ? max_ms : Math.min(max_ms, LIMITS.unchecked_ms)
  const expires_ms = Math.min(now_ms + limit_ms, vouched.expires_ms ?? Number.POSITIVE_INFINITY)
  if (expires_ms - now_ms < 1_000) throw new SluiceError('signin.answer', 'the provider’s session is over')
  return expires_ms
}
