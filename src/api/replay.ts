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
    z.object({
      at,
      kind: z.literal('terminal'),
      op,
      term: z.string(),
      width: z.number(),
      height: z.number(),
    }),
    z.object({ at, kind: z.literal('resize'), op, width: z.number(), height: z.number() }),
    z.object({ at, kind: z.literal('output'), op, stream: z.union([z.literal(1), z.literal(2)]), base64: z.string() }),
    z.object({ at, kind: z.literal('input'), op, base64: z.string() }),
    z.object({ at, kind: z.literal('typed'), op, text: z.string() }).openapi({
      description: 'A line as it seems to have been typed: a hint, for editing keys may have made another of it.',
    }),
    z.object({
      at,
      kind: z.literal('file'),
      op,
      direction: z.enum(['get', 'put']),
      path: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      covers: z.enum(['whole', 'part', 'moved']).openapi({
        description:
          'What the digest is of: the whole file, a part, or what moved, in an order that is not the file’s.',
      }),
      from: z.number(),
      length: z.number(),
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
