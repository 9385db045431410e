import { answers, route } from './access.ts'
import { routeGroup } from './env.ts'
import { isAdmin } from './rights.ts'
import { instant, principalOf, principalSchema } from './shapes.ts'
import { z } from './zod.ts'

const meSchema = z
  .object({ principal: principalSchema, admin: z.boolean(), expires_ms: instant.optional(), version: z.string() })
  .openapi('Me')

const me = route('signed-in', {
  method: 'get',
  path: '/me',
  summary: 'Who you are here.',
  responses: answers(meSchema),
})

const statusSchema = z.object({ version: z.string(), problems: z.array(z.string()) }).openapi('Status')

const status = route('admin', {
  method: 'get',
  path: '/status',
  summary: 'What keeps the gateway from forwarding, if anything does.',
  responses: answers(statusSchema),
})

export const meRoutes = () =>
  routeGroup()
    .openapi(me, (c) => {
      const { caller, services } = c.var
      const expires = caller.expires_ms === undefined ? {} : { expires_ms: caller.expires_ms }
      return c.json(
        { principal: principalOf(caller), admin: isAdmin(caller), ...expires, version: services.version },
        200,
      )
    })
    .openapi(status, (c) => {
      const { services } = c.var
      return c.json({ version: services.version, problems: [...services.problems()] }, 200)
    })
