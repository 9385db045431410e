import { createRoute } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { detailsOf } from '../identity/authorization-details.ts'
import { CLIENT_ALGORITHMS } from '../identity/exchange/clients.ts'
import { Form } from '../identity/exchange/form.ts'
import { GRANT } from '../identity/exchange/grant.ts'
import { ACCESS_TOKEN } from '../identity/exchange/token-exchange.ts'
import type { IssuedToken } from '../identity/tokens.ts'
import type { ErrorCode } from '../kit/catalogue.ts'
import { SluiceError, toSluiceError, withParticulars } from '../kit/errors.ts'
import { isAdministrator } from '../model/principal.ts'
import { type ApiEnv, routeGroup } from './env.ts'
import { peerOf } from './peer.ts'
import type { ApiServices } from './services.ts'
import type { SignIn } from './sign-in.ts'
import { z } from './zod.ts'

/** OAuth's word and status for a refusal; what stands not here is `invalid_grant`, whatever was wrong with it. */
const WORDS: Partial<Record<ErrorCode, readonly [word: string, status: ContentfulStatusCode]>> = {
  'oauth.request': ['invalid_request', 400],
  'oauth.grant_type': ['unsupported_grant_type', 400],
  'oauth.client': ['invalid_client', 401],
  'oauth.pending': ['authorization_pending', 400],
  'oauth.slow_down': ['slow_down', 400],
  'oauth.denied': ['access_denied', 400],
  'oauth.expired': ['expired_token', 400],
  'delegation.details': ['invalid_authorization_details', 400],
  'delegation.widens': ['invalid_authorization_details', 400],
  'api.limited': ['temporarily_unavailable', 429],
  'api.busy': ['temporarily_unavailable', 429],
  'api.unauthorized': ['invalid_client', 401],
  'ledger.unwritable': ['temporarily_unavailable', 503],
  'store.unavailable': ['temporarily_unavailable', 503],
  internal: ['server_error', 500],
}
/** Codes whose detail is for the caller: it names what to mend, and nothing of anybody else. */
const NAMES_IT: ReadonlySet<ErrorCode> = new Set(['oauth.request', 'delegation.details', 'token.invalid'])
/** Codes whose own sentence tells nothing of users, agents or resources. All others say the one of `oauth.grant`. */
const OWN_WORDS = /^(oauth\.|delegation\.|api\.(limited|busy)$|ledger\.|store\.|internal$)/

const formSchema = z.record(z.string(), z.string())
const errorSchema = z
  .object({ error: z.string(), error_description: z.string(), code: z.string() })
  .openapi('OAuthError')
const tokenSchema = z
  .object({
    access_token: z.string(),
    issued_token_type: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.number(),
    authorization_details: z.array(z.unknown()).optional(),
  })
  .openapi('TokenAnswer')
const deviceSchema = z
  .object({
    device_code: z.string(),
    user_code: z.string(),
    verification_uri: z.string(),
    verification_uri_complete: z.string(),
    expires_in: z.number(),
    interval: z.number(),
  })
  .openapi('DeviceAnswer')

/** A route that needs no sign-in: what it is sent proves the right to it. */
function open<S>(path: string, summary: string, schema: S) {
  return createRoute({
    method: 'post',
    path,
    summary,
    security: [],
    'x-access': 'anyone',
    request: { body: { content: { 'application/x-www-form-urlencoded': { schema: formSchema } } } },
    responses: {
      200: { description: 'Done', content: { 'application/json': { schema: schema as z.ZodType } } },
      default: { description: 'Refused', content: { 'application/json': { schema: errorSchema } } },
    },
  })
}

const token = open('/oauth/token', 'Token endpoint: token exchange, client credentials, device code.', tokenSchema)
const device = open('/oauth/device_authorization', 'Begin a sign-in on another device (RFC 8628).', deviceSchema)
const revoke = open('/oauth/revoke', 'End a token one holds (RFC 7009).', z.object({}))
const introspection = open(
  '/oauth/introspect',
  'What a token stands for (RFC 7662); for clients with a key, and administrators.',
  z.object({ active: z.boolean() }),
)
const metadata = createRoute({
  method: 'get',
  path: '/.well-known/oauth-authorization-server',
  summary: 'What the token endpoint offers (RFC 8414).',
  security: [],
  'x-access': 'anyone',
  responses: {
    200: { description: 'Done', content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } } },
    default: { description: 'Refused', content: { 'application/json': { schema: errorSchema } } },
  },
})

