import { createRoute, type RouteConfig } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { standing } from '../approval/quorum.ts'
import type { Approval } from '../approval/record.ts'
import { SluiceError } from '../kit/errors.ts'
import { isAdministrator, type Principal } from '../model/principal.ts'
import type { ApiEnv } from './env.ts'
import { refusalSchema } from './refusal.ts'
import { chainOf, isOwn } from './rights.ts'

type Guard = (c: Context<ApiEnv>) => void | Promise<void>

/**
 * Who may call a route. A route about one thing (`{id}`) has a guard that finds it and hands it on, so that no handler can forget to
 * ask; what the caller may not see does not exist for them.
 */
const GUARDS = {
  /** Anyone who signed in; the handler answers with what is theirs. */
  'signed-in': () => {},
  admin: (c) => {
    if (!isAdministrator(c.var.caller)) throw new SluiceError('api.forbidden')
  },
  /** The session's own people, and administrators. */
  session: async (c) => {
    const id = c.req.param('id')!
    const { live, sessions } = c.var.services
    const session = live.list().find((each) => each.id === id) ?? (await sessions.get(id))
    if (!session || !mayRead(c.var.caller, chainOf(session.principal))) throw new SluiceError('api.not_found')
    c.set('session', session)
  },
  /** Those who asked, those who may decide, and administrators. */
  approval: async (c) => {
    const approval = await c.var.services.approvals.get(c.req.param('id')!)
    if (!approval || !mayReadApproval(c.var.caller, approval)) throw new SluiceError('api.not_found')
    c.set('approval', approval)
  },
  /** Those who may decide this request. The service asks the same again when it counts the vote. */
  approver: async (c) => {
    await GUARDS.approval(c)
    const place = standing(c.var.caller, c.var.approval.chain, c.var.approval.terms)
    if (place !== 'may') throw new SluiceError(place === 'self' ? 'approval.self' : 'approval.forbidden')
  },
  /** Those the token stands for, and administrators. */
  token: async (c) => {
    const token = await c.var.services.identity.token(c.req.param('id')!)
    if (!token || !mayRead(c.var.caller, [token.principal, ...token.actors])) throw new SluiceError('api.not_found')
    c.set('token', token)
  },
} as const satisfies Record<string, Guard>

export type Access = keyof typeof GUARDS
export const ACCESS = Object.keys(GUARDS) as Access[]

/** Whether the caller may see what belongs to this chain. */
export function mayRead(caller: Principal, chain: readonly string[]): boolean {
  return isAdministrator(caller) || isOwn(caller, chain)
}

export function mayReadApproval(caller: Principal, approval: Approval): boolean {
  return mayRead(caller, approval.chain) || standing(caller, approval.chain, approval.terms) === 'may'
}

/**
 * Step-up: a person must have shown a credential lately, to a provider or by opening the break-glass account. A token made on the gateway's own
 * machine has no sign-in to renew: whoever has it had the machine. One that was issued or exchanged says nothing of when the person was last there.
 * A service shows its credential every time. Throws `signin.stale`.
 */
export async function requireFresh(c: Context<ApiEnv>): Promise<void> {
  const { caller, services } = c.var
  if (caller.kind === 'service' && !caller.actor) return
  const { signIn, identity } = services
  const kind = (await identity.token(caller.credential))?.kind
  if (kind === 'machine' || kind === 'break-glass') return
  const row = kind === 'sign-in' ? await signIn.signIns.of(caller.credential) : undefined
  if (!row || !signIn.isFresh(row)) throw new SluiceError('signin.stale')
}

/** A route that says who may call it: the guard runs before anything of the request is read. `x-access` is what the document and the tests know it by. */
export function route<P extends string, R extends Omit<RouteConfig, 'path' | 'middleware'> & { path: P }>(
  access: Access,
  config: R,
) {
  const guard: MiddlewareHandler<ApiEnv> = async (c, next) => {
    await GUARDS[access](c)
    await next()
  }
  const refused = { description: 'Refused', content: { 'application/json': { schema: refusalSchema } } }
  const full = {
    ...config,
    responses: { ...config.responses, default: refused },
    middleware: guard,
    'x-access': access,
  }
  // The guard and the refusals are left out of the type: clients are typed by what a route answers when it does.
  return createRoute(full) as unknown as ReturnType<typeof createRoute<P, R>>
}

/** The successful answer of a route in JSON. */
export function answers<S>(schema: S, description = 'Done') {
  return { 200: { description, content: { 'application/json': { schema } } } }
}

/** A JSON body. */
export function body<S>(schema: S) {
  return { required: true, content: { 'application/json': { schema } } }
}
