import * as z from 'zod'
import { condition, description, label, name, resourceName, text } from './field.ts'

export const columnLabels = z.strictObject({
  match: text('schema.table.column; `*` stands for any characters within a part.', 'public.customers.email'),
  labels: z
    .array(label)
    .min(1)
    .max(100)
    .meta({ examples: ['[pii.email]'] }),
})

export const pathLabels = z.strictObject({
  match: text('schema.table.column of a json or jsonb column.', 'public.customers.profile'),
  path: text('Keys from the root, `*` for any one key or index.', 'contact.email'),
  labels: z
    .array(label)
    .min(1)
    .max(100)
    .meta({ examples: ['[pii.email]'] }),
})

export const classification = z.strictObject({
  kind: z.literal('Classification'),
  name,
  resource: resourceName
    .optional()
    .meta({ description: 'The one resource it speaks of. Default: all.', examples: ['orders'] }),
  on: condition('Over `resource`; instead of `resource`.', 'resource.labels.env == "prod"').optional(),
  columns: z
    .array(columnLabels)
    .max(10_000)
    .optional()
    .meta({ examples: ['[{ match: public.customers.email, labels: [pii.email] }]'] }),
  paths: z.array(pathLabels).max(10_000).optional(),
  description,
})