/** Runs an endpoint on the form it was sent, and gives its refusal OAuth's words (RFC 6749 §5.2). */
async function endpoint(c: Context<ApiEnv>, work: (form: Form, from: string) => Promise<object>): Promise<Response> {
  c.header('Pragma', 'no-cache')
  try {
    return c.json(await work(await formOf(c), peerOf(c)), 200)
  } catch (thrown) {
    const error = toSluiceError(thrown)
    const [word, status] = WORDS[error.code] ?? ['invalid_grant', 400]
    if (error.code === 'internal') c.var.services.log.error('a token request failed', { error: error.message })
    const shown = OWN_WORDS.test(error.code) || error.code === 'token.invalid' ? error : new SluiceError('oauth.grant')
    const said = withParticulars(shown.safeMessage, NAMES_IT.has(error.code) ? error.detail : '')
    if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="Sluice"')
    return c.json({ error: word, error_description: said, code: shown.code }, status)
  }
}

async function formOf(c: Context<ApiEnv>): Promise<Form> {
  const type = c.req.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded')
    throw new SluiceError('oauth.request', 'it must be application/x-www-form-urlencoded')
  return new Form(new URLSearchParams(await c.req.text()))
}

function tokenAnswer(issued: IssuedToken, now_ms: number) {
  return {
    access_token: issued.token.reveal(),
    issued_token_type: ACCESS_TOKEN,
    token_type: 'Bearer' as const,
    expires_in: Math.floor((issued.expires_ms - now_ms) / 1_000),
    ...(issued.scope ? { authorization_details: detailsOf(issued.scope) } : {}),
  }
}

export const oauthRoutes = (signIn: SignIn) => {
  // Plain handlers under the documented routes: a form is read once, by us, with OAuth's own words for what is wrong with it.
  const group = routeGroup()
  for (const route of [token, device, revoke, introspection, metadata]) group.openAPIRegistry.registerPath(route)
  group.post('/oauth/token', (c) =>
    endpoint(c, async (form, from) =>
      tokenAnswer(await c.var.services.oauth.token(form, { from }), c.var.services.clock.now_ms()),
    ),
  )
  group.post('/oauth/device_authorization', (c) =>
    endpoint(c, async (form, from) => {
      const { oauth, clock } = c.var.services
      const { deviceCode, userCode, expires_ms, interval_ms } = await oauth.device(form, { from })
      const page = `${oauth.issuer()}/device`
      return {
        device_code: deviceCode.reveal(),
        user_code: userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?user_code=${userCode}`,
        expires_in: Math.floor((expires_ms - clock.now_ms()) / 1_000),
        interval: Math.ceil(interval_ms / 1_000),
      }
    }),
  )
  group.post('/oauth/revoke', (c) =>
    endpoint(c, async (form, from) => {
      await c.var.services.oauth.revoke(form, { from })
      return {}
    }),
  )
  group.post('/oauth/introspect', (c) =>
    endpoint(c, async (form, from) => {
      const shown = /^Bearer +(\S{1,256})$/i.exec(c.req.header('authorization') ?? '')?.[1]
      const caller = shown === undefined ? undefined : await signIn(shown, from)
      if (caller && !isAdministrator(caller)) throw new SluiceError('oauth.client')
      return await c.var.services.oauth.introspect(form, { from, caller })
    }),
  )
  group.get('/.well-known/oauth-authorization-server', (c) => c.json(metadataOf(c.var.services), 200))
  return group
}

/** RFC 8414 §2. The issuer has no path, so the document lies at the root. */
function metadataOf({ oauth, signIn }: ApiServices) {
  const issuer = oauth.issuer()
  return {
    issuer,
    token_endpoint: `${issuer}/oauth/token`,
    device_authorization_endpoint: `${issuer}/oauth/device_authorization`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    introspection_endpoint: `${issuer}/oauth/introspect`,
    grant_types_supported: Object.values(GRANT),
    authorization_endpoint: `${issuer}/authorize`,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: ['private_key_jwt', 'none'],
    token_endpoint_auth_signing_alg_values_supported: CLIENT_ALGORITHMS,
    authorization_details_types_supported: ['sluice'],
    // An own word (RFC 8414 §2 lets there be more): where people sign in, as the page shows it.
    identity_providers: signIn.desk.providers().map(({ name, title }) => ({ name, title })),
  }
}
