import type { ApprovalPort } from '../model/ports.ts'
import type { ApprovalRow, ApprovalState } from '../store/approvals.ts'
import { consume } from './consume.ts'
import { type ApprovalOptions, type Context, expire, finish } from './context.ts'
import { type Ballot, decide } from './decide.ts'
import { LIMITS } from './limits.ts'
import { type Approval, approvalOf } from './record.ts'
import { request } from './request.ts'
import { type ApprovalEvent, createWaiting } from './waiting.ts'

/** The service behind the engine's approval port, and what the API offers of it. */
export interface Approvals extends ApprovalPort {
  /** Newest first, at most 200, without their long parts. */
  list(state?: ApprovalState): Promise<Approval[]>
  get(id: string): Promise<Approval | undefined>
  /**
   * One person's vote. Throws `api.not_found`, `approval.self`, `approval.forbidden`, `approval.mismatch`, `approval.truncated`,
   * `approval.closed`, or `ledger.unwritable`, and then nothing has changed.
   */
  decide(ballot: Ballot): Promise<Approval>
  /** Tells of every change in this process until the returned function is called. */
  follow(listener: (event: ApprovalEvent) => void): () => void
  url(id: string): string
  /** Ends what time is over for, and learns what other processes decided. Runs by itself every second. */
  sweep(): Promise<void>
  close(): void
}

/** Creates the service. Holds one timer, which does not keep the process alive. */
export function createApprovals(options: ApprovalOptions): Approvals {
  const { store, clock, log, url } = options
  const urlOf = (id: string) => `${typeof url === 'string' ? url : url()}/${id}`
  const context: Context = { ...options, waiting: createWaiting(log), urlOf }
  const { waiting } = context

  async function full(row: ApprovalRow | undefined): Promise<Approval | undefined> {
    return row && approvalOf(row, await store.approvals.votes([row.id]))
  }

  const timer = setInterval(() => {
    sweep(context).catch((error: unknown) => log?.error('looking after approvals failed', { error: String(error) }))
  }, LIMITS.sweep_ms)
  timer.unref()

  return {
    request: (asked) => request(context, asked),
    consume: (digest) => consume(context, digest),
    async cancel(id, why) {
      if (!waiting.leave(id)) return
      const change = {
        id,
        from: 'pending',
        to: 'cancelled',
        at_ms: clock.now_ms(),
        why: why.slice(0, LIMITS.reason_chars),
      } as const
      if (await store.approvals.change(change)) finish(context, id, 'cancelled', { why: change.why })
    },
    async list(state) {
      const rows = await store.approvals.list({ state, limit: LIMITS.listed, chars: LIMITS.listed_chars })
      const votes = Map.groupBy(await store.approvals.votes(rows.map((row) => row.id)), (vote) => vote.approval)
      return rows.map((row) => approvalOf(row, votes.get(row.id) ?? []))
    },
    get: async (id) => full(await store.approvals.get(id)),
    async decide(ballot) {
      await decide(context, ballot)
      return (await full(await store.approvals.get(ballot.id)))!
    },
    follow: (listener) => waiting.follow(listener),
    url: urlOf,
    sweep: () => sweep(context),
    close: () => clearInterval(timer),
  }
}

async function sweep(context: Context): Promise<void> {
  const { store, waiting } = context
  await expire(context)
  for (const { id, state } of await store.approvals.ended(waiting.ids())) waiting.settle(id, state)
}
