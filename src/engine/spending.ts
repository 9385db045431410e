import { Lru } from '../kit/lru.ts'
import { type Account, NOTHING_SPENT, type SpendingPort, type Usage } from '../model/spending.ts'
import { LIMITS } from './limits.ts'

interface Window {
  /** Number of the window since the epoch: windows begin at multiples of their length. */
  number: number
  operations: number
  rows: number
  bytes: number
}

/** Budgets' counters, in memory: a restart begins them anew. */
export function createSpending(): SpendingPort {
  const windows = new Lru<string, Window>(LIMITS.accounts)
  const current = ({ key, window_ms }: Account, now_ms: number): Window => {
    const number = Math.floor(now_ms / window_ms)
    const known = windows.get(key)
    if (known?.number === number) return known
    const fresh = { number, operations: 0, rows: 0, bytes: 0 }
    windows.set(key, fresh)
    return fresh
  }
  return {
    used(account, now_ms): Usage {
      const known = windows.get(account.key)
      return known?.number === Math.floor(now_ms / account.window_ms) ? known : NOTHING_SPENT
    },
    reserve(account, rows, now_ms) {
      const window = current(account, now_ms)
      window.operations += 1
      window.rows += rows
    },
    settle(account, { reserved, rows, bytes }, now_ms) {
      const window = current(account, now_ms)
      // What was reserved in a window that is over is over with it.
      window.rows = Math.max(0, window.rows - reserved) + rows
      window.bytes += bytes
    },
  }
}
