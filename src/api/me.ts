import type { BreakGlassState } from '../identity/sign-in/break-glass.ts'
import { isAdministrator } from '../model/principal.ts'
import { answers, route } from './access.ts'
import { routeGroup } from './env.ts'
import { done, instant, principalOf, principalSchema } from './shapes.ts'
import { cookieOf, csrfOf, SESSION_COOKIE } from './sign-in/cookies.ts'
import { z } from './zod.ts'

const meSchema = z
  .object({
    principal: principalSchema,
    admin: z.boolean(),
    expires_ms: instant.optional(),
    version: z.string(),
    signIn: z
      .object({ provider: z.string(), created_ms: instant, fresh: z.boolean() })
      .optional()
      .openapi({ description: 'Where the caller signed in, and whether that was lately enough to approve.' }),
    csrf: z
      .string()
      .optional()
      .openapi({ description: 'For a browser’s session: goes into X-Sluice-CSRF with every change.' }),
  })
  .openapi('Me')

const me = route('signed-in', {
  method: 'get',
  path: '/me',
  summary: 'Who you are here.',
  responses: answers(meSchema),
})

const signOut = route('signed-in', {
  method: 'post',
  path: '/sign-out',
  summary: 'End the sign-in behind this token or session, with everything that came of it. Other tokens stay.',
  responses: answers(
    done
      .extend({ elsewhere: z.string().optional().openapi({ description: 'Where to end the provider’s own session.' }) })
      .openapi('SignedOut'),
  ),
})

const statusSchema = z
  .object({
    version: z.string(),
    problems: z.array(z.string()),
    notices: z.array(z.string()).openapi({ description: 'What administrators must know although everything runs.' }),
  })
  .openapi('Status')

const status = route('admin', {
  method: 'get',
  path: '/status',
  summary: 'What keeps the gateway from forwarding, if anything does.',
  responses: answers(statusSchema),
})

export const meRoutes = () =>
  routeGroup()
    .openapi(me, async (c) => {
      const { caller, services } = c.var
      const row = await services.signIn.signIns.of(caller.credential)
      const cookie = c.req.header('authorization') === undefined ? cookieOf(c, SESSION_COOKIE) : undefined
      const more = {
        ...(caller.expires_ms !== undefined && { expires_ms: caller.expires_ms }),
        ...(row && {
          signIn: { provider: row.provider, created_ms: row.created_ms, fresh: services.signIn.isFresh(row) },
        }),
        ...(cookie !== undefined && { csrf: csrfOf(cookie) }),
      }
      return c.json(
        { principal: principalOf(caller), admin: isAdministrator(caller), version: services.version, ...more },
        200,
      )
    })
    .openapi(signOut, async (c) => {
      const { caller, services } = c.var
      const elsewhere = await services.signIn.leave(caller.credential, caller.id)
      return c.json({ done: true as const, ...(elsewhere && { elsewhere }) }, 200)
    })
    .openapi(status, async (c) => {
      const { services } = c.var
      const glass = await services.signIn.breakGlass.state()
      const { version } = services
      return c.json({ version, problems: [...services.problems()], notices: glassNotice(glass) }, 200)
    })

/** An opened account stays in sight until it is sealed anew. */
function glassNotice({ state, opened_ms = 0, openedFrom, openedWhy }: BreakGlassState): string[] {
  if (state !== 'open' && state !== 'used') return []
  const when = new Date(opened_ms).toISOString()
  return [
    `The break-glass account was opened at ${when} from ${openedFrom}: ${openedWhy}. Seal it anew: sluice break-glass seal.`,
  ]
}
