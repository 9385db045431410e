import { actorChain, type Principal } from '../../model/principal.ts'
import { type Detail, detailsOf } from '../authorization-details.ts'
import type { Form } from './form.ts'
import type { Exchange } from './grant.ts'

/** Who acts, and for whom: the nested `act` of RFC 8693 §4.1. */
interface Act {
  readonly sub: string
  readonly act?: Act
}

/** RFC 7662 §2.2. What is not active says nothing more. */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true
      readonly token_type: 'Bearer'
      readonly iss: string
      /** Whose rights bound it: the far end of the chain. */
      readonly sub: string
      readonly act?: Act
      readonly jti: string
      readonly exp: number
      readonly iat: number
      readonly client_id?: string
      readonly authorization_details?: readonly Detail[]
    }

/** What a token of ours stands for now. */
export async function introspect(parts: Exchange, form: Form, from: string): Promise<Introspection> {
  const proof = form.need('token')
  const principal = await parts.identity.authenticate({ kind: 'token', proof, from })
  const token = principal && (await parts.identity.token(principal.credential))
  if (!principal || !token) return { active: false }
  return {
    active: true,
    token_type: 'Bearer',
    iss: parts.issuer(),
    ...parties(principal),
    jti: token.id,
    exp: Math.floor(token.expires_ms / 1_000),
    iat: Math.floor(token.created_ms / 1_000),
    ...(token.client === undefined ? {} : { client_id: token.client }),
    ...(principal.scope ? { authorization_details: detailsOf(principal.scope) } : {}),
  }
}

/** The chain in RFC 8693's terms: `sub` is who delegated first, `act` the one who acts now, those between inside it. */
export function parties(principal: Principal): { readonly sub: string; readonly act?: Act } {
  const ids = actorChain(principal).map((party) => party.id)
  const sub = ids.at(-1)!
  let act: Act | undefined
  for (const id of ids.slice(0, -1).reverse()) act = { sub: id, ...(act ? { act } : {}) }
  return { sub, ...(act ? { act } : {}) }
}
