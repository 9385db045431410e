import * as z from 'zod'
import { ScimFailure } from './failure.ts'
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

const NAMES = [
  'schemas',
  'userName',
  'externalId',
  'active',
  'displayName',
  'members',
  'id',
  'meta',
  'groups',
  'value',
  'password',
]
const SPELLINGS = new Map([...NAMES, 'Operations', 'op', 'path'].map((name) => [name.toLowerCase(), name]))

/**
 * A body with the names we know as they are defined: attribute names have no case (RFC 7643 §2.1). One that stands there in two spellings says two
 * things. Throws ScimFailure.
 */
export function spelled(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  const known: Record<string, unknown> = {}
  for (const [written, value] of Object.entries(body)) {
    const name = SPELLINGS.get(written.toLowerCase()) ?? written
    if (Object.hasOwn(known, name)) throw new ScimFailure(400, `${name} is given twice.`, 'invalidSyntax')
    const list = (name === 'members' || name === 'Operations') && Array.isArray(value)
    Object.defineProperty(known, name, {
      value: list ? value.map(spelled) : value,
      ...{ enumerable: true, configurable: true, writable: true },
    })
  }
  return known
}
