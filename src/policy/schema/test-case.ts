import * as z from 'zod'
import { instant, label, name, reference, resourceName, text } from './field.ts'
import { oblige } from './rule.ts'

export const identity = z.strictObject({
  id: reference,
  groups: z.array(text('A group.', 'dba')).max(1_000).optional(),
  claims: z.record(z.string(), z.unknown()).optional(),
})

export const testCase = z.strictObject({
  name: text('What the case promises.', 'a read is allowed'),
  as: z
    .union([reference, identity.extend({ actor: z.union([reference, identity]).optional() })])
    .meta({ description: 'Who asks: a declared id, or one described here.', examples: ['agent:triage'] }),
  on: resourceName,
  sql: z
    .string()
    .min(1)
    .max(1 << 20)
    .optional()
    .meta({ description: 'The statement that is sent.', examples: ['SELECT 1'] }),
  command: z
    .string()
    .max(1 << 20)
    .optional()
    .meta({ description: 'The command line that is sent, to a resource of the protocol ssh.', examples: ['uptime'] }),
  now: instant.optional(),
  session: z
    .strictObject({
      labelsRead: z.array(label).optional(),
      operations: z.int().min(0).optional(),
      rows: z.int().min(0).optional(),
      bytes: z.int().min(0).optional(),
      inFlight: z.int().min(0).optional(),
    })
    .optional(),
  expect: z
    .strictObject({
      outcome: z.enum(['allow', 'approve', 'deny']).meta({ examples: ['deny'] }),
      rule: z
        .string()
        .max(128)
        .optional()
        .meta({ description: 'The rule that decides; "" for none.', examples: ['no-deletes'] }),
      reason: text('A code of docs/errors.md.', 'policy.denied').optional(),
      message: text('What the caller reads.', 'Deleting from production needs a DBA.').optional(),
      matched: z
        .array(name)
        .optional()
        .meta({ description: 'All rules that match, in any order.', examples: ['[reads]'] }),
      shadow: z
        .array(name)
        .optional()
        .meta({ description: 'Shadow rules that would have decided otherwise.', examples: ['[]'] }),
      obligations: oblige.optional().meta({ description: 'Exactly these; {} for none.', examples: ['{ rows: 1000 }'] }),
      mayOpen: z.boolean().optional(),
    })
    .meta({ examples: ['{ outcome: deny, rule: no-deletes }'] }),
})

export const test = z.strictObject({
  kind: z.literal('Test'),
  name,
  uses: z
    .array(text('Path of a policy file or folder, from this file.', 'agents-read-only.yaml'))
    .max(100)
    .optional()
    .meta({
      description: 'The policy under test, beside the documents of this file.',
      examples: ['[agents-read-only.yaml]'],
    }),
  tables: z
    .record(
      z.string().regex(/^[^.]+\.[^.]+$/),
      z.array(text('A column and, where it matters, its type.', 'id integer')).max(1_600),
    )
    .optional()
    .meta({
      description:
        'What the target holds, `schema.table` to columns. Without it, any name may be anything and carry any label.',
      examples: ['{ public.customers: [id integer, email] }'],
    }),
  cases: z.array(testCase).min(1).max(10_000),
})
