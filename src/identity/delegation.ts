import { SluiceError } from '../kit/errors.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import { type Scope, scopeWithin } from '../model/scope.ts'
import { LIMITS } from './limits.ts'
import { mayActFor } from './principals.ts'
import { type IssuedToken, issueToken, isTokenId, lifetimeOf, type Office } from './tokens.ts'

export interface DelegationRequest {
  /** Who delegates, as their own token proved it: a human, a service, or an agent that acts for one. */
  readonly delegator: Principal
  /** The agent that is to act for them. */
  readonly agent: string
  /** What it is narrowed to; undefined: to what the delegator's token is. */
  readonly scope?: Scope | undefined
  /** Milliseconds wished for; it may hold for less. Default an hour. */
  readonly ttl_ms?: number | undefined
  readonly label?: string
  readonly client?: string
}

/**
 * Lets an agent act for another (RFC 8693 §1.1, delegation): a token whose principal is the agent, with the delegator's whole chain behind it.
 * It never holds longer than the delegator's own, nor allows more. Throws `delegation.refused` for an agent that is unknown or not theirs to
 * use, the same for both; `delegation.depth`; `delegation.widens`.
 */
export async function delegate(office: Office, request: DelegationRequest): Promise<IssuedToken> {
  const { delegator, agent } = request
  const { principals, clock } = office
  const chain = actorChain(delegator).map((party) => party.id)
  const known = principals.lookup(agent)
  if (known?.kind !== 'agent' || chain.includes(agent) || !mayActFor(known, delegator))
    throw new SluiceError('delegation.refused', agent.slice(0, 200))
  const agents = actorChain(delegator).filter((party) => party.kind === 'agent').length + 1
  if (agents > LIMITS.delegation_depth) throw new SluiceError('delegation.depth', agent)
  const scope = request.scope ?? delegator.scope
  if (scope && delegator.scope && !scopeWithin(scope, delegator.scope))
    throw new SluiceError('delegation.widens', agent)
  const now_ms = clock.now_ms()
  const left_ms = (delegator.expires_ms ?? now_ms + LIMITS.delegation_ttl_max_ms) - now_ms
  const ttl_ms = Math.min(
    request.ttl_ms ?? LIMITS.delegation_ttl_ms,
    LIMITS.delegation_ttl_max_ms,
    lifetimeOf([agent, ...chain], principals),
    left_ms,
  )
  if (!(ttl_ms >= LIMITS.token_ttl_min_ms)) throw new SluiceError('delegation.expired', agent)
  const claims = actorChain(delegator).map((party) => [party.id, party.claims] as const)
  return await issueToken(office, {
    principal: agent,
    actors: chain,
    label: request.label ?? '',
    ttl_ms,
    by: delegator.id,
    scope,
    claims: Object.fromEntries(claims.filter(([, each]) => Object.keys(each).length > 0)),
    kind: 'exchanged',
    ...(isTokenId(delegator.credential) && { parent: delegator.credential }),
    ...(request.client === undefined ? {} : { client: request.client }),
  })
}
