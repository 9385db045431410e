import { type Context, finish } from './context.ts'
import { votersNow } from './decide.ts'
import { satisfied } from './quorum.ts'
import { approvalOf } from './record.ts'

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
  const now_ms = clock.now_ms()
  const approval = approvalOf(row, await store.approvals.votes([row.id]))
  // Asked again now: someone may have left the group, or the company, since they voted (ATTACKS G36).
  if (!satisfied(approval.terms, votersNow(context, approval.votes))) {
    const why = 'those who approved it may no longer do so'
    const ended = await store.approvals.change({ id: row.id, from: 'approved', to: 'expired', at_ms: now_ms, why })
    if (ended) finish(context, row.id, 'expired', { digest, why })
    return undefined
  }
  if (!(await store.approvals.consume(row.id, now_ms))) return undefined
  finish(context, row.id, 'consumed', { digest })
  return { id: row.id, by: approval.votes.map((vote) => vote.principal) }
}
