import { SluiceError } from '../kit/errors.ts'
import { isAdministrator, type Principal } from '../model/principal.ts'
import { answers, body, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal } from './journal.ts'
import { LIMITS } from './limits.ts'
import type { ApiServices, Explanation, PolicyStatus } from './services.ts'
import { instant, reference } from './shapes.ts'
import { z } from './zod.ts'

const statusSchema = z
  .object({
    version: z.string(),
    loaded_ms: instant,
    rules: z.number(),
    resources: z.number(),
    problems: z.array(z.string()),
  })
  .openapi('PolicyStatus')

const outcome = z.enum(['allow', 'approve', 'deny'])
const obligationsSchema = z.object({
  mask: z.array(z.object({ labels: z.array(z.string()), with: z.string() })),
  rows: z.number().optional(),
  timeout_ms: z.number().optional(),
  readOnly: z.boolean().optional(),
  record: z.string().optional(),
})
const explanationSchema = z
  .object({
    outcome,
    reason: z.string(),
    rule: z.string(),
    matched: z.array(z.string()),
    message: z.string(),
    hint: z.string(),
    verb: z.string(),
    effects: z.array(z.string()),
    objects: z.array(
      z.object({ kind: z.string(), name: z.string(), effects: z.array(z.string()), labels: z.array(z.string()) }),
    ),
    confidence: z.string(),
    obligations: obligationsSchema,
    approvals: z.array(z.object({ rule: z.string(), by: z.array(z.string()), count: z.number() })),
    shadow: z.array(z.object({ rule: z.string(), outcome })),
    policy: z.string(),
    because: z.string().optional(),
  })
  .openapi('Explanation')

const questionSchema = z
  .strictObject({
    resource: z.string().min(1).max(200),
    database: z.string().max(200).optional(),
    text: z.string().min(1).max(LIMITS.statement_chars).openapi({ example: 'DELETE FROM orders WHERE id = 7' }),
    as: reference.optional().openapi({ description: 'Another principal; for administrators.' }),
    actors: z.array(reference).max(7).default([]).openapi({ description: 'Whom that one acts for, nearest first.' }),
  })
  .openapi('Question')

const status = route('signed-in', {
  method: 'get',
  path: '/policy',
  summary: 'The policy in force.',
  responses: answers(statusSchema),
})

const reload = route('admin', {
  method: 'post',
  path: '/policy/reload',
  summary: 'Read the policy documents again. Broken ones keep the old policy in force.',
  responses: answers(statusSchema),
})

const explain = route('signed-in', {
  method: 'post',
  path: '/policy/explain',
  summary: 'What would be decided, and why. Nothing runs, nothing is recorded, nobody is asked.',
  request: { body: body(questionSchema) },
  responses: answers(explanationSchema),
})

/** Problems name files and rules: they are for administrators. */
function shown(policy: PolicyStatus, admin: boolean): z.infer<typeof statusSchema> {
  return { ...policy, problems: admin ? [...policy.problems] : [] }
}

export const policyRoutes = () =>
  routeGroup()
    .openapi(status, (c) => c.json(shown(c.var.services.policy.status(), isAdministrator(c.var.caller)), 200))
    .openapi(reload, async (c) => {
      journal(c, { action: 'policy.reload', subject: c.var.services.policy.status().version })
      return c.json(shown(await c.var.services.policy.reload(), true), 200)
    })
    .openapi(explain, async (c) => {
      const { caller, services } = c.var
      const { as, actors, resource, database, text } = c.req.valid('json')
      if ((as !== undefined || actors.length > 0) && !isAdministrator(caller)) throw new SluiceError('api.forbidden')
      const principal = as === undefined ? caller : someoneElse(services, [as, ...actors])
      if (!isAdministrator(caller) && !services.resources.list(caller).some((each) => each.name === resource)) {
        throw new SluiceError('api.not_found')
      }
      const told = await services.policy.explain({ principal, resource, database, text })
      return c.json(told as Mutable<Explanation>, 200)
    })

/** zod's arrays are mutable, ours are not; the answer is written out at once. */
type Mutable<T> = T extends readonly (infer E)[]
  ? Mutable<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T

/** A principal nobody signed in as, for a question about it. */
function someoneElse({ principals }: ApiServices, ids: readonly string[]): Principal {
  let principal: Principal | undefined
  for (const id of ids.toReversed()) {
    const known = principals.lookup(id)
    if (!known) throw new SluiceError('api.invalid', `no policy document names ${JSON.stringify(id)}`)
    const { kind, name, groups } = known
    principal = { kind, id, name, groups, claims: {}, credential: 'none', ...(principal ? { actor: principal } : {}) }
  }
  return principal!
}
