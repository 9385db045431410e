import * as z from 'zod'
import { EFFECTS } from '../model/effects.ts'
import { DURATION } from './units.ts'

/** Every field says what it is and how it looks: the text feeds the published JSON Schema and the remedies. */
const text = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(4_096)
    .meta({ description, examples: [example] })
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/)
  .meta({ description: 'Unique among documents of its kind.', examples: ['agents-ask-first'] })
/** A resource's name stands in user names, URLs and paths. */
const resourceName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
  .meta({ description: 'What clients name to reach it.', examples: ['orders'] })
const duration = (example: string) =>
  z
    .string()
    .regex(DURATION)
    .meta({ description: 'Digits and one of ms, s, m, h, d.', examples: [example] })
const condition = (description: string, example: string) =>
  z
    .union([z.string().min(1).max(16_384), z.boolean()])
    .meta({ description: `CEL. ${description}`, examples: [example] })
const reference = z
  .string()
  .max(256)
  .regex(/^(group|human|agent|service):\S(.*\S)?$/)
  .meta({ description: 'A group or one principal.', examples: ['group:dba'] })
const people = z
  .string()
  .max(256)
  .regex(/^(group|human):\S(.*\S)?$/)
  .meta({ description: 'A group or one human. An agent or a service never approves.', examples: ['group:dba'] })
const label = z
  .string()
  .max(128)
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*$/)
  .meta({ description: 'A data class.', examples: ['pii.email'] })
const labelPattern = z
  .string()
  .max(128)
  .regex(/^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)*(\.\*)?$/)
  .meta({ description: 'A label, or a prefix ending in `.*`.', examples: ['pii.*'] })
const labelsOfThings = z
  .record(
    z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_./-]{0,62}$/)
      .meta({ examples: ['env'] }),
    z
      .string()
      .max(256)
      .meta({ description: 'A text; quote a number.', examples: ['prod'] }),
  )
  .meta({ description: 'What rules know it by.', examples: ['{ env: prod }'] })
const effect = z.enum(EFFECTS).meta({ description: 'What an operation does.', examples: ['delete'] })
const groups = z
  .array(name)
  .max(1_000)
  .optional()
  .meta({ description: 'Names of groups.', examples: ['[dba]'] })
const say = text('The sentence a refused or held caller reads.', 'Deleting from production needs a DBA.').optional()
const hint = text('What the caller may do instead.', 'Run it in staging.').optional()
const description = text('For people.', 'Orders of the shop.').optional()
const mode = z
  .enum(['enforce', 'shadow'])
  .optional()
  .meta({
    description: 'shadow: decide and log, do not act. Default enforce.',
    examples: ['enforce'],
  })

const secret = z
  .strictObject({
    env: text('Name of an environment variable.', 'ORDERS_PASSWORD').optional(),
    file: text('Path of a file.', '/run/secrets/orders').optional(),
    vault: text('Name in the encrypted store.', 'orders').optional(),
  })
  .meta({
    description: 'Where the secret comes from: exactly one key.',
    minProperties: 1,
    maxProperties: 1,
    examples: ['{ env: ORDERS_PASSWORD }'],
  })

const upstreamUser = z.strictObject({
  name: text('The account on the target.', 'reporting'),
  password: secret.optional(),
  for: z
    .array(reference)
    .max(1_000)
    .optional()
    .meta({ description: 'Who may pick it. Default: everyone who may open the resource.', examples: ['[group:dba]'] }),
})

const tls = z.strictObject({
  mode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).meta({ examples: ['verify-full'] }),
  ca: text('Path of a PEM file.', '/etc/sluice/ca.pem').optional(),
  cert: text('Path of a PEM file.', '/etc/sluice/client.pem').optional(),
  key: text('Path of a PEM file.', '/etc/sluice/client.key').optional(),
  serverName: text('The name to verify instead of the host.', 'db.internal').optional(),
})

const resource = z.strictObject({
  kind: z.literal('Resource'),
  name: resourceName,
  protocol: z.enum(['postgres']).meta({ description: 'The wire protocol it speaks.', examples: ['postgres'] }),
  address: z
    .string()
    .max(300)
    .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/)
    .meta({ description: 'host:port. Never shown to a caller.', examples: ['db.internal:5432'] }),
  database: text('Used when the caller names none.', 'orders').optional(),
  labels: labelsOfThings.optional(),
  users: z
    .array(upstreamUser)
    .min(1)
    .max(1_000)
    .meta({
      description: 'Accounts on the target; the first is the default.',
      examples: ['[{ name: app, password: { env: APP } }]'],
    }),
  tls: tls.optional().meta({ description: 'Default: verify-full.', examples: ['{ mode: verify-full }'] }),
  description,
})

