import { createRoute } from '@hono/zod-openapi'
import { answers } from './access.ts'
import { routeGroup } from './env.ts'
import { z } from './zod.ts'

const healthSchema = z.object({ status: z.enum(['ok', 'failing']) }).openapi('Health')

const health = createRoute({
  method: 'get',
  path: '/health',
  summary: 'Whether the gateway forwards. Needs no sign-in and tells nothing else.',
  security: [],
  'x-access': 'anyone',
  responses: {
    ...answers(healthSchema),
    503: { description: 'Failing', content: { 'application/json': { schema: healthSchema } } },
  },
})

/** The one route that needs no sign-in, beside the API document. */
export const healthRoutes = () =>
  routeGroup().openapi(health, (c) => {
    const ok = c.var.services.problems().length === 0
    return ok ? c.json({ status: 'ok' as const }, 200) : c.json({ status: 'failing' as const }, 503)
  })
