import type { ApprovalTerms } from '../model/decision.ts'
import type { JudgedVote } from '../store/approvals.ts'
import { type Context, finish } from './context.ts'
import { votersNow } from './decide.ts'
import { satisfied } from './quorum.ts'

/**
 * Takes the approved, unexpired, unused approval of this digest, or undefined. At most one caller in any process ever gets it, and it
 * is spent on disk before this resolves: after a crash the operation runs never rather than twice (ATTACKS G33).
 */
export async function consume(
  context: Context,
  digest: string,
): Promise<{ readonly id: string; readonly by: readonly string[] } | undefined> {
  const { store, clock } = context
  const row = await store.approvals.open(digest)
  if (row?.state !== 'approved') return undefined
  // Asked again now, of each vote: someone may have left the group or the company, been shut out, or lost the token they voted with (ATTACKS G36).
  const why = 'those who approved it may no longer do so'
  const terms = JSON.parse(row.terms) as ApprovalTerms[]
  let by: readonly string[] = []
  const stands = (votes: readonly JudgedVote[]) => {
    const voters = votersNow(context, votes)
    by = voters.map((voter) => voter.id)
    return satisfied(terms, voters)
  }
  const taken = await store.approvals.consume({ id: row.id, now_ms: clock.now_ms(), stands, why })
  if (taken === 'fallen') finish(context, row.id, 'expired', { digest, why })
  if (taken !== 'consumed') return undefined
  finish(context, row.id, 'consumed', { digest })
  return { id: row.id, by }
}