const maskDuty = z.strictObject({
  labels: z
    .array(labelPattern)
    .min(1)
    .max(100)
    .meta({ examples: ['["pii.*"]'] }),
  with: z.enum(['redact', 'partial', 'hash', 'null', 'fixed', 'tokenize']).meta({ examples: ['partial'] }),
})

const oblige = z.strictObject({
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

const approve = z.strictObject({
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

const rule = z.strictObject({
  kind: z.literal('Rule'),
  name,
  who: condition('Over `principal`.', 'principal.kind == "agent"'),
  on: condition('Over `resource`.', 'resource.labels.env == "prod"'),
  when: condition('Over everything. Default: every operation.', 'op.has("delete")').optional(),
  // biome-ignore lint/suspicious/noThenProperty: the documents' own word; a schema is never awaited.
  then: z.enum(['allow', 'approve', 'deny']).meta({ examples: ['deny'] }),
  approve: approve.optional(),
  oblige: oblige.optional(),
  say,
  hint,
  mode,
  description,
})

const columnLabels = z.strictObject({
  match: text('schema.table.column; `*` stands for any characters within a part.', 'public.customers.email'),
  labels: z
    .array(label)
    .min(1)
    .max(100)
    .meta({ examples: ['[pii.email]'] }),
})

const pathLabels = z.strictObject({
  match: text('schema.table.column of a json or jsonb column.', 'public.customers.profile'),
  path: text('Keys from the root, `*` for any one key or index.', 'contact.email'),
  labels: z
    .array(label)
    .min(1)
    .max(100)
    .meta({ examples: ['[pii.email]'] }),
})

const classification = z.strictObject({
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

const agent = z.strictObject({
  kind: z.literal('Agent'),
  name,
  owner: text('The group that answers for it.', 'platform'),
  purpose: text('What it is for.', 'Triages support tickets.').optional(),
  groups,
  delegators: z
    .array(people)
    .max(1_000)
    .optional()
    .meta({ description: 'For whom it may act.', examples: ['[human:ada]'] }),
})

const human = z.strictObject({
  kind: z.literal('Human'),
  name,
  groups,
  email: z
    .email()
    .optional()
    .meta({ examples: ['ada@example.com'] }),
})
const service = z.strictObject({ kind: z.literal('Service'), name, groups, description })
const group = z.strictObject({
  kind: z.literal('Group'),
  name,
  members: z
    .array(reference)
    .max(100_000)
    .meta({ examples: ['[human:ada]'] }),
  description,
})

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
const clockTime = z
  .string()
  .regex(/^([01][0-9]|2[0-3]):[0-5][0-9]$/)
  .meta({ description: 'Hours and minutes, quoted.', examples: ['"18:00"'] })
const instant = z.iso
  .datetime({ offset: true })
  .meta({ description: 'Date and time with offset.', examples: ['2026-12-24T00:00:00Z'] })

const freeze = z.strictObject({
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

const budget = z.strictObject({
  kind: z.literal('Budget'),
  name,
  who: condition('Over `principal`.', 'principal.kind == "agent"'),
  on: condition('Over `resource`.', 'true'),
  per: z
    .enum(['session'])
    .optional()
    .meta({ description: 'The window it counts in. Default session.', examples: ['session'] }),
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
    .enum(['approve', 'deny'])
    .optional()
    .meta({ description: 'Default deny.', examples: ['deny'] }),
  approve: approve.optional(),
  say,
  hint,
  mode,
  description,
})

/** The schema of each kind of document. */
export const SCHEMAS = {
  Resource: resource,
  Rule: rule,
  Classification: classification,
  Agent: agent,
  Human: human,
  Service: service,
  Group: group,
  Freeze: freeze,
  Budget: budget,
} as const

export type Kind = keyof typeof SCHEMAS
export const KINDS = Object.keys(SCHEMAS) as readonly Kind[]
export type DocumentOf<K extends Kind> = z.infer<(typeof SCHEMAS)[K]>
export type Approve = z.infer<typeof approve>
export type Oblige = z.infer<typeof oblige>
export type Weekday = (typeof DAYS)[number]
export const WEEKDAYS: readonly Weekday[] = DAYS
