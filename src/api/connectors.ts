import { SluiceError } from '../kit/errors.ts'
import { answers, body, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import { instant } from './shapes.ts'
import { z } from './zod.ts'

const connectorSchema = z
  .object({
    name: z.string().openapi({ example: 'vpc-1' }),
    id: z.string(),
    state: z.enum(['ready', 'draining', 'incompatible', 'gone', 'revoked', 'expired']),
    version: z.string(),
    from: z.string(),
    joined_ms: instant,
    joinedBy: z.string(),
    seen_ms: instant,
    expires_ms: instant,
    since_ms: instant.optional(),
    streams: z.number().int().optional(),
    opened: z.number().int().optional(),
    bytes: z.number().int().optional(),
    rtt_ms: z.number().optional(),
    revokedBy: z.string().optional(),
  })
  .openapi('Connector')

const list = route('admin', {
  method: 'get',
  path: '/connectors',
  summary: 'Connectors that joined, and how their tunnels do.',
  responses: answers(z.object({ connectors: z.array(connectorSchema) })),
})

const add = route('admin', {
  method: 'post',
  path: '/connectors',
  summary: 'A token that one connector joins with, once; needs a fresh sign-in.',
  request: {
    body: body(
      z
        .strictObject({
          name: z.string().min(1).max(63),
          ttl_ms: z.number().int().min(1).default(600_000),
          workload: z
            .string()
            .max(200)
            .optional()
            .openapi({ description: 'No token: this service joins by its own.', example: 'service:vpc' }),
        })
        .openapi('ConnectorInvitation'),
    ),
  },
  responses: answers(
    z
      .object({
        name: z.string(),
        id: z.string().optional(),
        token: z.string().optional(),
        expires_ms: instant.optional(),
        authority: z.string().optional().openapi({ description: 'What a workload’s connector knows the gateway by.' }),
        gateway: z.string().openapi({ description: 'The address connectors dial.', example: 'gw.example:15443' }),
      })
      .openapi('ConnectorToken'),
  ),
})

const revoke = route('admin', {
  method: 'post',
  path: '/connectors/{which}/revoke',
  summary: 'End a connector by its id, or all of a name with the tokens not used yet.',
  request: { params: z.object({ which: z.string().min(1).max(100) }) },
  responses: answers(z.object({ revoked: z.array(z.string()) })),
})

export const connectorRoutes = () =>
  routeGroup()
    .openapi(list, async (c) => c.json({ connectors: await c.var.services.connectors.list() }, 200))
    .openapi(add, async (c) => {
      await requireFresh(c)
      const { name, ttl_ms, workload } = c.req.valid('json')
      const { connectors } = c.var.services
      if (connectors.address === undefined)
        throw new SluiceError('tunnel.invalid', 'the gateway listens for no connectors: set listen.tunnel')
      journal(c, { action: 'connector.add', subject: name, fields: workload === undefined ? { ttl_ms } : { workload } })
      const gateway = connectors.address
      if (workload !== undefined) {
        const authority = await connectors.grant(name, workload, c.var.caller.id)
        return c.json({ name, authority, gateway }, 200)
      }
      const invited = await connectors.invite(name, ttl_ms, c.var.caller.id)
      return c.json({ ...invited, gateway }, 200)
    })
    .openapi(revoke, async (c) => {
      const { which } = c.req.valid('param')
      journalIfPossible(c, { action: 'connector.revoke', subject: which })
      const { revoked, withdrawn } = await c.var.services.connectors.revoke(which, c.var.caller.id)
      if (revoked.length + withdrawn === 0) throw new SluiceError('api.not_found')
      return c.json({ revoked: [...revoked] }, 200)
    })
