import type { LedgerPort } from '../../model/ports.ts'

/** What happened to connectors, in the ledger. */
export interface Journal {
  /** Throws `ledger.unwritable`: then it must not happen. */
  write(action: string, fields: Readonly<Record<string, unknown>>): void
  /** The same for what only takes something away, or has happened already. */
  note(action: string, fields: Readonly<Record<string, unknown>>): void
}

export function createJournal(ledger: LedgerPort): Journal {
  const write: Journal['write'] = (action, fields) => {
    ledger.append('connector', JSON.stringify({ action, ...fields }).slice(1, -1))
    ledger.commit()
  }
  return {
    write,
    note(action, fields) {
      try {
        write(action, fields)
      } catch {
        // The ledger reports its own failure, and forwards nothing while it lasts.
      }
    },
  }
}
