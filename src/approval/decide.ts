import { SluiceError } from '../kit/errors.ts'
import type { Principal } from '../model/principal.ts'
import type { ApprovalState, JudgedVote, VoteRow } from '../store/approvals.ts'
import { type Context, existing, finish, record } from './context.ts'
import { isCut } from './display.ts'
import { LIMITS } from './limits.ts'
import { satisfied, standing, type Voter } from './quorum.ts'
import type { Approval } from './record.ts'

/** One person's answer. */
export interface Ballot {
  readonly id: string
  readonly approver: Principal
  readonly verdict: 'approve' | 'reject'
  /** The digest of the request as it was shown. */
  readonly digest: string
  readonly reason: string
  /** They say that they read the full text of a request that cannot be shown whole. */
  readonly readWhole?: boolean
}

/** Checks and records one vote, and ends the request when the vote decides it. */
export async function decide(context: Context, ballot: Ballot): Promise<void> {
  const { store, clock, ledger, waiting } = context
  const approval = await existing(context, ballot.id)
  const now_ms = clock.now_ms()
  check(approval, ballot, now_ms)
  const { id, approver, verdict } = ballot
  const reason = ballot.reason.slice(0, LIMITS.reason_chars)
  // The vote is in the ledger before it counts: an approval nobody can audit is none.
  const chain = { by: approver.id, credential: approver.credential }
  record(ledger, { approval: id, digest: approval.digest, vote: verdict, ...chain, reason })
  const vote: VoteRow = {
    approval: id,
    principal: approver.id,
    verdict,
    reason,
    voted_ms: now_ms,
    credential: approver.credential,
  }
  const state = await store.approvals.vote(vote, (votes) => outcome(context, approval, votes))
  if (state === undefined) throw new SluiceError('approval.closed')
  if (state === 'pending') waiting.tell({ kind: 'voted', id, state })
  else {
    // It is shown to the client in its own protocol's words, where a control character may mean something.
    const why = verdict === 'reject' && reason !== '' ? { why: reason.replace(/\p{Cc}/gu, ' ') } : {}
    finish(context, id, state, { digest: approval.digest, ...why })
  }
}

function check(approval: Approval, ballot: Ballot, now_ms: number): void {
  const place = standing(ballot.approver, approval.chain, approval.terms)
  if (place === 'self') throw new SluiceError('approval.self')
  if (place === 'forbidden') throw new SluiceError('approval.forbidden')
  if (approval.state !== 'pending' || approval.expires_ms <= now_ms) throw new SluiceError('approval.closed')
  if (approval.votes.some((vote) => vote.principal === ballot.approver.id)) throw new SluiceError('approval.closed')
  if (ballot.digest !== approval.digest) throw new SluiceError('approval.mismatch')
  const cut = ballot.verdict === 'approve' && !ballot.readWhole && shownCut(approval)
  if (cut) throw new SluiceError('approval.truncated')
}

/** True when what people are shown of it leaves something out. */
export function shownCut(approval: Approval): boolean {
  return [approval.text, ...approval.parameters].some((text) => text !== null && isCut(text))
}

function outcome(context: Context, approval: Approval, votes: readonly JudgedVote[]): ApprovalState {
  if (votes.some((vote) => vote.verdict !== 'approve')) return 'rejected'
  return satisfied(approval.terms, votersNow(context, votes)) ? 'approved' : 'pending'
}

/** Those whose votes count now: cast with a credential that still stands, by people the documents in force still know, who were not shut out. */
export function votersNow(context: Context, votes: readonly JudgedVote[]): Voter[] {
  return votes.flatMap(({ principal, fallen, life }) => {
    const known = fallen === '' ? context.principals.lookup(principal) : undefined
    return known?.kind === 'human' && (known.life ?? '') === life ? [{ id: principal, groups: known.groups }] : []
  })
}
