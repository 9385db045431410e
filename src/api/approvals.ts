import type { Context } from 'hono'
import { display } from '../approval/display.ts'
import { standing } from '../approval/quorum.ts'
import type { Approval } from '../approval/record.ts'
import type { ApprovalEvent } from '../approval/waiting.ts'
import type { Principal } from '../model/principal.ts'
import { answers, body, mayReadApproval, requireFresh, route } from './access.ts'
import { type ApiEnv, routeGroup } from './env.ts'
import { byId, instant, reason } from './shapes.ts'
import { listen, type StreamEvent, serveEvents } from './stream.ts'
import { z } from './zod.ts'

const stateSchema = z.enum(['pending', 'approved', 'rejected', 'expired', 'cancelled', 'consumed'])

const displaySchema = z
  .object({
    text: z.string().openapi({ description: 'Escaped for people: nothing in it can hide or reorder.' }),
    length: z.number().openapi({ description: 'Characters of the whole original.' }),
    truncated: z.boolean(),
    warnings: z.array(z.string()),
  })
  .openapi('Display')

const approvalSchema = z
  .object({
    id: z.string(),
    url: z.string(),
    digest: z.string().openapi({ description: 'Give it back with your decision: it says what you saw.' }),
    state: stateSchema,
    mayDecide: z.boolean(),
    principal: z.string(),
    chain: z.array(z.string()),
    session: z.string(),
    resource: z.string(),
    database: z.string(),
    verb: z.string(),
    effects: z.array(z.string()),
    statements: z.number(),
    text: displaySchema,
    brief: z.boolean().openapi({ description: 'Long parts were left out: ask for the request itself.' }),
    parameters: z.array(displaySchema.nullable()),
    sessionState: z.record(z.string(), z.string()),
    terms: z.array(z.object({ rule: z.string(), by: z.array(z.string()), count: z.number() })),
    message: z.string(),
    policy: z.string(),
    created_ms: instant,
    expires_ms: instant,
    ended_ms: instant.optional(),
    endedWhy: z.string().optional(),
    votes: z.array(
      z.object({
        principal: z.string(),
        verdict: z.enum(['approve', 'reject']),
        reason: z.string(),
        voted_ms: instant,
      }),
    ),
  })
  .openapi('Approval')
export type ShownApproval = z.infer<typeof approvalSchema>

const ballot = {
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .openapi({ description: 'The digest of the request as it was shown to you.' }),
  reason,
}

const list = route('signed-in', {
  method: 'get',
  path: '/approvals',
  summary:
    'Requests you made or may decide; for administrators all. Newest first, at most 200 are looked at, and long parts are left out.',
  request: { query: z.object({ state: stateSchema.optional() }) },
  responses: answers(z.object({ approvals: z.array(approvalSchema) })),
})

const follow = route('signed-in', {
  method: 'get',
  path: '/approvals/events',
  summary: 'Changes of the requests you may see, as server-sent events: each carries the request as it is then.',
  responses: { 200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } } },
})

const get = route('approval', {
  method: 'get',
  path: '/approvals/{id}',
  summary: 'One request.',
  request: { params: byId, query: z.object({ full: z.enum(['true', 'false']).default('false') }) },
  responses: answers(approvalSchema),
})

const approve = route('approver', {
  method: 'post',
  path: '/approvals/{id}/approve',
  summary: 'Say yes to exactly what you saw.',
  request: {
    params: byId,
    body: body(
      z
        .strictObject({
          ...ballot,
          readWhole: z
            .boolean()
            .default(false)
            .openapi({ description: 'You read the full text of a request that is not shown whole.' }),
        })
        .openapi('Yes'),
    ),
  },
  responses: answers(approvalSchema),
})

const reject = route('approver', {
  method: 'post',
  path: '/approvals/{id}/reject',
  summary: 'Say no; that ends the request.',
  request: { params: byId, body: body(z.strictObject(ballot).openapi('No')) },
  responses: answers(approvalSchema),
})

/** A request as this caller may see it. `full` shows long texts whole. */
export function shownApproval(
  approval: Approval,
  caller: Principal,
  { url, full = false }: { url: string; full?: boolean },
): ShownApproval {
  const show = (text: string) => {
    const seen = display(text, full ? Number.POSITIVE_INFINITY : undefined)
    return { ...seen, warnings: [...seen.warnings] }
  }
  const text = show(approval.text)
  if (approval.statements > 1)
    text.warnings.unshift(`It holds ${approval.statements} statements; your decision covers all of them.`)
  const { policy, length, ...rest } = approval
  if (length > approval.text.length) Object.assign(text, { length, truncated: true })
  return {
    ...rest,
    url,
    policy,
    mayDecide: approval.state === 'pending' && standing(caller, approval.chain, approval.terms) === 'may',
    chain: [...approval.chain],
    effects: [...approval.effects],
    text,
    parameters: approval.parameters.map((value) => (value === null ? null : show(value))),
    sessionState: Object.fromEntries(
      Object.entries(approval.sessionState).map(([name, value]) => [name, show(value).text]),
    ),
    terms: approval.terms.map(({ rule, by, count }) => ({ rule, by: [...by], count })),
    votes: approval.votes.map((vote) => ({ ...vote })),
  }
}

const shown = (c: Context<ApiEnv>, approval: Approval, full = false) =>
  shownApproval(approval, c.var.caller, { url: c.var.services.approvals.url(approval.id), full })

export const approvalRoutes = () =>
  routeGroup()
    .openapi(list, async (c) => {
      const all = await c.var.services.approvals.list(c.req.valid('query').state)
      return c.json(
        { approvals: all.filter((each) => mayReadApproval(c.var.caller, each)).map((each) => shown(c, each)) },
        200,
      )
    })
    .openapi(follow, (c) => serveEvents(c, (signal) => changes(c, signal)))
    .openapi(get, (c) => c.json(shown(c, c.var.approval, c.req.valid('query').full === 'true'), 200))
    .openapi(approve, async (c) => {
      await requireFresh(c)
      const { digest, reason, readWhole } = c.req.valid('json')
      return c.json(shown(c, await vote(c, { verdict: 'approve', digest, reason, readWhole })), 200)
    })
    .openapi(reject, async (c) => {
      const { digest, reason } = c.req.valid('json')
      return c.json(shown(c, await vote(c, { verdict: 'reject', digest, reason })), 200)
    })

type Answer = {
  readonly verdict: 'approve' | 'reject'
  readonly digest: string
  readonly reason: string
  readonly readWhole?: boolean
}

/** The vote is in the ledger by its own entry, written before it counts. */
function vote(c: Context<ApiEnv>, answer: Answer): Promise<Approval> {
  return c.var.services.approvals.decide({ id: c.var.approval.id, approver: c.var.caller, ...answer })
}

async function* changes(c: Context<ApiEnv>, signal: AbortSignal): AsyncIterable<StreamEvent> {
  const { approvals } = c.var.services
  for await (const { kind, id } of listen<ApprovalEvent>((listener) => approvals.follow(listener), signal)) {
    const approval = await approvals.get(id)
    if (approval && mayReadApproval(c.var.caller, approval)) yield { event: kind, data: shown(c, approval) }
  }
}
