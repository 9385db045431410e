import type { HttpBindings } from '@hono/node-server'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Approval } from '../approval/record.ts'
import type { TokenSummary } from '../identity/tokens.ts'
import type { LiveSession } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import { invalid } from './refusal.ts'
import type { ApiServices, PastSession } from './services.ts'
import type { Streams } from './stream.ts'

/** What a request carries on its way. The guard of a route sets what the route is about. */
export interface ApiEnv {
  Bindings: Partial<HttpBindings>
  Variables: {
    services: ApiServices
    streams: Streams
    caller: Principal
    session: LiveSession | PastSession
    approval: Approval
    token: TokenSummary
  }
}

/** An empty group of routes. */
export function routeGroup(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({ defaultHook: invalid })
}
