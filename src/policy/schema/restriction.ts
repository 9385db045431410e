import * as z from 'zod'
import { EFFECTS } from '../../model/effects.ts'
import { condition, description, duration, effect, hint, instant, mode, name, reference, say, text } from './field.ts'

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export const clockTime = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/)
  .meta({ description: 'Hours and minutes, quoted.', examples: ['"18:00"'] })
export const freeze = z.strictObject({
  kind: z.literal('Freeze'),
  name,
  on: condition('Over `resource`.', 'resource.labels.env == "prod"'),
  from: instant.optional(),
  to: instant.optional(),
  weekly: z
    .strictObject({
      days: z
        .array(z.enum(DAYS))
        .min(1)
        .max(7)
        .meta({ description: 'Days on which it begins.', examples: ['[fri]'] }),
      from: clockTime,
      to: clockTime.meta({ description: 'At or before `from`: of the next day.', examples: ['"08:00"'] }),
      zone: text('IANA time zone.', 'Europe/Vienna'),
    })
    .optional(),
  effects: z
    .array(effect)
    .min(1)
    .max(EFFECTS.length)
    .optional()
    .meta({
      description: 'What it stops. Default: everything but read and session.',
      examples: ['[write, delete, define]'],
    }),
  except: z
    .array(reference)
    .max(1_000)
    .optional()
    .meta({ description: 'Whom it does not stop.', examples: ['[group:sre]'] }),
  say,
  hint,
  mode,
  description,
})

export const budget = z.strictObject({
  kind: z.literal('Budget'),
  name,
  who: condition('Over `principal`.', 'principal.kind == "agent"'),
  on: condition('Over `resource`.', 'true'),
  per: z
    .enum(['session', 'principal', 'delegator', 'resource'])
    .optional()
    .meta({
      description:
        'Whom it counts for: each session, each principal, each person with all agents that act for them, or a resource with everyone on it. Default session.',
      examples: ['principal'],
    }),
  window: duration('1h')
    .optional()
    .meta({ description: 'The time it counts in, for all but session. Windows begin on the clock.', examples: ['1h'] }),
  operations: z
    .int()
    .min(0)
    .optional()
    .meta({ examples: ['500'] }),
  rows: z
    .int()
    .min(0)
    .optional()
    .meta({ examples: ['10000'] }),
  bytes: z
    .int()
    .min(0)
    .optional()
    .meta({ examples: ['100000000'] }),
  // biome-ignore lint/suspicious/noThenProperty: the documents' own word; a schema is never awaited.
  then: z
    .enum(['deny'])
    .optional()
    .meta({ description: 'What happens once it is used up.', examples: ['deny'] }),
  say,
  hint,
  mode,
  description,
})
