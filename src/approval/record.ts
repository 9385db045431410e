import { SluiceError } from '../kit/errors.ts'
import { newId } from '../kit/ids.ts'
import type { ApprovalTerms } from '../model/decision.ts'
import type { ApprovalRequest } from '../model/ports.ts'
import { actorChain } from '../model/principal.ts'
import type { ApprovalRow, ApprovalState, BriefApprovalRow, VoteRow } from '../store/approvals.ts'
import { LIMITS } from './limits.ts'

/** A request as people see it. Texts are the originals: show them through `display`. */
export interface Approval {
  readonly id: string
  readonly digest: string
  readonly state: ApprovalState
  readonly principal: string
  /** The one who asked and everyone behind it. */
  readonly chain: readonly string[]
  readonly session: string
  readonly resource: string
  readonly database: string
  readonly verb: string
  readonly effects: readonly string[]
  readonly text: string
  /** Characters of the whole text: more than `text` holds when the request comes from a list. */
  readonly length: number
  /** True when long parts were left out, as in a list. */
  readonly brief: boolean
  readonly statements: number
  readonly parameters: readonly (string | null)[]
  readonly sessionState: Readonly<Record<string, string>>
  readonly terms: readonly ApprovalTerms[]
  readonly policy: string
  readonly message: string
  readonly created_ms: number
  readonly expires_ms: number
  readonly ended_ms?: number
  readonly endedWhy?: string
  readonly votes: readonly Vote[]
}

export interface Vote {
  readonly principal: string
  readonly verdict: 'approve' | 'reject'
  readonly reason: string
  readonly voted_ms: number
}

/** The row of a new request. Throws `approval.too_large`: an operation a person cannot be shown whole is not offered for approval. */
export function rowOf(request: ApprovalRequest, now_ms: number): ApprovalRow {
  const values = [...request.parameters, ...Object.entries(request.state).flat()]
  const parameterChars = values.reduce((sum, value) => sum + (value?.length ?? 0), 0)
  if (values.length > LIMITS.parameters) throw new SluiceError('approval.too_large')
  if (request.text.length > LIMITS.text_chars || parameterChars > LIMITS.parameter_chars)
    throw new SluiceError('approval.too_large')
  // The shortest of the rules' times holds.
  const wait_ms = Math.min(LIMITS.expires_max_ms, ...request.terms.map((terms) => terms.expires_ms))
  if (request.terms.length === 0 || !(wait_ms > 0))
    throw new SluiceError('approval.unavailable', 'the request names no rule, or no time')
  return {
    id: newId('apr', now_ms),
    digest: request.digest,
    state: 'pending',
    principal: request.principal.id,
    chain: JSON.stringify(actorChain(request.principal).map((party) => party.id)),
    credential: request.principal.credential,
    session: request.session,
    resource: request.resource,
    database: request.database,
    verb: request.verb,
    effects: JSON.stringify(request.effects),
    text: request.text,
    length: request.text.length,
    statements: request.statements ?? 1,
    parameters: JSON.stringify(request.parameters),
    session_state: JSON.stringify(request.state),
    terms: JSON.stringify(request.terms),
    policy: request.policy,
    message: request.message,
    created_ms: now_ms,
    expires_ms: now_ms + wait_ms,
    ended_ms: null,
    ended_why: null,
  }
}

/** A stored request and its votes. */
export function approvalOf(row: ApprovalRow | BriefApprovalRow, votes: readonly VoteRow[]): Approval {
  return {
    id: row.id,
    digest: row.digest,
    state: row.state as ApprovalState,
    principal: row.principal,
    chain: JSON.parse(row.chain) as string[],
    session: row.session,
    resource: row.resource,
    database: row.database,
    verb: row.verb,
    effects: JSON.parse(row.effects) as string[],
    text: row.text,
    length: row.length,
    brief: 'brief' in row && row.brief === 1,
    statements: row.statements,
    parameters: JSON.parse(row.parameters) as (string | null)[],
    sessionState: JSON.parse(row.session_state) as Record<string, string>,
    terms: JSON.parse(row.terms) as ApprovalTerms[],
    policy: row.policy,
    message: row.message,
    created_ms: row.created_ms,
    expires_ms: row.expires_ms,
    ...(row.ended_ms === null ? {} : { ended_ms: row.ended_ms, endedWhy: row.ended_why ?? '' }),
    votes: votes.map((vote) => ({
      principal: vote.principal,
      verdict: vote.verdict as Vote['verdict'],
      reason: vote.reason,
      voted_ms: vote.voted_ms,
    })),
  }
}
