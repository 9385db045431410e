import type { Context } from 'hono'
import type { ApiEnv } from './env.ts'
import { chainOf } from './rights.ts'

/** One change made through the API, for the ledger. */
export interface Change {
  /** `token.issue`, `session.kill` … */
  readonly action: string
  readonly subject: string
  readonly fields?: Readonly<Record<string, unknown>>
}

/**
 * Writes a change into the ledger before it is made. Throws `ledger.unwritable`: then it must not be made.
 * Wire form: `{ action, subject, by, chain, credential, … }`.
 */
export function journal(c: Context<ApiEnv>, { action, subject, fields }: Change): void {
  const { caller, services } = c.var
  const entry = { action, subject, by: caller.id, chain: chainOf(caller), credential: caller.credential, ...fields }
  services.ledger.append('admin', JSON.stringify(entry).slice(1, -1))
  services.ledger.commit()
}

/** The same for a change that only takes something away (a kill, a revocation): a full disk must not keep anyone from it. */
export function journalIfPossible(c: Context<ApiEnv>, change: Change): void {
  try {
    journal(c, change)
  } catch (error) {
    c.var.services.log.error('a change could not be recorded in the ledger', {
      action: change.action,
      subject: change.subject,
      error: String(error),
    })
  }
}
