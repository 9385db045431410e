import { SluiceError } from '../kit/errors.ts'
import type { Principal } from '../model/principal.ts'
import type { Block } from './blocks.ts'
import type { PrincipalDirectory } from './principals.ts'
import type { TokenKind, TokenRequest } from './tokens.ts'

export interface ByHand {
  readonly caller: Principal
  /** How the caller's own token came to be. */
  readonly kind: TokenKind
  readonly principals: PrincipalDirectory
  readonly blocks: readonly Block[]
}

/**
 * A token somebody asks for by hand, as it is issued. One for the caller, or for an agent that acts for the caller, comes of the caller's own token
 * and ends with it; so does one for any other person, unless the caller's was made on the gateway's machine, which nothing stands behind either. Of
 * who has an account at an identity provider only the provider may say that they are still there: nobody else gets a token in their name.
 * Throws `token.invalid`.
 */
export function issuedBy({ caller, kind, principals, blocks }: ByHand, request: TokenRequest): TokenRequest {
  const ids = [request.principal, ...(request.actors ?? [])]
  const shut = ids.find((id) => blocks.some((block) => block.kind === 'principal' && block.subject === id))
  if (shut !== undefined)
    throw new SluiceError('token.invalid', `${shut} is shut out: \`sluice unblock\` comes before a token`)
  const others = ids.filter((id) => id !== caller.id).map((id) => [id, principals.lookup(id)] as const)
  const theirs = others.find(([, known]) => known?.signsIn)
  if (theirs)
    throw new SluiceError(
      'token.invalid',
      `${theirs[0]} gets tokens by signing in at an identity provider, and no other way`,
    )
  const forPerson = others.some(([, known]) => known?.kind === 'human') && kind !== 'machine'
  const comesOf = forPerson || ids.includes(caller.id)
  return { ...request, kind: 'issued', by: caller.id, ...(comesOf && { parent: caller.credential }) }
}
