import { detailsOf } from '../identity/authorization-details.ts'
import { issuedBy } from '../identity/by-hand.ts'
import type { TokenSummary } from '../identity/tokens.ts'
import { SluiceError } from '../kit/errors.ts'
import { answers, body, mayRead, requireFresh, route } from './access.ts'
import { routeGroup } from './env.ts'
import { journal, journalIfPossible } from './journal.ts'
import { byId, done, instant, reference } from './shapes.ts'
import { z } from './zod.ts'

const tokenSchema = z
  .object({
    id: z.string(),
    kind: z
      .enum(['machine', 'sign-in', 'break-glass', 'issued', 'exchanged'])
      .openapi({ description: 'How it came to be: `issued` and `exchanged` never count as a fresh sign-in.' }),
    principal: z.string(),
    actors: z.array(z.string()),
    label: z.string(),
    createdBy: z.string(),
    created_ms: instant,
    expires_ms: instant,
    revoked_ms: instant.optional(),
    revokedBy: z.string().optional(),
    client: z.string().optional().openapi({ description: 'The program that asked for it.' }),
    authorization_details: z
      .array(
        z.object({
          type: z.literal('sluice'),
          resources: z.array(z.string()).optional(),
          effects: z.array(z.string()).optional(),
        }),
      )
      .optional()
      .openapi({ description: 'What it is narrowed to.' }),
  })
  .openapi('Token')

const issuedSchema = tokenSchema
  .extend({
    token: z.string().optional().openapi({ description: 'Shown this once. Absent for a certificate or key.' }),
  })
  .openapi('IssuedToken')

const requestSchema = z
  .strictObject({
    principal: reference,
    actors: z.array(reference).max(7).default([]).openapi({ description: 'Whom it acts for, nearest first.' }),
    label: z.string().max(100).default(''),
    ttl_ms: z.number().positive().openapi({ example: 86_400_000, description: 'How long it holds.' }),
    certificate: z
      .string()
      .max(16_384)
      .optional()
      .openapi({ description: 'A client certificate (PEM) that proves the principal; then no token text is made.' }),
    sshKey: z
      .string()
      .max(16_384)
      .optional()
      .openapi({ description: 'An SSH public key (a line of a .pub file) that proves the principal, likewise.' }),
  })
  .openapi('TokenRequest')

const list = route('signed-in', {
  method: 'get',
  path: '/tokens',
  summary: 'Your tokens and those of your agents; for administrators all.',
  responses: answers(z.object({ tokens: z.array(tokenSchema) })),
})

const issue = route('admin', {
  method: 'post',
  path: '/tokens',
  summary: 'Issue a token; needs a fresh sign-in. One for a person ends with the token it was asked with.',
  request: { body: body(requestSchema) },
  responses: answers(issuedSchema),
})

const revoke = route('token', {
  method: 'post',
  path: '/tokens/{id}/revoke',
  summary: 'Revoke a token; sessions that stand on it end.',
  request: { params: byId },
  responses: answers(done),
})

const shown = ({ scope, ...token }: TokenSummary): z.infer<typeof tokenSchema> => ({
  ...token,
  actors: [...token.actors],
  ...(scope && {
    authorization_details: detailsOf(scope).map(({ type, resources, effects }) => ({
      type,
      ...(resources && { resources: [...resources] }),
      ...(effects && { effects: [...effects] }),
    })),
  }),
})

export const tokenRoutes = () =>
  routeGroup()
    .openapi(list, async (c) => {
      const { caller, services } = c.var
      const all = await services.identity.listTokens()
      const tokens = all.filter((token) => mayRead(caller, [token.principal, ...token.actors]))
      return c.json({ tokens: tokens.map(shown) }, 200)
    })
    .openapi(issue, async (c) => {
      const { caller, services } = c.var
      const asked = c.req.valid('json')
      await requireFresh(c)
      const { principal, actors, label, ttl_ms } = asked
      const { certificate, sshKey, ...request } = asked
      const { identity, principals } = services
      const kind = (await identity.token(caller.credential))?.kind ?? 'issued'
      const blocks = await identity.blocks()
      const wish = issuedBy({ caller, kind, principals, blocks }, { ...request, by: caller.id })
      journal(c, { action: 'token.issue', subject: principal, fields: { actors, label, ttl_ms } })
      if (certificate !== undefined) return c.json(shown(await identity.registerCertificate(wish, certificate)), 200)
      if (sshKey !== undefined) return c.json(shown(await identity.registerSshKey(wish, sshKey)), 200)
      const { token, ...issued } = await identity.issueToken(wish)
      return c.json({ ...shown(issued), token: token.reveal() }, 200)
    })
    .openapi(revoke, async (c) => {
      const { caller, services, token } = c.var
      journalIfPossible(c, { action: 'token.revoke', subject: token.id, fields: { principal: token.principal } })
      if (!(await services.identity.revokeToken(token.id, caller.id))) throw new SluiceError('api.not_found')
      return c.json({ done: true as const }, 200)
    })
