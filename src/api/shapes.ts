import type { Principal } from '../model/principal.ts'
import { LIMITS } from './limits.ts'
import { z } from './zod.ts'

/** Milliseconds since the epoch. */
export const instant = z
  .number()
  .int()
  .openapi({ example: 1_800_000_000_000, description: 'Milliseconds since the epoch.' })

export const reference = z.string().min(1).max(200).openapi({ example: 'human:ada' })

export const partySchema = z
  .object({
    kind: z.enum(['human', 'agent', 'service']),
    id: z.string(),
    name: z.string(),
    groups: z.array(z.string()),
  })
  .openapi('Party')

/** A principal as others may see it: the one acting first, then those behind it. */
export const principalSchema = z
  .object({ chain: z.array(partySchema).min(1), credential: z.string() })
  .openapi('Principal')

/** A page's size in a query. */
export const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(LIMITS.page_max)
  .default(LIMITS.page)
  .openapi({ description: `1 to ${LIMITS.page_max}.` })

/** A path's `{id}`. */
export const byId = z.object({ id: z.string().min(1).max(100) })

/** A sentence a person gives for the record. */
export const reason = z.string().max(1_000).default('').openapi({ description: 'For the record.' })

export const done = z.object({ done: z.literal(true) }).openapi('Done')

/** What the API tells of a principal. Claims stay with identity. */
export function principalOf(principal: Principal): z.infer<typeof principalSchema> {
  const chain: z.infer<typeof partySchema>[] = []
  for (let p: Principal | undefined = principal; p && chain.length < 8; p = p.actor) {
    chain.push({ kind: p.kind, id: p.id, name: p.name, groups: [...p.groups] })
  }
  return { chain, credential: principal.credential }
}
