import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import { newId } from '../../kit/ids.ts'
import type { Log } from '../../kit/log.ts'
import { Secret } from '../../kit/secret.ts'
import type { LedgerPort } from '../../model/ports.ts'
import { ADMINS } from '../../model/principal.ts'
import type { BreakGlassRow } from '../../store/break-glass.ts'
import type { Store } from '../../store/store.ts'
import type { Attempts } from '../attempts.ts'
import type { Identity } from '../identity.ts'
import type { PeopleDocuments } from '../people.ts'
import type { KnownPrincipal } from '../principals.ts'
import type { IssuedToken } from '../tokens.ts'
import { createTurnstile } from '../turnstile.ts'
import { signInJournal } from './journal.ts'
import { LIMITS } from './limits.ts'

export interface BreakGlassOptions {
  readonly store: Pick<Store, 'breakGlass' | 'people'>
  readonly identity: Pick<Identity, 'issueToken' | 'sweep'>
  readonly documents: () => Pick<PeopleDocuments, 'groups' | 'providers'>
  readonly attempts: Attempts
  readonly ledger: LedgerPort
  readonly clock: Clock
  readonly log: Log
}

/** What may be told of the account. */
export interface BreakGlassState {
  readonly state: 'none' | 'sealed' | 'open' | 'used'
  readonly groups: readonly string[]
  readonly sealedBy?: string
  readonly sealed_ms?: number
  readonly opened_ms?: number
  readonly openedFrom?: string
  readonly openedWhy?: string
  readonly until_ms?: number
}

/**
 * An account for the day no provider answers: sealed by an administrator, opened once by whoever holds the printed secret, for an hour, and
 * never without noise: a ledger entry on disk before the token exists, an error in the log, a notice in the API until it is sealed anew.
 */
export interface BreakGlass {
  state(): Promise<BreakGlassState>
  /** Seals it anew and returns its secret, shown this once. Throws `api.invalid` for a group nobody can have: on the day it would open nothing. */
  seal(wish: { readonly by: string; readonly groups: readonly string[] }): Promise<Secret>
  /** Throws `signin.refused` for a wrong secret, and when nothing is sealed, alike; `api.limited` in its place after too many, `api.busy` while too many wait to be looked at. */
  open(proof: { readonly secret: string; readonly why: string; readonly from: string }): Promise<IssuedToken>
  /** The account while it is open. */
  lookup(id: string): KnownPrincipal | undefined
  /** Reads the state again. */
  load(): Promise<void>
}

