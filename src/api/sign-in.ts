import { createMiddleware } from 'hono/factory'
import type { Clock } from '../kit/clock.ts'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import { Lru } from '../kit/lru.ts'
import type { IdentityPort } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { ApiEnv } from './env.ts'
import { LIMITS } from './limits.ts'
import { checkOrigin, cookieOf, SESSION_COOKIE } from './sign-in/cookies.ts'

/** Who shows this token, or cookie? Throws `api.unauthorized`, or `api.limited` when the address failed too often. */
export type SignIn = (token: string | undefined, from: string, kind?: 'token' | 'cookie') => Promise<Principal>

/** Sign-in with a bound on failures per address, so that guessing costs the guesser and not the store. */
export function createSignIn({ identity, clock }: { readonly identity: IdentityPort; readonly clock: Clock }): SignIn {
  const failures = createFailures(clock)
  const trusted = new Lru<string, true>(LIMITS.trusted_tokens)
  return async (token, from, kind = 'token') => {
    if (!token) throw new SluiceError('api.unauthorized')
    // One address can be many people's, this machine's above all: whoever signed in lately is not locked out by a stranger.
    const hash = sha256(token)
    if (failures.exceeded(from) && !trusted.get(hash)) throw new SluiceError('api.limited')
    const caller = await identity.authenticate({ kind, proof: token, from })
    if (caller) {
      trusted.set(hash, true)
      return caller
    }
    trusted.delete(hash)
    failures.count(from)
    throw new SluiceError('api.unauthorized')
  }
}

function createFailures(clock: Clock): { exceeded(from: string): boolean; count(from: string): void } {
  const buckets = new Lru<string, { readonly left: number; readonly at_ms: number }>(LIMITS.addresses)
  const left = (from: string): number => {
    const bucket = buckets.get(from)
    if (!bucket) return LIMITS.failures
    return Math.min(LIMITS.failures, bucket.left + (clock.monotonic_ms() - bucket.at_ms) / LIMITS.failure_refill_ms)
  }
  return {
    exceeded: (from) => left(from) < 1,
    count: (from) => buckets.set(from, { left: Math.max(0, left(from) - 1), at_ms: clock.monotonic_ms() }),
  }
}

const READS = new Set(['GET', 'HEAD'])

/**
 * Lets nobody pass without a bearer token, or a browser's session. A session is sent along whoever's page asks, so that a change also needs
 * our origin and the session's own text in X-Sluice-CSRF; a token is sent by whoever holds it.
 */
export function bearer(signIn: SignIn) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const cookie = c.req.header('authorization') === undefined ? cookieOf(c, SESSION_COOKIE) : undefined
    if (cookie !== undefined) {
      c.set('caller', await signIn(cookie, peerOf(c.env), 'cookie'))
      if (!READS.has(c.req.method)) checkOrigin(c, { given: c.req.header('x-sluice-csrf'), cookie })
      return await next()
    }
    const token = /^Bearer +(\S{1,256})$/i.exec(c.req.header('authorization') ?? '')?.[1]
    c.set('caller', await signIn(token, peerOf(c.env)))
    await next()
  })
}

/** The peer's address as the socket has it: a header about it could be anyone's. */
export function peerOf(env: ApiEnv['Bindings'] | undefined): string {
  return env?.incoming?.socket.remoteAddress ?? ''
}
