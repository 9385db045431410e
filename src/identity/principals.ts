import { actorChain, type Principal } from '../model/principal.ts'
import type { Scope } from '../model/scope.ts'
import type { TokenRow } from '../store/tokens.ts'
import { scopeOf } from './authorization-details.ts'

/** What the policy documents say of a principal. */
export interface KnownPrincipal {
  readonly kind: Principal['kind']
  readonly name: string
  readonly groups: readonly string[]
  /** For whom it may act: ids, and `group:` names. Unset: for nobody. */
  readonly delegators?: readonly string[] | undefined
  /** Of an agent: the group that answers for it, and what it is for. */
  readonly owner?: string | undefined
  readonly purpose?: string | undefined
  /** Longest a token of it may hold, in milliseconds. */
  readonly maxLifetime_ms?: number | undefined
  /** Which of those who bore this id, unset for the first: what one held is never another's. */
  readonly life?: string | undefined
  /** Set for people who have an account at an identity provider. */
  readonly signsIn?: boolean | undefined
}

/** The Human, Agent and Group documents in force. A principal that is not in them, or is disabled there, is unknown. */
export interface PrincipalDirectory {
  lookup(id: string): KnownPrincipal | undefined
}

/** The principal a token stands for under the documents in force; undefined when it or anyone behind it is unknown. */
export function principalOf(token: TokenRow, directory: PrincipalDirectory): Principal | undefined {
  const told = readTold(token)
  if (!told) return undefined
  const { ids, lives } = told
  let principal: Principal | undefined
  // From the far end of the chain inwards, so that each is built with the one behind it.
  for (const [left, id] of ids.toReversed().entries()) {
    const acting = left === ids.length - 1
    const known = directory.lookup(id)
    if (!known || (principal && !mayActFor(known, principal))) return undefined
    if (lives[ids.length - 1 - left] !== (known.life ?? '')) return undefined
    principal = Object.freeze({
      kind: known.kind,
      id,
      name: known.name,
      groups: Object.freeze([...known.groups]),
      ...(principal ? { actor: principal } : {}),
      ...(known.life === undefined ? {} : { life: known.life }),
      claims: told.claims.get(id) ?? NO_CLAIMS,
      credential: token.id,
      expires_ms: token.expires_ms,
      ...(acting && told.scope ? { scope: told.scope } : {}),
    })
  }
  return principal
}

const NO_CLAIMS = Object.freeze({})

interface Told {
  /** The chain, and the life each of it was in when the token was issued. */
  readonly ids: readonly string[]
  readonly lives: readonly string[]
  readonly claims: ReadonlyMap<string, Principal['claims']>
  readonly scope: Scope | undefined
}

/** What a token says beyond its chain: what issuers said of its parties, and its narrowing. What cannot be read stands for nobody. */
function readTold(token: TokenRow): Told | undefined {
  try {
    const claims = Object.entries(JSON.parse(token.claims) as Record<string, Record<string, unknown>>)
    const ids = [token.principal, ...(JSON.parse(token.actors) as string[])]
    const lives = JSON.parse(token.lives) as string[]
    return {
      ids,
      lives: ids.map((_, i) => lives[i] ?? ''),
      claims: new Map(claims.map(([id, each]) => [id, Object.freeze(each)])),
      scope: scopeOf(token.scope),
    }
  } catch {
    return undefined
  }
}

/** True while the documents still say of everyone in the chain what they said when it was built. */
export function stillStands(principal: Principal, directory: PrincipalDirectory): boolean {
  for (const party of actorChain(principal)) {
    const known = directory.lookup(party.id)
    if (!known || (party.actor && !mayActFor(known, party.actor))) return false
    if ((known.life ?? '') !== (party.life ?? '')) return false
    if (known.kind !== party.kind || known.name !== party.name || !sameList(known.groups, party.groups)) return false
  }
  return true
}

/** Whether the documents let one principal act for another. */
export function mayActFor(
  known: KnownPrincipal,
  actor: { readonly id: string; readonly groups: readonly string[] },
): boolean {
  return (known.delegators ?? []).some(
    (by) => by === actor.id || (by.startsWith('group:') && actor.groups.includes(by.slice(6))),
  )
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
