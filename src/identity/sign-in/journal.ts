import { toSluiceError } from '../../kit/errors.ts'
import type { Log } from '../../kit/log.ts'
import type { LedgerPort } from '../../model/ports.ts'

export interface SignInJournal {
  /** Written before a sign-in counts. Throws `ledger.unwritable`: then it must not. */
  accepted(entry: Readonly<Record<string, unknown>>): void
  /** A sign-in that failed, and why. The person reads the code's sentence; the rest is for the record. */
  refused(entry: Readonly<Record<string, unknown>>, error: unknown): void
  /** A sign-in ended. Never throws: a full disk must not keep anyone in. */
  ended(entry: Readonly<Record<string, unknown>>): void
}

/** Sign-ins in the ledger: `login` entries with the provider, and never a token. */
export function signInJournal({ ledger, log }: { readonly ledger: LedgerPort; readonly log: Log }): SignInJournal {
  const write = (entry: object) => {
    ledger.append('login', JSON.stringify(entry).slice(1, -1))
    ledger.commit()
  }
  const ifPossible = (entry: object) => {
    try {
      write(entry)
    } catch (error) {
      log.error('a sign-in could not be recorded', { ...entry, error: String(error) })
    }
  }
  return {
    accepted: (entry) => write({ ok: true, ...entry }),
    refused(entry, thrown) {
      const { code, detail } = toSluiceError(thrown)
      ifPossible({ ok: false, ...entry, reason: code, detail: detail.slice(0, 300) })
    },
    ended: (entry) => ifPossible({ ok: true, ended: true, ...entry }),
  }
}
