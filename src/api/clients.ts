import type { Client } from '../identity/exchange/clients.ts'
import { SluiceError } from '../kit/errors.ts'
import { answers, body, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import { done, instant, reference } from './shapes.ts'
import { z } from './zod.ts'

const clientSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    principal: z.string().optional().openapi({ description: 'Whom its own credentials stand for.' }),
    grants: z.array(z.string()),
    redirects: z.array(z.string()),
    confidential: z.boolean().openapi({ description: 'It proves itself by a key (private_key_jwt).' }),
    createdBy: z.string(),
    created_ms: instant,
  })
  .openapi('Client')

const list = route('admin', {
  method: 'get',
  path: '/clients',
  summary: 'Programs that may ask for tokens at the token endpoint.',
  responses: answers(z.object({ clients: z.array(clientSchema) })),
})

const register = route('admin', {
  method: 'post',
  path: '/clients',
  summary: 'Register a program; needs a fresh sign-in. With public keys it may ask in the name of a service or agent.',
  request: {
    body: body(
      z.strictObject({
        id: z.string().min(1).max(64).openapi({ example: 'nightly-export' }),
        name: z.string().max(100).default(''),
        principal: reference.optional(),
        keys: z
          .array(z.record(z.string(), z.unknown()))
          .max(20)
          .optional()
          .openapi({ description: 'Public keys as JWKs.' }),
      }),
    ),
  },
  responses: answers(clientSchema),
})

const remove = route('admin', {
  method: 'post',
  path: '/clients/{name}/remove',
  summary: 'Remove a program; tokens it was given hold until they end or are revoked.',
  request: { params: z.object({ name: z.string().min(1).max(64) }) },
  responses: answers(done),
})

const shown = ({ principal, ...client }: Client): z.infer<typeof clientSchema> => ({
  ...client,
  ...(principal === undefined ? {} : { principal }),
  grants: [...client.grants],
  redirects: [...client.redirects],
})

export const clientRoutes = () =>
  routeGroup()
    .openapi(list, async (c) => c.json({ clients: (await c.var.services.oauth.clients.list()).map(shown) }, 200))
    .openapi(register, async (c) => {
      const { caller, services } = c.var
      await requireFresh(c)
      const { id, name, principal, keys } = c.req.valid('json')
      journal(c, { action: 'client.register', subject: id, fields: { name, principal, keys: keys?.length ?? 0 } })
      return c.json(shown(await services.oauth.clients.register({ id, name, principal, keys, by: caller.id })), 200)
    })
    .openapi(remove, async (c) => {
      const { name } = c.req.valid('param')
      journalIfPossible(c, { action: 'client.remove', subject: name })
      if (!(await c.var.services.oauth.clients.remove(name))) throw new SluiceError('api.not_found')
      return c.json({ done: true as const }, 200)
    })
