import { SluiceError } from '../kit/errors.ts'
import type { ApprovalRequest, PendingApproval } from '../model/ports.ts'
import type { ApprovalRow } from '../store/approvals.ts'
import { type Context, expire, record } from './context.ts'
import { LIMITS } from './limits.ts'
import { rowOf } from './record.ts'

/**
 * Opens a request, or joins the open one of the same digest. Throws `approval.too_large`, `approval.too_many`, `ledger.unwritable`,
 * `store.unavailable`: nobody was asked, and the operation must be refused.
 */
export async function request(context: Context, asked: ApprovalRequest): Promise<PendingApproval> {
  const { store, clock, ledger, waiting } = context
  await expire(context)
  const open = await store.approvals.open(asked.digest)
  if (open) return join(context, open, asked.session)
  const { own, all } = await store.approvals.pending(asked.principal.id)
  if (own >= LIMITS.pending_own || all >= LIMITS.pending_all) throw new SluiceError('approval.too_many')
  const row = rowOf(asked, clock.now_ms())
  record(ledger, askedEntry(row))
  if (!(await store.approvals.add(row))) {
    // Another session asked the same between our look and our insert.
    const theirs = await store.approvals.open(asked.digest)
    if (!theirs) throw new SluiceError('approval.unavailable', 'the same request was opened and closed while asking')
    return join(context, theirs, asked.session)
  }
  const pending = join(context, row, asked.session)
  waiting.tell({ kind: 'requested', id: row.id, state: 'pending' })
  return pending
}

function join(context: Context, row: ApprovalRow, session: string): PendingApproval {
  const { id, expires_ms } = row
  const waits =
    row.state === 'approved'
      ? { settled: Promise.resolve('approved' as const), why: () => '' }
      : context.waiting.hold(id, session)
  return { id, url: context.urlOf(id), expires_ms, ...waits }
}

/** The engine's `held` entry names the operation; this one says what people are asked, and whose yes counts. */
function askedEntry(row: ApprovalRow): Readonly<Record<string, unknown>> {
  return {
    approval: row.id,
    asked: row.verb,
    session: row.session,
    digest: row.digest,
    principal: row.principal,
    chain: JSON.parse(row.chain),
    credential: row.credential,
    resource: row.resource,
    database: row.database,
    effects: JSON.parse(row.effects),
    state: JSON.parse(row.session_state),
    terms: JSON.parse(row.terms),
    policy: row.policy,
    expires_ms: row.expires_ms,
  }
}
