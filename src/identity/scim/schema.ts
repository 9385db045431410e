import * as z from 'zod'
import { LIMITS } from './limits.ts'

/** Schema URNs of RFC 7643 and messages of RFC 7644. */
export const URN = {
  user: 'urn:ietf:params:scim:schemas:core:2.0:User',
  group: 'urn:ietf:params:scim:schemas:core:2.0:Group',
  enterprise: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  list: 'urn:ietf:params:scim:api:messages:2.0:ListResponse',
  patch: 'urn:ietf:params:scim:api:messages:2.0:PatchOp',
  error: 'urn:ietf:params:scim:api:messages:2.0:Error',
} as const

const name = z.string().min(1).max(LIMITS.name_chars)
/** Some providers send truth as text. */
const truth = z.union([z.boolean(), z.stringbool({ truthy: ['true', 'True'], falsy: ['false', 'False'] })])
const schemas = z.array(z.string().max(200)).max(20)

/** A user as a provider sends it. What we do not know is kept and given back, and means nothing here. */
export const userResource = z.looseObject({
  schemas,
  userName: name,
  externalId: z.string().max(LIMITS.name_chars).optional(),
  active: truth.default(true),
})
export type UserResource = z.infer<typeof userResource>

export const member = z.looseObject({ value: name })
export const groupResource = z.looseObject({
  schemas,
  displayName: name,
  externalId: z.string().max(LIMITS.name_chars).optional(),
  members: z.array(member).max(LIMITS.members).default([]),
})
export type GroupResource = z.infer<typeof groupResource>

/** RFC 7644 §3.5.2. Operation names come in any case: Entra writes them large. */
export const patchRequest = z.looseObject({
  schemas: schemas.refine((list) => list.includes(URN.patch)),
  Operations: z
    .array(
      z.looseObject({
        op: z
          .string()
          .transform((op) => op.toLowerCase())
          .pipe(z.enum(['add', 'replace', 'remove'])),
        path: z.string().max(LIMITS.filter_chars).optional(),
        value: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(LIMITS.operations),
})
export type PatchOperation = z.infer<typeof patchRequest>['Operations'][number]
