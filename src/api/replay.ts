import type { ReplayEvent } from './services.ts'
import { z } from './zod.ts'

const at = z.number().openapi({ description: 'Milliseconds since the session opened.' })
const op = z.number().openapi({ description: 'The operation’s number within its session, from 1.' })
const cell = z.string().nullable()

/** One event of a transcript. */
export const eventSchema = z
  .discriminatedUnion('kind', [
    z.object({
      at,
      kind: z.literal('operation'),
      op,
      verb: z.string(),
      text: z.string(),
      parameters: z.array(cell).optional(),
      outcome: z.enum(['allow', 'approve', 'deny']),
      rule: z.string(),
      reason: z.string(),
    }),
    z.object({ at, kind: z.literal('held'), op, approval: z.string() }),
    z.object({
      at,
      kind: z.literal('columns'),
      op,
      columns: z.array(z.object({ name: z.string(), typeOid: z.number(), format: z.number() })),
    }),
    z.object({ at, kind: z.literal('rows'), op, columnsOf: op, rows: z.array(z.array(cell)) }),
    z.object({
      at,
      kind: z.literal('outcome'),
      op,
      status: z.enum(['ok', 'error', 'refused', 'cancelled', 'unknown']),
      tag: z.string(),
      rows: z.number(),
      bytes: z.number(),
      duration_ms: z.number(),
    }),
    z.object({ at, kind: z.literal('notice'), text: z.string() }),
    z.object({ at, kind: z.literal('gap'), events: z.number() }),
    z.object({ at, kind: z.literal('end') }),
  ])
  .openapi('ReplayEvent')

/** The same event; its lists are only written out. */
export function shownEvent(event: ReplayEvent): z.infer<typeof eventSchema> {
  return event as z.infer<typeof eventSchema>
}
