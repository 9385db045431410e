import type { Log } from '../kit/log.ts'
import type { ApprovalEnd, PendingApproval } from '../model/ports.ts'
import type { ApprovalState } from '../store/approvals.ts'

export interface ApprovalEvent {
  readonly kind: 'requested' | 'voted' | 'ended'
  readonly id: string
  readonly state: ApprovalState
}

interface Hold {
  readonly settled: Promise<ApprovalEnd>
  readonly settle: (end: ApprovalEnd) => void
  /** Sessions that asked and have not left. */
  readonly sessions: Set<string>
  left: number
  why: string
}

/** Who in this process waits for which request, and who follows them all. */
export interface Waiting {
  /** The promise of a request's end; the session counts as one that waits for it. */
  hold(id: string, session: string): Pick<PendingApproval, 'settled' | 'why'>
  /** One of the waiting has left. True when nobody is left. */
  leave(id: string): boolean
  /** Wakes those who wait, and tells the followers. */
  settle(id: string, state: ApprovalState, why?: string): void
  tell(event: ApprovalEvent): void
  follow(listener: (event: ApprovalEvent) => void): () => void
  ids(): string[]
}

const ENDS: Readonly<Record<ApprovalState, ApprovalEnd | undefined>> = {
  pending: undefined,
  approved: 'approved',
  // Someone else's decision and use, seen late: whoever still waits must ask anew.
  consumed: 'expired',
  rejected: 'rejected',
  expired: 'expired',
  cancelled: 'cancelled',
}

export function createWaiting(log: Log | undefined): Waiting {
  const holds = new Map<string, Hold>()
  const listeners = new Set<(event: ApprovalEvent) => void>()

  function tell(event: ApprovalEvent): void {
    for (const listener of [...listeners]) {
      try {
        listener(event)
      } catch (error) {
        log?.error('a follower of approvals failed', { error: String(error) })
      }
    }
  }

  return {
    hold(id, session) {
      let hold = holds.get(id)
      if (!hold) {
        const { promise, resolve } = Promise.withResolvers<ApprovalEnd>()
        hold = { settled: promise, settle: resolve, sessions: new Set(), left: 0, why: '' }
        holds.set(id, hold)
      }
      hold.sessions.add(session)
      const { settled } = hold
      return { settled, why: () => hold.why }
    },
    leave(id) {
      const hold = holds.get(id)
      // Nobody here waits for it: after a restart, or when it ended already.
      if (!hold) return false
      hold.left++
      return hold.left >= hold.sessions.size
    },
    settle(id, state, why = '') {
      const hold = holds.get(id)
      const end = ENDS[state]
      if (end && hold) {
        holds.delete(id)
        hold.why = why
        hold.settle(end)
      }
      tell({ kind: 'ended', id, state })
    },
    tell,
    follow(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    ids: () => [...holds.keys()],
  }
}
