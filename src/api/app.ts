import { HTTPException } from 'hono/http-exception'
import { SluiceError } from '../kit/errors.ts'
import { approvalRoutes } from './approvals.ts'
import { auditRoutes } from './audit.ts'
import { bodyLimit } from './body-limit.ts'
import { breakGlassDoor, breakGlassRoutes } from './break-glass.ts'
import { clientRoutes } from './clients.ts'
import { connectorRoutes } from './connectors.ts'
import { peopleOnly, programsOnly } from './cross-site.ts'
import { routeGroup } from './env.ts'
import { healthRoutes } from './health.ts'
import { killRoutes } from './kill.ts'
import { LIMITS } from './limits.ts'
import { meRoutes } from './me.ts'
import { oauthRoutes } from './oauth.ts'
import { pageRoutes } from './page.ts'
import { policyRoutes } from './policy.ts'
import { refuse } from './refusal.ts'
import { resourceRoutes } from './resources.ts'
import { samlRoutes } from './saml.ts'
import { scimRoutes } from './scim.ts'
import { secretRoutes } from './secrets.ts'
import type { ApiServices } from './services.ts'
import { sessionRoutes } from './sessions.ts'
import { signInRoutes } from './sign-in/routes.ts'
import { bearer, createSignIn } from './sign-in.ts'
import { sshRoutes } from './ssh.ts'
import { createStreams } from './stream.ts'
import { tokenRoutes } from './tokens.ts'

/** The API's type: what the client is generated from. */
export type Api = ReturnType<typeof createApi>

/**
 * The REST API (design §4): one file per group of routes, its document generated from the same schemas that check requests. Everything
 * under /api/ needs a bearer token; there is no CORS, so no web page of another origin reads it.
 */
export function createApi(services: ApiServices) {
  const signIn = createSignIn(services)
  const streams = createStreams()
  const app = routeGroup()
  app.onError((error, c) => {
    if (!(error instanceof SluiceError) && !(error instanceof HTTPException))
      services.log.error('a request failed', { path: c.req.routePath, error: String(error) })
    return refuse(c, error)
  })
  app.notFound((c) => refuse(c, new SluiceError('api.not_found')))
  app.use(async (c, next) => {
    c.set('services', services)
    c.set('streams', streams)
    c.header('Cache-Control', 'no-store')
    c.header('X-Content-Type-Options', 'nosniff')
    await next()
  })
  for (const path of ['/oauth/*', '/scim/*', '/break-glass', '/sign-in/:provider/logout']) app.use(path, programsOnly)
  for (const path of ['/sign-in', '/sign-in/:provider', '/authorize', '/device', '/device/*']) app.use(path, peopleOnly)
  app.use('/api/*', bearer(signIn))
  // An identity provider's answer may name thousands of groups.
  const isProviders = (path: string) => /^\/sign-in\/[^/]+\/acs$|^\/scim\//.test(path)
  app.use(bodyLimit((path) => (isProviders(path) ? LIMITS.answer_bytes : LIMITS.body_bytes)))
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'slu_…',
  })
  const described = app
    .route('/', healthRoutes())
    .route('/', pageRoutes(signIn))
    .route('/', signInRoutes())
    .route('/', scimRoutes())
    .route('/', breakGlassDoor())
    .route('/api/v1', breakGlassRoutes())
    .route('/api/v1', samlRoutes())
    .route('/', oauthRoutes(signIn))
    .route('/api/v1', meRoutes())
    .route('/api/v1', sessionRoutes())
    .route('/api/v1', approvalRoutes())
    .route('/api/v1', tokenRoutes())
    .route('/api/v1', killRoutes())
    .route('/api/v1', clientRoutes())
    .route('/api/v1', resourceRoutes())
    .route('/api/v1', policyRoutes())
    .route('/api/v1', auditRoutes())
    .route('/api/v1', secretRoutes())
    .route('/api/v1', sshRoutes())
    .route('/api/v1', connectorRoutes())
  described.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version: services.version,
      description: 'Times ending in _ms are milliseconds since the epoch.',
    },
    security: [{ token: [] }],
  })
  return described
}
