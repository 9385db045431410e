import { createMiddleware } from 'hono/factory'
import { createAttempts } from '../identity/attempts.ts'
import type { Identity } from '../identity/identity.ts'
import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Principal } from '../model/principal.ts'
import type { ApiEnv } from './env.ts'
import { LIMITS } from './limits.ts'
import { peerOf } from './peer.ts'
import { checkOrigin, cookieOf, SESSION_COOKIE } from './sign-in/cookies.ts'

/**
 * Who shows this token, or cookie? Throws `api.unauthorized`, `identity.revoked` or `identity.killed` for one that was good once, or
 * `api.limited` in their place when the address was wrong too often. A right one passes at any time: nobody guesses 256 bits.
 */
export type SignIn = (token: string | undefined, from: string, kind?: 'token' | 'cookie') => Promise<Principal>

/** Sign-in with a count of failures per address. */
export function createSignIn({ identity, clock }: { readonly identity: Identity; readonly clock: Clock }): SignIn {
  const attempts = createAttempts({ clock, bounds: LIMITS.attempts })
  return async (token, from, kind = 'token') => {
    if (!token) throw new SluiceError('api.unauthorized')
    const claim = { kind, proof: token, from }
    const caller = await identity.authenticate(claim)
    if (caller) return caller
    // One that was good once hears why it is not, however many were wrong: only who held it can ask.
    const ended = await identity.whyEnded(claim)
    if (ended !== undefined) throw new SluiceError(ended)
    throw new SluiceError(attempts.failed('api', from) ? 'api.limited' : 'api.unauthorized')
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
      c.set('caller', await signIn(cookie, peerOf(c), 'cookie'))
      if (!READS.has(c.req.method)) checkOrigin(c, { given: c.req.header('x-sluice-csrf'), cookie })
      return await next()
    }
    const token = /^Bearer +(\S{1,256})$/i.exec(c.req.header('authorization') ?? '')?.[1]
    c.set('caller', await signIn(token, peerOf(c)))
    await next()
  })
}
