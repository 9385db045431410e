import * as z from 'zod'
import { condition, description, duration, hint, labelPattern, mode, name, people, say } from './field.ts'

export const maskDuty = z.strictObject({
  labels: z
    .array(labelPattern)
    .min(1)
    .max(100)
    .meta({ examples: ['["pii.*"]'] }),
  with: z.enum(['redact', 'partial', 'hash', 'null', 'fixed', 'tokenize']).meta({ examples: ['partial'] }),
})

export const oblige = z.strictObject({
  mask: z
    .array(maskDuty)
    .min(1)
    .max(100)
    .optional()
    .meta({ examples: ['[{ labels: ["pii.*"], with: partial }]'] }),
  rows: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Most rows one operation returns.', examples: ['1000'] }),
  timeout: duration('30s').optional(),
  readOnly: z
    .boolean()
    .optional()
    .meta({ description: 'Nothing beyond read and session.', examples: ['true'] }),
  record: z
    .enum(['statements', 'full', 'durable'])
    .optional()
    .meta({ examples: ['full'] }),
})

export const approve = z.strictObject({
  by: z
    .array(people)
    .min(1)
    .max(100)
    .meta({ description: 'Who may answer.', examples: ['[group:dba]'] }),
  count: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: 'How many distinct people. Default 1.', examples: ['1'] }),
  hold: duration('45s').optional(),
  expires: duration('15m').optional(),
})

export const rule = z.strictObject({
  kind: z.literal('Rule'),
  name,
  who: condition('Over `principal`.', 'principal.kind == "agent"'),
  on: condition('Over `resource`.', 'resource.labels.env == "prod"'),
  when: condition('Over everything. Default: every operation.', 'op.has("delete")').optional(),
  // biome-ignore lint/suspicious/noThenProperty: the documents' own word; a schema is never awaited.
  then: z.enum(['allow', 'approve', 'deny', 'oblige']).meta({
    description: 'oblige: adds its duties to whatever other rules allow, and allows nothing itself.',
    examples: ['deny'],
  }),
  approve: approve.optional(),
  oblige: oblige.optional(),
  say,
  hint,
  mode,
  description,
})
