import { isThere, kill } from '../identity/kill.ts'
import { SluiceError } from '../kit/errors.ts'
import { answers, body, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import { instant, reason } from './shapes.ts'
import { z } from './zod.ts'

const subject = z.string().min(1).max(256)
const blockKind = z.enum(['principal', 'resource', 'all'])
const blockSchema = z
  .object({
    id: z.string(),
    kind: blockKind,
    subject: z.string().openapi({ example: 'agent:triage-bot' }),
    by: z.string(),
    why: z.string(),
    created_ms: instant,
  })
  .openapi('Block')

const list = route('admin', {
  method: 'get',
  path: '/blocks',
  summary: 'What the kill switch keeps shut.',
  responses: answers(z.object({ blocks: z.array(blockSchema) })),
})

const pull = route('admin', {
  method: 'post',
  path: '/kill',
  summary:
    'Shut a token, a principal, a resource or everything out at once; live sessions end, and what runs is cancelled.',
  request: {
    body: body(
      z.strictObject({
        kind: z.enum(['token', 'principal', 'resource', 'all']),
        subject: subject.default('*').openapi({ description: 'A token’s id, a principal’s id, a resource’s name.' }),
        reason,
      }),
    ),
  },
  responses: answers(z.object({ changed: z.boolean(), sessions: z.number() }).openapi('Killed')),
})

const lift = route('admin', {
  method: 'post',
  path: '/unblock',
  summary: 'Let a principal, a resource or everything in again; needs a fresh sign-in.',
  request: { body: body(z.strictObject({ kind: blockKind, subject: subject.default('*') })) },
  responses: answers(z.object({ changed: z.boolean() })),
})

export const killRoutes = () =>
  routeGroup()
    .openapi(list, async (c) =>
      c.json({ blocks: (await c.var.services.identity.blocks()).map((each) => ({ ...each })) }, 200),
    )
    .openapi(pull, async (c) => {
      const { caller, services } = c.var
      const { kind, subject, reason: why } = c.req.valid('json')
      if (kind === 'principal' && subject === caller.id)
        throw new SluiceError('api.invalid', 'you would shut yourself out; ask another administrator')
      // Only an administrator comes this far: they may know.
      if (!(await isThere(services, { kind, subject }))) throw new SluiceError('api.not_found')
      journalIfPossible(c, { action: 'kill', subject, fields: { what: kind, reason: why } })
      const killed = await kill(services, { kind, subject, by: caller.id, why })
      return c.json({ ...killed }, 200)
    })
    .openapi(lift, async (c) => {
      const { caller, services } = c.var
      await requireFresh(c)
      const { kind, subject } = c.req.valid('json')
      journal(c, { action: 'unblock', subject, fields: { what: kind } })
      return c.json({ changed: await services.identity.unblock(kind, kind === 'all' ? '*' : subject, caller.id) }, 200)
    })
