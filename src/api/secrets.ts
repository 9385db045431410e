import { SluiceError } from '../kit/errors.ts'
import { Secret } from '../kit/secret.ts'
import { answers, body, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal } from './journal.ts'
import { done, instant } from './shapes.ts'
import { z } from './zod.ts'

const secretSchema = z.object({ name: z.string(), updatedBy: z.string(), updated_ms: instant }).openapi('Secret')
const byName = z.object({ name: z.string().min(1).max(100) })

const list = route('admin', {
  method: 'get',
  path: '/secrets',
  summary: 'Names of the stored credentials; never their values.',
  responses: answers(z.object({ secrets: z.array(secretSchema) })),
})

const set = route('admin', {
  method: 'put',
  path: '/secrets/{name}',
  summary: 'Store or replace a credential; needs a fresh sign-in.',
  request: {
    params: byName,
    body: body(z.strictObject({ value: z.string().min(1).max(65_536) }).openapi('SecretValue')),
  },
  responses: answers(done),
})

const remove = route('admin', {
  method: 'delete',
  path: '/secrets/{name}',
  summary: 'Delete a credential; needs a fresh sign-in.',
  request: { params: byName },
  responses: answers(done),
})

export const secretRoutes = () =>
  routeGroup()
    .openapi(list, async (c) => c.json({ secrets: await c.var.services.vault.list() }, 200))
    .openapi(set, async (c) => {
      await requireFresh(c)
      const { name } = c.req.valid('param')
      journal(c, { action: 'secret.set', subject: name })
      await c.var.services.vault.set(name, new Secret(c.req.valid('json').value), c.var.caller.id)
      return c.json({ done: true as const }, 200)
    })
    .openapi(remove, async (c) => {
      await requireFresh(c)
      const { name } = c.req.valid('param')
      journal(c, { action: 'secret.delete', subject: name })
      if (!(await c.var.services.vault.delete(name))) throw new SluiceError('api.not_found')
      return c.json({ done: true as const }, 200)
    })
