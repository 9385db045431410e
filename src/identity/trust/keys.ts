import { readFile } from 'node:fs/promises'
import { type CryptoKey, importJWK, type JWK } from 'jose'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import { Lru } from '../../kit/lru.ts'
import type { TrustedIssuer } from '../../model/trust.ts'
import { fetchDocument } from './fetch.ts'
import { LIMITS } from './limits.ts'

/** What the header of a signed token says of its key. */
export interface KeyWish {
  readonly alg: string
  readonly kid: string | undefined
}

export interface IssuerKeyring {
  /** The one key of the issuer that fits. Throws `trust.keys`, also where two fit: then nothing says which was meant. */
  find(issuer: TrustedIssuer, wish: KeyWish): Promise<CryptoKey>
}

interface Shelf {
  keys: readonly JWK[]
  /** When they were read; 0: never. */
  at_ms: number
  /** When they were last asked for, with or without an answer. */
  asked_ms: number
  loading: Promise<void> | undefined
}

/** Public keys of issuers, fetched when needed: a token of an unknown key makes them be fetched again, but not more often than its bound. */
export function createKeyring({ clock }: { readonly clock: Clock }): IssuerKeyring {
  const shelves = new Lru<TrustedIssuer, Shelf>(LIMITS.issuers)

  async function load(issuer: TrustedIssuer, shelf: Shelf): Promise<void> {
    shelf.asked_ms = clock.monotonic_ms()
    try {
      shelf.keys = usable(await read(issuer), issuer)
      shelf.at_ms = clock.monotonic_ms()
    } catch (error) {
      if (shelf.at_ms === 0 || clock.monotonic_ms() - shelf.at_ms > LIMITS.keys_stale_ms) {
        shelf.keys = []
        throw error
      }
    }
  }

  /** One fetch at a time per issuer, however many wait for it. */
  function reload(issuer: TrustedIssuer, shelf: Shelf): Promise<void> {
    shelf.loading ??= load(issuer, shelf).finally(() => {
      shelf.loading = undefined
    })
    return shelf.loading
  }

  return {
    async find(issuer, wish) {
      let shelf = shelves.get(issuer)
      if (!shelf) {
        shelf = { keys: [], at_ms: 0, asked_ms: -Infinity, loading: undefined }
        shelves.set(issuer, shelf)
      }
      const since = (then_ms: number) => clock.monotonic_ms() - then_ms
      const rested = () => since(shelf.asked_ms) >= LIMITS.keys_cooldown_ms
      if (shelf.loading || (rested() && (shelf.at_ms === 0 || since(shelf.at_ms) >= LIMITS.keys_fresh_ms)))
        await reload(issuer, shelf)
      let fitting = suiting(shelf.keys, wish)
      if (fitting.length === 0 && rested()) {
        await reload(issuer, shelf)
        fitting = suiting(shelf.keys, wish)
      }
      if (fitting.length !== 1)
        throw new SluiceError('trust.keys', `${fitting.length} keys of ${issuer.name} fit the token's header`)
      try {
        return (await importJWK(fitting[0]!, wish.alg)) as CryptoKey
      } catch (cause) {
        throw new SluiceError('trust.keys', `the key of ${issuer.name} cannot be read`, { cause })
      }
    },
  }
}

const KTY: Readonly<Record<string, string>> = { RS: 'RSA', PS: 'RSA', ES: 'EC', Ed: 'OKP' }
const CURVE: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519' }

/** Exact: a `kid` is a name in this set, never a path, and a key that says what it is for is for nothing else. */
function suiting(keys: readonly JWK[], { alg, kid }: KeyWish): readonly JWK[] {
  const kty = KTY[alg.slice(0, 2)]
  return keys.filter(
    (key) =>
      (kid === undefined || key.kid === kid) &&
      key.kty === kty &&
      (key.alg === undefined || key.alg === alg) &&
      (CURVE[alg] === undefined || key.crv === CURVE[alg]),
  )
}

async function read(issuer: TrustedIssuer): Promise<unknown> {
  const { keys, allowPrivate } = issuer
  if (keys.from === 'document') return keys.jwks
  if (keys.from === 'file') return JSON.parse(await bounded(keys.path)) as unknown
  const ca = issuer.ca === undefined ? undefined : await bounded(issuer.ca)
  const url = keys.from === 'url' ? keys.url : await discover(issuer, ca)
  return await fetchDocument({ url, allowPrivate, ca })
}

/** The `jwks_uri` of the issuer's discovery document, which must name the issuer itself (OpenID Connect Discovery §4.3). */
async function discover({ issuer, allowPrivate }: TrustedIssuer, ca: string | undefined): Promise<string> {
  const url = `${issuer!.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = (await fetchDocument({ url, allowPrivate, ca })) as { issuer?: unknown; jwks_uri?: unknown } | null
  if (found?.issuer !== issuer)
    throw new SluiceError('trust.keys', 'the discovery document names another issuer than the one it was asked of')
  if (typeof found?.jwks_uri !== 'string') throw new SluiceError('trust.keys', 'the discovery document names no keys')
  return found.jwks_uri
}

async function bounded(path: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8')
    if (text.length <= LIMITS.document_bytes) return text
  } catch (cause) {
    throw new SluiceError('trust.keys', `${path} cannot be read`, { cause })
  }
  throw new SluiceError('trust.keys', `${path} is too large`)
}

/** Public keys for signatures, of the algorithms the issuer may use. Anything else in the set is as if it were not there. */
function usable(document: unknown, issuer: TrustedIssuer): readonly JWK[] {
  const { keys } = (document ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys) || keys.length > LIMITS.document_keys)
    throw new SluiceError('trust.keys', `${issuer.name} has no key set of at most ${LIMITS.document_keys} keys`)
  // A SPIFFE bundle says what each key is for in its own words (JWT-SVID §5).
  const uses = issuer.trustDomain === undefined ? [undefined, 'sig'] : ['jwt-svid']
  return keys.filter(
    (key): key is JWK =>
      typeof key === 'object' &&
      key !== null &&
      uses.includes(key.use) &&
      (key.key_ops === undefined || (Array.isArray(key.key_ops) && key.key_ops.includes('verify'))) &&
      ['RSA', 'EC', 'OKP'].includes(key.kty) &&
      !('d' in key),
  )
}
