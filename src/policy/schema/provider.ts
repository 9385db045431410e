import * as z from 'zod'
import { duration, name, SIGNATURE_ALGORITHMS, text } from './field.ts'
import { secret } from './resource.ts'

const providerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/)
  .meta({ description: 'Stands in the ids of its people and in URLs; never change it.', examples: ['acme'] })
const url = (example: string) =>
  z
    .url({ protocol: /^https?$/ })
    .max(1_024)
    .meta({ examples: [example] })

/** Where in the claims something stands: names joined by dots, or a list of names where one has a dot of its own. */
const claimPath = z
  .union([z.string().min(1).max(256), z.array(z.string().min(1).max(256)).min(1).max(8)])
  .meta({ description: 'Path in the claims.', examples: ['realm_access.roles'] })

const oidc = z.strictObject({
  issuer: url('https://login.acme.example').meta({
    description: 'As the provider writes it; its discovery document is read below it. http only on this machine.',
    examples: ['https://login.acme.example'],
  }),
  clientId: text('What the provider knows Sluice by.', 'sluice'),
  clientSecret: secret.optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(50)
    .optional()
    .meta({
      description: 'Asked for beside openid. Default: profile, email, offline_access.',
      examples: ['[profile, groups]'],
    }),
  algorithm: z
    .enum(SIGNATURE_ALGORITHMS)
    .optional()
    .meta({ description: 'The one algorithm its ID tokens are signed with. Default RS256.', examples: ['RS256'] }),
  groups: claimPath.optional(),
  userinfo: z
    .boolean()
    .optional()
    .meta({ description: 'Ask the userinfo endpoint too. Default false.', examples: [true] }),
})

const saml = z.strictObject({
  entityId: text('The provider’s entity id.', 'https://idp.acme.example/metadata'),
  ssoUrl: url('https://idp.acme.example/sso').meta({
    description: 'Its single sign-on service, HTTP-Redirect binding.',
    examples: ['https://idp.acme.example/sso'],
  }),
  sloUrl: url('https://idp.acme.example/slo')
    .optional()
    .meta({
      description: 'Its single logout service, HTTP-Redirect binding. Default: it is not told of a sign-out here.',
      examples: ['https://idp.acme.example/slo'],
    }),
  certificates: z
    .array(
      z
        .string()
        .max(16_384)
        .regex(/-----BEGIN CERTIFICATE-----/),
    )
    .min(1)
    .max(10)
    .meta({
      description: 'PEM certificates its assertions are signed with; `sluice saml import` writes them.',
      examples: ['["-----BEGIN CERTIFICATE-----\n…"]'],
    }),
  groups: text('The attribute that holds the groups.', 'groups').optional(),
  subject: text('The attribute that names the person for good. Default: a persistent NameID.', 'uid').optional(),
  idpInitiated: z
    .boolean()
    .optional()
    .meta({
      description: 'Accept an answer nobody asked for. Default false: it lets others sign you in.',
      examples: [false],
    }),
  decryption: z
    .strictObject({
      key: secret,
      certificate: text('PEM of the certificate others encrypt to.', '-----BEGIN CERTIFICATE-----…'),
    })
    .optional()
    .meta({
      description: 'For assertions that are encrypted to us.',
      examples: ['{ key: { file: /etc/sluice/saml.key }, certificate: "-----BEGIN …" }'],
    }),
  signing: z
    .strictObject({
      key: secret,
      certificate: text('PEM of the certificate our signatures are checked with.', '-----BEGIN CERTIFICATE-----…'),
    })
    .optional()
    .meta({
      description: 'For a provider that wants our own requests signed.',
      examples: ['{ key: { file: /etc/sluice/saml-signing.key }, certificate: "-----BEGIN …" }'],
    }),
})

const groupName = z.string().min(1).max(256)
const mapping = z
  .union([
    z.strictObject({ group: groupName, gives: z.array(name).min(1).max(100) }),
    z.strictObject({ prefix: groupName }),
  ])
  .meta({
    description: 'A group of the provider and what it gives here, or a prefix that is cut off.',
    examples: ['{ group: platform-dba, gives: [dba] }'],
  })

export const identityProvider = z.strictObject({
  kind: z.literal('IdentityProvider'),
  name: providerName,
  title: text('What people read where they choose.', 'Acme').optional(),
  oidc: oidc
    .optional()
    .meta({ description: 'OpenID Connect.', examples: ['{ issuer: https://login.acme.example, clientId: sluice }'] }),
  saml: saml.optional().meta({
    description: 'SAML 2.0.',
    examples: [
      '{ entityId: https://idp.acme.example/metadata, ssoUrl: https://idp.acme.example/sso, certificates: ["-----BEGIN CERTIFICATE-----\\n…"] }',
    ],
  }),
  map: z
    .array(mapping)
    .max(5_000)
    .optional()
    .meta({
      description: 'Which of its groups give which of ours. Any other group is dropped.',
      examples: ['[{ group: platform-dba, gives: [dba] }]'],
    }),
  claims: z
    .array(z.string().min(1).max(256))
    .max(50)
    .optional()
    .meta({
      description: 'Claims (or SAML attributes) that rules read as `principal.claims`. Default: none.',
      examples: ['[department, country]'],
    }),
  admit: z
    .array(name)
    .max(100)
    .optional()
    .meta({
      description: 'Groups of ours of which one is needed to sign in. Default: everyone it vouches for.',
      examples: ['[staff]'],
    }),
  signIn: z
    .strictObject({
      max: duration('8h').optional(),
      recheck: duration('5m').optional(),
      grace: duration('15m').optional(),
      fresh: duration('15m').optional(),
    })
    .optional()
    .meta({
      description:
        'How long a sign-in holds, how often it is checked, how long without an answer, how long it counts as fresh.',
      examples: ['{ max: 8h, recheck: 5m }'],
    }),
  scim: z
    .strictObject({
      token: secret,
      claim: text(
        'The claim of a sign-in that equals the attribute of the provisioned user. Default: the subject.',
        'oid',
      ).optional(),
      attribute: z
        .enum(['externalId', 'userName'])
        .optional()
        .meta({ examples: ['externalId'] }),
    })
    .optional()
    .meta({
      description: 'The provider provisions people and groups; then only those it provisioned sign in.',
      examples: ['{ token: { vault: acme-scim } }'],
    }),
})

export const account = z.strictObject({
  provider: providerName,
  subject: text('The provider’s own, unchanging id of the person: `sub`.', '00u1a2b3c'),
})
