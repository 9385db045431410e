import { answers, route } from './access.ts'
import { routeGroup } from './env.ts'
import type { ApiServices } from './services.ts'
import { instant, limit } from './shapes.ts'
import { z } from './zod.ts'

const entrySchema = z
  .object({ index: z.number(), at_ms: instant, kind: z.string(), body: z.record(z.string(), z.unknown()) })
  .openapi('AuditEntry')

const entries = route('admin', {
  method: 'get',
  path: '/audit/entries',
  summary: 'Entries of the ledger, oldest first.',
  request: { query: z.object({ from: z.coerce.number().int().min(0).default(0), limit }) },
  responses: answers(z.object({ entries: z.array(entrySchema), size: z.number() })),
})

const checkpoint = route('admin', {
  method: 'get',
  path: '/audit/checkpoint',
  summary: 'The newest signed checkpoint: keep it elsewhere.',
  responses: answers(z.object({ note: z.string(), publicKey: z.string() }).openapi('Checkpoint')),
})

const verify = route('admin', {
  method: 'post',
  path: '/audit/verify',
  summary:
    'Read the whole ledger and check it. The gateway judges itself: an auditor runs `sluice audit verify` on a copy.',
  responses: answers(
    z
      .object({ ok: z.boolean(), size: z.number(), firstBad: z.number().optional(), problem: z.string().optional() })
      .openapi('Verification'),
  ),
})

type Verification = ReturnType<ApiServices['audit']['verify']>

export const auditRoutes = () => {
  let running: Verification | undefined
  /** Whoever asks while a check runs gets that one's answer: it reads everything there is. */
  const verifyOnce = (services: ApiServices): Verification => {
    running ??= services.audit.verify().finally(() => {
      running = undefined
    })
    return running
  }
  return routeGroup()
    .openapi(entries, async (c) => {
      const page = await c.var.services.audit.entries(c.req.valid('query'))
      return c.json({ entries: page.entries.map((entry) => ({ ...entry })), size: page.size }, 200)
    })
    .openapi(checkpoint, async (c) => c.json(await c.var.services.audit.checkpoint(), 200))
    .openapi(verify, async (c) => c.json(await verifyOnce(c.var.services), 200))
}
