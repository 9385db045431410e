import { isThere, type KillRequest, kill } from '../identity/kill.ts'
import { SluiceError } from '../kit/errors.ts'
import { nearest } from '../policy/suggest.ts'
import { answers, body, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import { LIMITS } from './limits.ts'
import type { ApiServices } from './services.ts'
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
        unseen: z.boolean().default(false).openapi({
          description: 'Shut out a name that is not there yet, too; else it is taken for a slip of the pen.',
        }),
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
      const { kind, subject, reason: why, unseen } = c.req.valid('json')
      if (kind === 'principal' && subject === caller.id)
        throw new SluiceError('api.invalid', 'you would shut yourself out; ask another administrator')
      // Only an administrator comes this far: they may know.
      if (unseen && kind !== 'token' ? !isName({ kind, subject }) : !(await isThere(services, { kind, subject })))
        throw kind === 'token'
          ? new SluiceError('api.not_found')
          : new SluiceError('kill.unknown', unknown({ kind, subject }, services))
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

type Aim = Pick<KillRequest, 'kind' | 'subject'>

/** Whether something could have this name. */
function isName({ kind, subject }: Aim): boolean {
  if (kind === 'principal') return /^(human|agent|service):[\x21-\x7e]+$/.test(subject)
  return kind !== 'resource' || /^[a-z0-9][a-z0-9._-]*$/i.test(subject)
}

/** Names what is not there, and what the caller may have meant. */
function unknown({ kind, subject }: Aim, { principals, resources }: ApiServices): string {
  // An account that a document names is there by the document's name alone.
  const known = kind === 'resource' ? resources.names() : principals.ids().filter((id) => principals.lookup(id))
  const last = (id: string) => id.slice(id.lastIndexOf(':') + 1).toLowerCase()
  const same = known.filter((id) => last(id) === last(subject)).sort()
  const near = nearest(subject, known)
  const meant = same.length > 0 ? same.slice(0, LIMITS.suggested) : near === undefined ? [] : [near]
  return [subject, ...(meant.length > 0 ? [`there is ${meant.join(', ')}`] : [])].join('; ')
}