/** No document and no provider can have this id. */
export const BREAK_GLASS = 'human:break-glass'
const OPEN_MS = 3_600_000
const SECRET_CHARS = 100
/** 2^15 · 8 · 1: 32 MB and some 60 ms for each guess, for us as for a thief of the store. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

export function createBreakGlass(options: BreakGlassOptions): BreakGlass {
  return new SealedAccount(options)
}

class SealedAccount implements BreakGlass {
  readonly #options: BreakGlassOptions
  readonly #checks = createTurnstile(LIMITS.break_glass)
  #row: BreakGlassRow | undefined

  constructor(options: BreakGlassOptions) {
    this.#options = options
  }

  async load(): Promise<void> {
    this.#row = await this.#options.store.breakGlass.get()
  }

  async state(): Promise<BreakGlassState> {
    await this.load()
    return stateOf(this.#row, this.#options.clock.now_ms())
  }

  async seal({ by, groups }: { by: string; groups: readonly string[] }): Promise<Secret> {
    const { store, clock, identity, documents } = this.#options
    const stranger = groups.find((group) => !isGroup(documents(), group))
    if (stranger !== undefined)
      throw new SluiceError('api.invalid', `no document gives anyone the group ${JSON.stringify(stranger)}`)
    const secret = newSecret()
    const now_ms = clock.now_ms()
    this.#record({ action: 'seal', by, groups })
    const verifier = await verifierOf(secret, randomBytes(16))
    const sealed = {
      id: newId('brk', now_ms),
      verifier,
      groups: JSON.stringify(groups),
      sealed_by: by,
      sealed_ms: now_ms,
    }
    await store.breakGlass.seal({ ...sealed, opened_ms: null, opened_from: null, opened_why: null, until_ms: null })
    await this.#changed()
    await identity.sweep()
    return new Secret(secret)
  }

  async open({ secret, why, from }: { secret: string; why: string; from: string }): Promise<IssuedToken> {
    // 160 bits are not guessed: the right secret opens whatever failed before it. Only the work it takes to see is bounded.
    const { found, right } = await this.#checks(from, async () => {
      await this.load()
      return { found: this.#row, right: await verifies(secret, this.#row?.verifier ?? NOBODYS) }
    })
    if (right && found?.opened_ms === null) return await this.#open(found, why, from)
    if (this.#options.attempts.failed('break-glass', from)) throw new SluiceError('api.limited', 'break-glass')
    throw this.#refused(from, found ? (found.opened_ms === null ? 'a wrong secret' : 'it was used') : 'none is sealed')
  }

  #refused(from: string, what: string): SluiceError {
    const error = new SluiceError('signin.refused', `break-glass: ${what}`)
    signInJournal(this.#options).refused({ breakGlass: true, from }, error)
    this.#options.log.warn('someone tried to open the break-glass account', { from })
    return error
  }

  lookup(id: string): KnownPrincipal | undefined {
    const row = this.#row
    if (id !== BREAK_GLASS || !row || row.opened_ms === null || (row.until_ms ?? 0) <= this.#options.clock.now_ms())
      return undefined
    // Sealed and opened again it is another: what the first opening gave is not good once more.
    return { kind: 'human', name: 'break-glass', groups: JSON.parse(row.groups) as string[], life: row.id }
  }

  async #open(found: BreakGlassRow, why: string, from: string): Promise<IssuedToken> {
    const { ledger, store, clock, log, identity } = this.#options
    const now_ms = clock.now_ms()
    const until_ms = now_ms + OPEN_MS
    const opening = { opened_ms: now_ms, opened_from: from, opened_why: why, until_ms }
    // First taken, then told: of several at once one opens it, and the ledger names that one alone. There is no token before it is on disk.
    if (!(await store.breakGlass.open(found.id, opening))) throw this.#refused(from, 'it was opened at the same time')
    try {
      this.#record({ action: 'open', principal: BREAK_GLASS, from, why, sealedBy: found.sealed_by, until_ms })
      await ledger.durable()
    } catch (error) {
      await store.breakGlass.close(found.id, now_ms)
      throw error
    }
    log.error('BREAK-GLASS: the sealed account was opened', { from, why, until: new Date(until_ms).toISOString() })
    await this.#changed()
    return await identity.issueToken({
      ...{ principal: BREAK_GLASS, label: 'break-glass', by: BREAK_GLASS, ttl_ms: OPEN_MS },
      kind: 'break-glass',
    })
  }

  #record(entry: object): void {
    const { ledger } = this.#options
    ledger.append('break-glass', JSON.stringify(entry).slice(1, -1))
    ledger.commit()
  }

  /** Every process reads people again when their epoch moves. */
  async #changed(): Promise<void> {
    await this.load()
    await this.#options.store.people.touch()
  }
}

/** Whether anyone can be in a group: one the documents speak of, or that providers give. A prefix may give any. */
function isGroup({ groups, providers }: Pick<PeopleDocuments, 'groups' | 'providers'>, group: string): boolean {
  const rules = [...providers.values()].flatMap(({ map }) => map)
  return group === ADMINS || groups.has(group) || rules.some((rule) => 'prefix' in rule || rule.gives.includes(group))
}

function stateOf(row: BreakGlassRow | undefined, now_ms: number): BreakGlassState {
  if (!row) return { state: 'none', groups: [] }
  const state = row.opened_ms === null ? 'sealed' : (row.until_ms ?? 0) > now_ms ? 'open' : 'used'
  return {
    ...{ state, groups: JSON.parse(row.groups) as string[], sealedBy: row.sealed_by, sealed_ms: row.sealed_ms },
    ...(row.opened_ms !== null && {
      opened_ms: row.opened_ms,
      openedFrom: row.opened_from ?? '',
      openedWhy: row.opened_why ?? '',
    }),
    ...(row.until_ms !== null && { until_ms: row.until_ms }),
  }
}

/** 160 bits in groups of four that can be read aloud: `7K2M-…`. */
function newSecret(): string {
  const letters = Array.from(randomBytes(32), (byte) => ALPHABET[byte & 31]).join('')
  return letters.match(/.{4}/g)!.join('-')
}

/** As people type it: case and dashes do not matter. */
const plain = (secret: string) => secret.slice(0, SECRET_CHARS).toUpperCase().replaceAll(/[\s-]/g, '')

function derive(secret: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(plain(secret), salt, 32, COST, (error, key) => (error ? reject(error) : resolve(key))),
  )
}

async function verifierOf(secret: string, salt: Buffer): Promise<string> {
  return `${salt.toString('base64url')}.${(await derive(secret, salt)).toString('base64url')}`
}

async function verifies(secret: string, verifier: string): Promise<boolean> {
  const [salt = '', key = ''] = verifier.split('.')
  return timingSafeEqual(await derive(secret, Buffer.from(salt, 'base64url')), Buffer.from(key, 'base64url'))
}

/** What no secret leads to, so that nothing sealed costs as much as a wrong secret. */
const NOBODYS = `${Buffer.alloc(16).toString('base64url')}.${Buffer.alloc(32).toString('base64url')}`
