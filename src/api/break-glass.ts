import { createRoute } from '@hono/zod-openapi'
import { answers, body, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { peerOf } from './peer.ts'
import { refusalSchema } from './refusal.ts'
import { instant } from './shapes.ts'
import { z } from './zod.ts'

const stateSchema = z
  .object({
    state: z.enum(['none', 'sealed', 'open', 'used']),
    groups: z.array(z.string()),
    sealedBy: z.string().optional(),
    sealed_ms: instant.optional(),
    opened_ms: instant.optional(),
    openedFrom: z.string().optional(),
    openedWhy: z.string().optional(),
    until_ms: instant.optional(),
  })
  .openapi('BreakGlass')

const state = route('admin', {
  method: 'get',
  path: '/break-glass',
  summary: 'Whether the break-glass account is sealed, and who opened it when and why.',
  responses: answers(stateSchema),
})

const seal = route('admin', {
  method: 'post',
  path: '/break-glass/seal',
  summary: 'Seal the account anew; needs a fresh sign-in. Its secret is shown this once: print it and lock it away.',
  request: {
    body: body(z.strictObject({ groups: z.array(z.string().min(1).max(128)).min(1).max(20).default(['admins']) })),
  },
  responses: answers(z.object({ secret: z.string() }).openapi('SealedSecret')),
})

const open = createRoute({
  method: 'post',
  path: '/break-glass',
  summary: 'Open the account with its secret: an hour, once, and everyone hears of it.',
  security: [],
  'x-access': 'anyone',
  request: {
    body: body(z.strictObject({ secret: z.string().min(1).max(100), reason: z.string().min(10).max(1_000) })),
  },
  responses: {
    ...answers(z.object({ token: z.string(), expires_ms: instant }).openapi('BreakGlassToken')),
    default: { description: 'Refused', content: { 'application/json': { schema: refusalSchema } } },
  },
})

/** Opening needs no sign-in: it is one. */
export const breakGlassDoor = () =>
  routeGroup().openapi(open, async (c) => {
    const { secret, reason } = c.req.valid('json')
    const issued = await c.var.services.signIn.breakGlass.open({ secret, why: reason, from: peerOf(c) })
    return c.json({ token: issued.token.reveal(), expires_ms: issued.expires_ms }, 200) as never
  })

export const breakGlassRoutes = () =>
  routeGroup()
    .openapi(state, async (c) => {
      const found = await c.var.services.signIn.breakGlass.state()
      return c.json({ ...found, groups: [...found.groups] }, 200)
    })
    .openapi(seal, async (c) => {
      await requireFresh(c)
      const { groups } = c.req.valid('json')
      const secret = await c.var.services.signIn.breakGlass.seal({ by: c.var.caller.id, groups })
      return c.json({ secret: secret.reveal() }, 200)
    })
