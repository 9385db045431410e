import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  ResponseBodyError,
  refreshTokenGrant,
  tokenRevocation,
} from 'openid-client'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { SecretPort } from '../../model/ports.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import type { Vouched } from '../vouched.ts'
import { type Claims, checkAge, checkIssue, vouchedBy } from './claims.ts'
import { createOidcClients } from './clients.ts'
import { LIMITS } from './limits.ts'
import { type EndedSession, verifyLogoutToken } from './logout.ts'

/** What binds one answer to one question: made anew for each, never seen by the provider in this form. */
export interface OidcBinding {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  readonly redirectUri: string
  /** The person must show a credential now. */
  readonly fresh: boolean
}

/** OpenID Connect as a relying party: code flow with PKCE, one configuration per provider. */
export interface Oidc {
  /** Where the browser is sent. Throws `signin.provider`. */
  begin(provider: IdentityProvider, binding: OidcBinding): Promise<URL>
  /** Redeems the code of an answer. Throws `signin.answer`, `signin.provider` or `signin.groups`. */
  finish(provider: IdentityProvider, answer: URL, binding: OidcBinding): Promise<Vouched>
  /** Asks whether a sign-in still holds, and what the provider says now. Undefined when it does not; throws `signin.provider` when nobody answers. */
  recheck(
    provider: IdentityProvider,
    before: { refresh: string; idToken?: string; subject: string },
  ): Promise<Vouched | undefined>
  /** Where the browser goes to end the provider's own session; undefined where it has no such place. */
  endSession(provider: IdentityProvider, wish: { idToken?: string; returnTo: string }): Promise<URL | undefined>
  /** Lets the provider forget a refresh token. Never throws: nothing here relies on it. */
  forget(provider: IdentityProvider, refresh: string): Promise<void>
  /** Whom a back-channel logout token ends. Throws `signin.answer`. */
  logoutToken(provider: IdentityProvider, token: string): Promise<EndedSession>
}

export function createOidc(options: { readonly secrets: Pick<SecretPort, 'read'>; readonly clock: Clock }): Oidc {
  const { clock } = options
  const clients = createOidcClients(options)
  return {
    async begin(provider, binding) {
      const { scopes } = provider.oidc!
      return buildAuthorizationUrl(await clients.of(provider), {
        redirect_uri: binding.redirectUri,
        scope: ['openid', ...scopes].join(' '),
        state: binding.state,
        nonce: binding.nonce,
        code_challenge: await calculatePKCECodeChallenge(binding.verifier),
        code_challenge_method: 'S256',
        // Asking for an age makes the provider say when the person last showed a credential (OpenID Connect Core §3.1.2.1).
        max_age: String(maxAgeOf(provider, binding)),
        ...(binding.fresh ? { prompt: 'login' } : {}),
      })
    },
    async finish(provider, answer, binding) {
      const config = await clients.of(provider)
      const tokens = await trusted(() =>
        authorizationCodeGrant(config, answer, {
          expectedState: binding.state,
          expectedNonce: binding.nonce,
          pkceCodeVerifier: binding.verifier,
          idTokenExpected: true,
          ...(binding.fresh ? { maxAge: LIMITS.fresh_s } : {}),
        }),
      )
      return await vouched({ provider, config, tokens, clock, maxAge_s: maxAgeOf(provider, binding) })
    },
    async recheck(provider, { refresh, idToken, subject }) {
      const config = await clients.of(provider)
      try {
        const tokens = await refreshTokenGrant(config, refresh)
        return await vouched({
          provider,
          config,
          tokens,
          clock,
          before: { refresh, subject, ...(idToken && { idToken }) },
        })
      } catch (error) {
        // RFC 6749 §5.2: the grant is over. Anything else may pass.
        if (error instanceof ResponseBodyError && error.error === 'invalid_grant') return undefined
        throw asSignInError(error)
      }
    },
    async endSession(provider, { idToken, returnTo }) {
      const config = await clients.of(provider)
      if (!config.serverMetadata().end_session_endpoint) return undefined
      const hint: Record<string, string> = idToken === undefined ? {} : { id_token_hint: idToken }
      return buildEndSessionUrl(config, { ...hint, post_logout_redirect_uri: returnTo })
    },
    async forget(provider, refresh) {
      const config = await clients.of(provider).catch(() => undefined)
      if (config?.serverMetadata().revocation_endpoint) await tokenRevocation(config, refresh).catch(() => {})
    },
    logoutToken: async (provider, token) => verifyLogoutToken(provider, await clients.of(provider), token, clock),
  }
}

