import * as z from 'zod'
import { description, duration, groups, name, reference, text } from './field.ts'
import { account } from './provider.ts'

export const agent = z.strictObject({
  kind: z.literal('Agent'),
  name,
  owner: text('The group that answers for it.', 'platform'),
  purpose: text('What it is for.', 'Triages support tickets.').optional(),
  groups,
  delegators: z
    .array(reference)
    .max(1_000)
    .optional()
    .meta({
      description: 'For whom it may act: people, services, and agents whose sub-agent it is.',
      examples: ['[human:ada]'],
    }),
  maxLifetime: duration('1h')
    .optional()
    .meta({ description: 'Longest any token of it holds.', examples: ['1h'] }),
  environments: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: 'Values of the label `env` it may reach, whatever the rules say. Default: every resource.',
      examples: ['[staging]'],
    }),
})

export const human = z.strictObject({
  kind: z.literal('Human'),
  name,
  groups,
  email: z
    .email()
    .optional()
    .meta({ examples: ['ada@example.com'] }),
  accounts: z
    .array(account)
    .max(20)
    .optional()
    .meta({
      description: 'Accounts at identity providers that are this person.',
      examples: ['[{ provider: acme, subject: 00u1a2b3c }]'],
    }),
})
export const service = z.strictObject({ kind: z.literal('Service'), name, groups, description })
export const group = z.strictObject({
  kind: z.literal('Group'),
  name,
  members: z
    .array(reference)
    .max(100_000)
    .meta({ examples: ['[human:ada]'] }),
  description,
})
