import type { Context } from 'hono'
import { CATALOGUE, type ErrorCode } from '../kit/catalogue.ts'
import { SluiceError } from '../kit/errors.ts'
import type { LiveSession } from '../model/ports.ts'
import { isAdministrator, type Principal } from '../model/principal.ts'
import { answers, body, mayRead, route } from './access.ts'
import { type ApiEnv, routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import { eventSchema, shownEvent } from './replay.ts'
import { chainOf, isOwn } from './rights.ts'
import type { PastSession } from './services.ts'
import { byId, instant, limit, principalOf, principalSchema, reason } from './shapes.ts'
import { serveEvents } from './stream.ts'
import { z } from './zod.ts'

const sessionSchema = z
  .object({
    id: z.string(),
    state: z.enum(['idle', 'running', 'held', 'closed']),
    protocol: z.string(),
    resource: z.string(),
    principal: principalSchema,
    from: z.string(),
    client: z.string(),
    upstreamUser: z.string(),
    database: z.string(),
    opened_ms: instant,
    closed_ms: instant.optional(),
    endedWhy: z.string().optional(),
    operations: z.number(),
    rows: z.number(),
    bytes: z.number(),
  })
  .openapi('Session')

const list = route('signed-in', {
  method: 'get',
  path: '/sessions',
  summary: 'Live and past sessions, newest first: yours and your agents’; for administrators all.',
  request: {
    query: z.object({
      state: z.enum(['live', 'past', 'all']).default('all'),
      limit,
      before: z.string().max(100).optional(),
    }),
  },
  responses: answers(z.object({ sessions: z.array(sessionSchema), next: z.string().optional() })),
})

const get = route('session', {
  method: 'get',
  path: '/sessions/{id}',
  summary: 'One session.',
  request: { params: byId },
  responses: answers(sessionSchema),
})

const kill = route('session', {
  method: 'post',
  path: '/sessions/{id}/kill',
  summary: 'End a live session; what runs on the target is cancelled.',
  request: { params: byId, body: body(z.strictObject({ reason })) },
  responses: answers(
    z
      .object({
        state: z.enum(['ended', 'ending']).openapi({ description: '`ending`: it was told to, and is not over yet.' }),
      })
      .openapi('Ended'),
  ),
})

const events = route('session', {
  method: 'get',
  path: '/sessions/{id}/events',
  summary: 'The transcript, page by page.',
  request: { params: byId, query: z.object({ from: z.coerce.number().int().min(0).default(0), limit }) },
  responses: answers(z.object({ events: z.array(eventSchema), next: z.number().optional() })),
})

const watch = route('session', {
  method: 'get',
  path: '/sessions/{id}/watch',
  summary: 'What happens from now on, as server-sent events.',
  request: { params: byId },
  responses: { 200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } } },
})

/** Why a session ended, as this caller may know it: what concerns a target's address, account or answer is for administrators. */
function shownEnd(why: string, caller: Principal): string {
  const [code = ''] = why.split(': ', 1)
  if (isAdministrator(caller) || !/^(target|vault|tunnel)\.|^internal$/.test(code)) return why
  return code in CATALOGUE ? `${code}: ${CATALOGUE[code as ErrorCode].message}` : code
}

function shown(session: LiveSession | PastSession, caller: Principal): z.infer<typeof sessionSchema> {
  const { id, protocol, resource, from, client, upstreamUser, database, opened_ms, operations, rows, bytes } = session
  const counted = { opened_ms, operations, rows, bytes }
  const known = {
    id,
    protocol,
    resource,
    principal: principalOf(session.principal),
    from,
    client,
    upstreamUser,
    database,
    ...counted,
  }
  if ('state' in session) return { ...known, state: session.state }
  const { closed_ms, endedWhy } = session
  return {
    ...known,
    state: 'closed',
    ...(closed_ms === undefined ? {} : { closed_ms }),
    ...(endedWhy === undefined ? {} : { endedWhy: shownEnd(endedWhy, caller) }),
  }
}

/** Reading what others did is itself on record. */
function journalReading(c: Context<ApiEnv>, action: string): void {
  const { caller, session } = c.var
  if (!isOwn(caller, chainOf(session.principal))) journal(c, { action, subject: session.id })
}

export const sessionRoutes = () =>
  routeGroup()
    .openapi(list, async (c) => {
      const { state, limit, before } = c.req.valid('query')
      const { live, past, next } = await find(c, { state, limit, before })
      return c.json(
        {
          sessions: [...live, ...past].map((each) => shown(each, c.var.caller)),
          ...(next === undefined ? {} : { next }),
        },
        200,
      )
    })
    .openapi(get, (c) => c.json(shown(c.var.session, c.var.caller), 200))
    .openapi(kill, async (c) => {
      const { caller, services, session } = c.var
      const why = c.req.valid('json').reason
      journalIfPossible(c, { action: 'session.kill', subject: session.id, fields: { reason: why } })
      const end = await services.live.kill(session.id, caller.id, why)
      if (end === 'unknown') throw new SluiceError('api.not_found')
      return c.json({ state: end }, 200)
    })
    .openapi(events, async (c) => {
      journalReading(c, 'session.read')
      const page = await c.var.services.transcripts.read(c.var.session.id, c.req.valid('query'))
      const next = page.next === undefined ? {} : { next: page.next }
      return c.json({ events: page.events.map(shownEvent), ...next }, 200)
    })
    .openapi(watch, (c) => {
      journalReading(c, 'session.watch')
      const { services, session } = c.var
      return serveEvents(c, async function* (signal) {
        for await (const event of services.transcripts.follow(session.id, signal))
          yield { event: event.kind, data: shownEvent(event) }
      })
    })

interface Filter {
  readonly state: 'live' | 'past' | 'all'
  readonly limit: number
  readonly before: string | undefined
}

/** Live sessions stand on the first page, before all others. `next` is where to go on, unset when the index has no more. */
async function find(c: Context<ApiEnv>, { state, limit, before }: Filter) {
  const { caller, services } = c.var
  const mine = (session: LiveSession | PastSession) => mayRead(caller, chainOf(session.principal))
  const live = state === 'past' || before !== undefined ? [] : services.live.list().filter(mine)
  const newest = live.toSorted((a, b) => b.opened_ms - a.opened_ms).slice(0, limit)
  if (state === 'live') return { live: newest, past: [], next: undefined }
  const known = new Set(live.map((session) => session.id))
  const recent = await services.sessions.recent({ limit, before })
  const past = recent.filter((session) => mine(session) && !known.has(session.id))
  return { live: newest, past, next: recent.length === limit ? recent.at(-1)?.id : undefined }
}
