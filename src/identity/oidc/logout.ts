import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import type { Configuration } from 'openid-client'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import { boundedFetch } from './fetch.ts'
import { LIMITS } from './limits.ts'

/** Whose sessions a logout token ends: all of a subject, or one of the provider's sessions. */
export interface EndedSession {
  readonly subject?: string
  readonly sid?: string
  /** Its id and until when it could be shown again: it is good once. */
  readonly jti: string
  readonly expires_ms: number
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

type KeySet = ReturnType<typeof createRemoteJWKSet>
const keySets = new WeakMap<Configuration, KeySet>()

function keysOf(config: Configuration): KeySet {
  const known = keySets.get(config)
  if (known) return known
  const { jwks_uri } = config.serverMetadata()
  if (!jwks_uri) throw new SluiceError('signin.provider', 'the provider publishes no keys')
  const made = createRemoteJWKSet(new URL(jwks_uri), {
    timeoutDuration: LIMITS.request_ms,
    [customFetch]: (url, options) => boundedFetch(url, options),
  })
  keySets.set(config, made)
  return made
}

/** Checks a back-channel logout token (OpenID Connect Back-Channel Logout 1.0 §2.6). Throws `signin.answer`. */
export async function verifyLogoutToken(
  provider: IdentityProvider,
  config: Configuration,
  token: string,
  clock: Clock,
): Promise<EndedSession> {
  const { issuer, clientId, algorithm } = provider.oidc!
  const refuse = (why: string, cause?: unknown): never => {
    throw new SluiceError('signin.answer', `logout token: ${why}`, { cause })
  }
  if (token.length > LIMITS.logout_token_chars) refuse('it is too long')
  const { payload, protectedHeader } = await jwtVerify(token, keysOf(config), {
    issuer,
    audience: clientId,
    algorithms: [algorithm],
    clockTolerance: LIMITS.skew_s,
    currentDate: new Date(clock.now_ms()),
    requiredClaims: ['iat', 'jti'],
  }).catch((cause: unknown) => refuse(String((cause as { code?: string }).code ?? 'it does not verify'), cause))
  // An ID token must not pass for one: it has no `events`, and a nonce forbids the reverse.
  const { events, nonce, sub, sid, iat, jti } = payload
  if (protectedHeader.typ !== undefined && !/^(application\/)?(logout\+jwt|jwt)$/i.test(protectedHeader.typ))
    refuse('it is of another type')
  if (typeof events !== 'object' || events === null || !Object.hasOwn(events, EVENT)) refuse('it names no logout')
  if (nonce !== undefined) refuse('it has a nonce')
  if (clock.now_ms() - iat! * 1_000 > LIMITS.logout_age_ms) refuse('it is too old')
  if (iat! * 1_000 - clock.now_ms() > LIMITS.skew_s * 1_000) refuse('it was issued in the future')
  if (typeof sub !== 'string' && typeof sid !== 'string') refuse('it names nobody')
  return {
    ...(typeof sub === 'string' && { subject: sub }),
    ...(typeof sid === 'string' && { sid }),
    jti: String(jti).slice(0, 255),
    expires_ms: clock.now_ms() + LIMITS.logout_age_ms + 2_000 * LIMITS.skew_s,
  }
}
