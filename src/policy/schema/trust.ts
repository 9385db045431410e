import * as z from 'zod'
import { condition, description, duration, name, SIGNATURE_ALGORITHMS, text } from './field.ts'

const url = (description: string, example: string) =>
  z
    .url({ protocol: /^https?$/ })
    .max(1_024)
    .meta({ description, examples: [example] })

const machine = z
  .string()
  .max(256)
  .regex(/^(service|agent):\S(.*\S)?$/)
  .meta({ description: 'The service or agent it stands for, of a document here.', examples: ['service:deploy'] })

const keys = z
  .strictObject({
    discovery: z.literal(true).optional(),
    url: url('A JSON Web Key Set.', 'https://issuer.example/jwks').optional(),
    file: text('Path of a file with a JSON Web Key Set.', '/etc/sluice/cluster-jwks.json').optional(),
    jwks: z
      .strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(100) })
      .optional()
      .meta({
        description: 'The set itself.',
        examples: ['{ keys: [{ kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo }] }'],
      }),
  })
  .meta({
    description: 'Where its public keys come from: exactly one key. Default: discovery, from the issuer.',
    minProperties: 1,
    maxProperties: 1,
    examples: ['{ discovery: true }'],
  })

export const trustedIssuer = z.strictObject({
  kind: z.literal('TrustedIssuer'),
  name,
  issuer: url('Exactly what its tokens say in `iss`.', 'https://token.actions.githubusercontent.com').optional(),
  trustDomain: z
    .string()
    .regex(/^[a-z0-9._-]{1,255}$/)
    .optional()
    .meta({ description: 'A SPIFFE trust domain, in place of an issuer.', examples: ['prod.example'] }),
  audience: text('What its tokens must say in `aud`, exactly.', 'https://sluice.example'),
  keys: keys.optional(),
  algorithms: z
    .array(z.enum(SIGNATURE_ALGORITHMS))
    .min(1)
    .max(SIGNATURE_ALGORITHMS.length)
    .optional()
    .meta({ description: 'What its tokens may be signed with. Default: RS256, ES256.', examples: ['[RS256]'] }),
  ttl: duration('10m')
    .optional()
    .meta({
      description: 'How long a token exchanged for one of its own holds: 5m to 15m. Default 10m.',
      examples: ['10m'],
    }),
  skew: duration('30s')
    .optional()
    .meta({ description: 'How far its clock may be off, 60s at most. Default 30s.', examples: ['30s'] }),
  replay: z
    .enum(['refuse', 'allow'])
    .optional()
    .meta({
      description: 'Whether a token that has a `jti` may be exchanged more than once. Default refuse.',
      examples: ['allow'],
    }),
  network: z
    .strictObject({
      private: z
        .boolean()
        .optional()
        .meta({ description: 'Its keys may lie at a private address. Default false.', examples: [true] }),
      ca: text('Path of a PEM file with the authorities of its server.', '/etc/sluice/cluster-ca.pem').optional(),
    })
    .optional(),
  grants: z
    .array(
      z.strictObject({
        when: condition('Over `claims`.', 'claims.repository == "acme/shop"'),
        principal: machine,
      }),
    )
    .min(1)
    .max(1_000)
    .meta({
      description: 'Whom claims stand for. Those that hold must all name the same principal.',
      examples: [`[{ when: 'claims.repository == "acme/shop"', principal: service:deploy }]`],
    }),
  description,
})
