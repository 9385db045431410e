import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '../../kit/clock.ts'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { TrustDirectory, TrustedIssuer } from '../../model/trust.ts'
import type { UsedIdsRepository } from '../../store/used-ids.ts'
import type { IssuerKeyring } from './keys.ts'
import { LIMITS } from './limits.ts'

/** A workload whose issuer vouched for it. */
export interface Workload {
  readonly issuer: TrustedIssuer
  /** `service:deploy`. */
  readonly principal: string
  readonly subject: string
  readonly claims: Readonly<Record<string, unknown>>
}

export interface WorkloadParts {
  readonly trust: () => TrustDirectory
  readonly keys: IssuerKeyring
  readonly usedIds: UsedIdsRepository
  readonly clock: Clock
}

const TYPES = new Set([undefined, 'JWT', 'jwt', 'JOSE', 'application/jwt'])

/**
 * Verifies a workload's token (RFC 7519 under RFC 8725): a trusted issuer, an algorithm pinned for it, a key of its own set, its exact audience,
 * its time, its first use, and claims that a grant names. Throws `trust.*`, one code per reason: for the ledger, not for the one who asks.
 */
export async function verifyWorkload(parts: WorkloadParts, token: string): Promise<Workload> {
  if (token.length > LIMITS.token_chars) throw new SluiceError('trust.form', 'the token is too long')
  const header = readHeader(token)
  const issuer = issuerOf(token, parts.trust())
  if (!issuer.algorithms.includes(header.alg))
    throw new SluiceError('trust.algorithm', `${issuer.name} may not sign with ${header.alg.slice(0, 20)}`)
  const key = await parts.keys.find(issuer, header)
  const { payload } = await jwtVerify(token, key, {
    algorithms: [header.alg],
    audience: issuer.audience,
    clockTolerance: issuer.skew_ms / 1_000,
    currentDate: new Date(parts.clock.now_ms()),
    requiredClaims: ['exp', 'sub', 'aud'],
    ...(issuer.issuer === undefined ? {} : { issuer: issuer.issuer }),
  }).catch((cause: unknown) => {
    throw refused(cause, issuer)
  })
  const subject = checkParties(payload, issuer)
  checkTimes(payload, issuer, parts.clock.now_ms())
  const found = issuer.trust(payload)
  if ('why' in found) throw new SluiceError('trust.claims', `${issuer.name}: ${found.why}`)
  if (JSON.stringify(payload).length > LIMITS.claims_chars)
    throw new SluiceError('trust.claims', `the claims of ${issuer.name} are too long to keep`)
  await useOnce(parts, issuer, payload)
  return { issuer, principal: found.principal, subject, claims: payload }
}

interface Header {
  readonly alg: string
  readonly kid: string | undefined
}

/** Header fields that bring their own key, or change what is verified, have no say here. */
function readHeader(token: string): Header {
  if (token.split('.').length !== 3 || token.indexOf('.') > LIMITS.header_chars)
    throw new SluiceError('trust.form', 'it is no signed token in compact form')
  let header: ReturnType<typeof decodeProtectedHeader>
  try {
    header = decodeProtectedHeader(token)
  } catch (cause) {
    throw new SluiceError('trust.form', 'its header cannot be read', { cause })
  }
  const { alg, kid, typ } = header
  for (const name of ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'enc', 'zip'])
    if (name in header) throw new SluiceError('trust.form', `its header has ${name}`)
  if (typeof alg !== 'string') throw new SluiceError('trust.form', 'its header names no algorithm')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LIMITS.kid_chars))
    throw new SluiceError('trust.form', 'its kid is no short text')
  if (!TYPES.has(typ)) throw new SluiceError('trust.form', 'it is a token of another type')
  return { alg, kid }
}

/** Reads who claims to have signed it, before anything is believed: it only says whose keys to try. */
function issuerOf(token: string, trust: TrustDirectory): TrustedIssuer {
  let payload: { iss?: unknown; sub?: unknown } | null
  try {
    payload = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString('utf8')) as typeof payload
  } catch (cause) {
    throw new SluiceError('trust.form', 'its claims cannot be read', { cause })
  }
  const { iss, sub } = payload ?? {}
  const domain = typeof sub === 'string' ? /^spiffe:\/\/([a-z0-9._-]+)(?:\/|$)/.exec(sub)?.[1] : undefined
  const found =
    (typeof iss === 'string' ? trust.issuer(iss) : undefined) ??
    (domain === undefined ? undefined : trust.trustDomain(domain))
  if (!found) throw new SluiceError('trust.issuer', 'no document trusts its issuer')
  return found
}

/** One audience, ours: a token that others accept too could be one of them passing it on. Returns the subject. */
function checkParties({ aud, sub }: JWTPayload, issuer: TrustedIssuer): string {
  if (Array.isArray(aud) && aud.length !== 1)
    throw new SluiceError('trust.audience', `${issuer.name}: it is meant for others as well`)
  if (typeof sub !== 'string' || sub === '') throw new SluiceError('trust.form', `${issuer.name}: its sub is no text`)
  return sub
}

/** Beyond what `exp` and `nbf` say: not issued in the future, nor for longer than any workload's token is. */
function checkTimes({ exp, iat }: JWTPayload, issuer: TrustedIssuer, now_ms: number): void {
  if (iat !== undefined && iat * 1_000 > now_ms + issuer.skew_ms)
    throw new SluiceError('trust.time', `${issuer.name} issued it in the future`)
  const from_ms = iat === undefined ? now_ms : iat * 1_000
  if (exp! * 1_000 - from_ms > LIMITS.lifetime_max_ms)
    throw new SluiceError('trust.time', `${issuer.name} lets it hold for more than a day`)
}

async function useOnce({ usedIds }: WorkloadParts, issuer: TrustedIssuer, { jti, exp }: JWTPayload): Promise<void> {
  if (!issuer.once || jti === undefined) return
  const first = await usedIds.use(`issuer:${issuer.name}`, sha256(String(jti)), exp! * 1_000 + issuer.skew_ms)
  if (!first) throw new SluiceError('trust.replayed', `${issuer.name}: its jti was used before`)
}

function refused(cause: unknown, issuer: TrustedIssuer): SluiceError {
  const said = (
    code: 'trust.time' | 'trust.audience' | 'trust.issuer' | 'trust.signature' | 'trust.form',
    why: string,
  ) => new SluiceError(code, `${issuer.name}: ${why}`, { cause })
  if (cause instanceof errors.JWTExpired) return said('trust.time', 'it has expired')
  if (cause instanceof errors.JWTClaimValidationFailed) {
    if (cause.claim === 'aud') return said('trust.audience', 'it is meant for somebody else')
    if (cause.claim === 'iss') return said('trust.issuer', 'it names another issuer')
    if (cause.claim === 'nbf' || cause.claim === 'exp' || cause.claim === 'iat')
      return said('trust.time', `its ${cause.claim} does not hold`)
    return said('trust.form', `its claim ${cause.claim} is missing or wrong`)
  }
  if (cause instanceof errors.JWSSignatureVerificationFailed) return said('trust.signature', 'its signature is wrong')
  return said('trust.form', 'it cannot be verified')
}