/** How long ago the person may have shown a credential to the provider, in seconds. */
function maxAgeOf({ times }: IdentityProvider, { fresh }: Pick<OidcBinding, 'fresh'>): number {
  return fresh ? LIMITS.fresh_s : Math.ceil(times.max_ms / 1_000)
}

interface Redeemed {
  readonly provider: IdentityProvider
  readonly config: Configuration
  readonly tokens: Awaited<ReturnType<typeof authorizationCodeGrant>>
  readonly clock: Clock
  /** The age that was asked for, in seconds; a refresh asks for none. */
  readonly maxAge_s?: number
  /** What a refresh has to agree with; its answer need not hold an ID token. */
  readonly before?: { readonly refresh: string; readonly idToken?: string; readonly subject: string }
}

async function vouched({ provider, config, tokens, clock, before, maxAge_s }: Redeemed): Promise<Vouched> {
  const fromToken = tokens.claims() as Claims | undefined
  if (fromToken) {
    checkIssue(fromToken, provider.oidc!.clientId, clock.now_ms())
    checkAge(fromToken, maxAge_s, clock.now_ms())
  }
  const subject = before?.subject ?? String(fromToken?.sub)
  if (fromToken && fromToken.sub !== subject)
    throw new SluiceError('signin.answer', 'the refreshed ID token is another person’s')
  let claims: Claims = fromToken ?? {}
  // Without an ID token only the userinfo endpoint can say what the person is now.
  if (provider.oidc!.userinfo || !fromToken) {
    const told = await trusted(() => fetchUserInfo(config, tokens.access_token, subject))
    // The token's own claims are signed: userinfo only adds to them, but for groups, which it may be asked for.
    claims = { ...told, ...claims }
  }
  const grant = {
    ...((tokens.refresh_token ?? before?.refresh) !== undefined && {
      refresh: tokens.refresh_token ?? before!.refresh,
    }),
    ...((tokens.id_token ?? before?.idToken) !== undefined && { idToken: tokens.id_token ?? before!.idToken! }),
  }
  return { ...vouchedBy(provider, { ...claims, sub: subject }), grant }
}

async function trusted<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw asSignInError(error)
  }
}

/** The library's errors in our words: what the provider refused, what did not hold, what was not reached. */
function asSignInError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error
  const cause = { cause: error }
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
    return new SluiceError('signin.provider', `it answered ${error.error}`.slice(0, 200), cause)
  const why = chainOf(error).map(wordsOf).join(': ').slice(0, 300)
  return new SluiceError(isUnreachable(error) ? 'signin.provider' : 'signin.answer', why, cause)
}

/** The error and what caused it: the library keeps what exactly was wrong in there. */
function chainOf(error: unknown): Error[] {
  const chain: Error[] = []
  for (let each = error; each instanceof Error && chain.length < 5; each = each.cause) chain.push(each)
  return chain
}

function wordsOf(error: Error): string {
  const { code } = error as { code?: unknown }
  // The library hangs what it looked at on the error that has no cause of its own.
  const { claim, attribute } = (error.cause ?? {}) as { claim?: unknown; attribute?: unknown }
  const named = [claim, attribute].filter((name) => typeof name === 'string').map((name) => ` ("${name as string}")`)
  return `${typeof code === 'string' ? `${code} ` : ''}${error.message}${named.join('')}`
}

function isUnreachable(error: unknown): boolean {
  return chainOf(error).some((each) => {
    const { code } = each as { code?: unknown }
    const late = each.message === 'fetch failed' || each.name === 'TimeoutError' || each instanceof RangeError
    return late || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM'
  })
}
