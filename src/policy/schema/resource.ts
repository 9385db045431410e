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
  key: secret.optional().meta({
    description: 'SSH: a private key without a passphrase. Exactly one source.',
    examples: ['{ vault: web-1-key }'],
  }),
  certificate: z
    .boolean()
    .optional()
    .meta({ description: 'SSH: log in by a certificate signed for each session.', examples: ['true'] }),
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
  protocol: z.enum(['postgres', 'ssh']).meta({ description: 'The wire protocol it speaks.', examples: ['postgres'] }),
  address: z
    .string()
    .max(300)
    .regex(/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/)
    .meta({ description: 'host:port. Never shown to a caller.', examples: ['db.internal:5432'] }),
  via: z
    .string()
    .regex(/^connector:[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
    .optional()
    .meta({
      description: 'The connectors it is reached through. Default: straight from the gateway.',
      examples: ['connector:vpc-1'],
    }),
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
  hostKeys: z
    .array(
      z
        .string()
        .max(8_192)
        .regex(/^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?$/)
        .meta({
          description: 'Type and key, as `ssh-keyscan` prints them after the host.',
          examples: ['"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtWTZ1bJ0WQXk3pV0bM1mJ7zP8C7K3lJ2m9nR4f0aBc"'],
        }),
    )
    .min(1)
    .max(100)
    .optional()
    .meta({
      description: "SSH: the target's host keys; any other is refused.",
      examples: ['["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtWTZ1bJ0WQXk3pV0bM1mJ7zP8C7K3lJ2m9nR4f0aBc"]'],
    }),
  environment: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/)
        .meta({ description: 'Name of a variable.', examples: ['DEPLOY_TARGET'] }),
    )
    .max(100)
    .optional()
    .meta({
      description:
        'SSH: variables clients may set beside those of language and terminal, where a rule allows it. Those that make programs run or load what the caller chose are never passed on.',
      examples: ['[DEPLOY_TARGET]'],
    }),
  targetNames: z
    .array(
      z
        .string()
        // Not a number by any spelling: resolvers take those for addresses.
        .regex(/^(?!.*(?:^|\.)(?:0x[0-9a-f]*|[0-9]+)$)[a-z0-9_]([a-z0-9._-]{0,252}[a-z0-9_])?$/)
        .meta({ description: 'Name of a host, in lower case.', examples: ['db.internal'] }),
    )
    .max(100)
    .optional()
    .meta({
      description:
        'SSH: hosts that only the target can resolve and that may be forwarded to by name, where a rule allows it: nobody here can tell where they lead.',
      examples: ['[db.internal]'],
    }),
  tls: tls.optional().meta({ description: 'Default: verify-full.', examples: ['{ mode: verify-full }'] }),
  description,
})
