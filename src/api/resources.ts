import { answers, route } from './access.ts'
import { routeGroup } from './env.ts'
import { z } from './zod.ts'

const resourceSchema = z
  .object({
    name: z.string(),
    protocol: z.string(),
    labels: z.record(z.string(), z.string()),
    description: z.string(),
    url: z.string().openapi({ example: 'postgresql://orders@127.0.0.1:15432/shop' }),
    users: z.array(z.string()),
  })
  .openapi('Resource')

const list = route('signed-in', {
  method: 'get',
  path: '/resources',
  summary: 'What you may open, and how.',
  responses: answers(z.object({ resources: z.array(resourceSchema) })),
})

export const resourceRoutes = () =>
  routeGroup().openapi(list, (c) => {
    const resources = c.var.services.resources.list(c.var.caller)
    return c.json({ resources: resources.map((each) => ({ ...each, users: [...each.users] })) }, 200)
  })
