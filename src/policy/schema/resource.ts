import * as z from 'zod'
import { description, labelsOfThings, reference, resourceName, text } from './field.ts'

export const secret = z
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

export const upstreamUser = z.strictObject({
  name: text('The account on the target.', 'reporting'),
  password: secret.optional(),
  for: z
    .array(reference)
    .max(1_000)
    .optional()
    .meta({ description: 'Who may pick it. Default: everyone who may open the resource.', examples: ['[group:dba]'] }),
})

export const tls = z.strictObject({
  mode: z.enum(['disable', 'require', 'verify-ca', 'verify-full']).meta({ examples: ['verify-full'] }),
  ca: text('Path of a PEM file.', '/etc/sluice/ca.pem').optional(),
  cert: text('Path of a PEM file.', '/etc/sluice/client.pem').optional(),
  key: text('Path of a PEM file.', '/etc/sluice/client.key').optional(),
  serverName: text('The name to verify instead of the host.', 'db.internal').optional(),
})

export const resource = z.strictObject({
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
