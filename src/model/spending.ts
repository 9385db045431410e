/** What was spent of a budget in its window, what running operations have reserved included. */
export interface Usage {
  readonly operations: number
  readonly rows: number
  readonly bytes: number
}

/** What one budget counts for one subject: `agents-read-little principal agent:x`. */
export interface Account {
  readonly key: string
  readonly window_ms: number
  /** Whether it limits rows: then those an operation may still return are reserved before it runs. */
  readonly countsRows: boolean
}

export const NOTHING_SPENT: Usage = Object.freeze({ operations: 0, rows: 0, bytes: 0 })

/** Counts what every session spends together. */
export interface SpendingPort {
  used(account: Account, now_ms: number): Usage
  /** One operation, and the rows it may return at most. */
  reserve(account: Account, rows: number, now_ms: number): void
  /** What became of it: the rows reserved are given back, those returned are counted. */
  settle(
    account: Account,
    spent: { readonly reserved: number; readonly rows: number; readonly bytes: number },
    now_ms: number,
  ): void
}
