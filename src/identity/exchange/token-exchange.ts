import { SluiceError } from '../../kit/errors.ts'
import { actorChain, type Principal } from '../../model/principal.ts'
import { scopeWithin } from '../../model/scope.ts'
import { readDetails } from '../authorization-details.ts'
import type { IssuedToken } from '../tokens.ts'
import { verifyWorkload, type WorkloadParts } from '../trust/verify.ts'
import type { Exchange, GrantRequest } from './grant.ts'

const TYPE = 'urn:ietf:params:oauth:token-type:'
/** The type of every token issued here. */
export const ACCESS_TOKEN = `${TYPE}access_token`
const SIGNED = new Set([`${TYPE}jwt`, `${TYPE}id_token`])

/** Whose rights are to be exchanged. */
interface Subject {
  readonly principal: Principal
  /** Set for a workload: how long a token of its own may hold, and the words for its label. */
  readonly ttl_ms?: number
  readonly label?: string
}

/**
 * Token exchange (RFC 8693). The subject is a token of ours or a workload's signed one. With an actor — an agent's own token, or
 * `requested_actor` naming an agent whose document lists the subject — the answer is the agent's token, acting for the subject; without, the
 * subject's own, narrowed. Throws `oauth.*`, `trust.*`, `delegation.*`.
 */
export async function exchange(parts: Exchange, verify: WorkloadParts, request: GrantRequest): Promise<IssuedToken> {
  const { form, from } = request
  form.without('scope', 'audience', 'resource')
  const wanted = form.get('requested_token_type')
  if (wanted !== undefined && wanted !== ACCESS_TOKEN)
    throw new SluiceError('oauth.request', 'only access tokens are issued')
  const details = form.get('authorization_details')
  const scope = details === undefined ? undefined : readDetails(details)
  const ttl_ms = lifetime(form.get('expires_in'))
  const subject = await subjectOf(parts, verify, request)
  const agent = await agentOf(parts, request)
  const client = request.client?.id ?? ''
  if (agent !== undefined) {
    const label = subject.label ?? ''
    return await parts.identity.delegate({ delegator: subject.principal, agent, scope, ttl_ms, label, client })
  }
  const { principal } = subject
  if (subject.ttl_ms === undefined && scope === undefined)
    throw new SluiceError('oauth.request', 'it names no actor and narrows nothing: there is nothing to exchange')
  if (scope && principal.scope && !scopeWithin(scope, principal.scope)) throw new SluiceError('delegation.widens')
  const left_ms = subject.ttl_ms ?? (principal.expires_ms ?? 0) - parts.clock.now_ms()
  const actors = actorChain(principal).slice(1)
  const claims = actorChain(principal).map((party) => [party.id, party.claims] as const)
  const issued = await parts.identity.issueToken({
    principal: principal.id,
    actors: actors.map((party) => party.id),
    label: subject.label ?? '',
    ttl_ms: Math.min(ttl_ms ?? left_ms, left_ms),
    by: principal.id,
    scope: scope ?? principal.scope,
    claims: Object.fromEntries(claims.filter(([, each]) => Object.keys(each).length > 0)),
    client,
    kind: 'exchanged',
    ...(subject.ttl_ms === undefined ? { parent: principal.credential } : {}),
  })
  // A principal that the kill switch shuts out has a token that opens nothing; better it has none.
  const stands = await parts.identity.authenticate({ kind: 'token', proof: issued.token.reveal(), from })
  if (!stands) throw new SluiceError('oauth.grant', `${principal.id} is shut out`)
  return issued
}

async function subjectOf(parts: Exchange, verify: WorkloadParts, { form, from }: GrantRequest): Promise<Subject> {
  const proof = form.need('subject_token')
  const type = form.need('subject_token_type')
  if (type === ACCESS_TOKEN) {
    const principal = await parts.identity.authenticate({ kind: 'token', proof, from })
    if (!principal) throw new SluiceError('oauth.grant', 'the subject token is unknown, expired or revoked')
    return { principal }
  }
  if (!SIGNED.has(type)) throw new SluiceError('oauth.request', 'subject_token_type is none that is taken here')
  const workload = await verifyWorkload(verify, proof)
  const known = parts.principals.lookup(workload.principal)
  if (!known) throw new SluiceError('trust.claims', `no document declares ${workload.principal}`)
  const { ttl_ms, name } = workload.issuer
  return {
    principal: {
      kind: known.kind,
      id: workload.principal,
      name: known.name,
      groups: known.groups,
      claims: workload.claims,
      credential: `issuer:${name}`,
      expires_ms: parts.clock.now_ms() + ttl_ms,
    },
    ttl_ms,
    label: `${name}: ${workload.subject}`.slice(0, 100),
  }
}

/** The agent that is to act, when one is named. An agent's own token must be its own: nobody stands behind it. */
async function agentOf(parts: Exchange, { form, from }: GrantRequest): Promise<string | undefined> {
  const named = form.get('requested_actor')
  const proof = form.get('actor_token')
  if (proof === undefined) {
    form.without('actor_token_type')
    return named
  }
  if (form.need('actor_token_type') !== ACCESS_TOKEN)
    throw new SluiceError('oauth.request', 'actor_token_type must be that of an access token')
  const actor = await parts.identity.authenticate({ kind: 'token', proof, from })
  if (!actor || actor.actor !== undefined) throw new SluiceError('oauth.grant', 'the actor token is not an agent’s own')
  if (named !== undefined && named !== actor.id)
    throw new SluiceError('oauth.request', 'requested_actor is another than the actor token’s')
  return actor.id
}

/** `expires_in`, in seconds, as a wish. Throws `oauth.request`. */
function lifetime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new SluiceError('oauth.request', 'expires_in is no number of seconds')
  return Number(text) * 1_000
}
