import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import type { LedgerPort } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { ApprovalState } from '../store/approvals.ts'
import type { Store } from '../store/store.ts'
import { type Approval, approvalOf } from './record.ts'
import type { Waiting } from './waiting.ts'

/** What the policy documents in force say of a person: asked again when an approval is used. */
export interface VoterDirectory {
  lookup(
    id: string,
  ):
    | { readonly kind: Principal['kind']; readonly groups: readonly string[]; readonly life?: string | undefined }
    | undefined
}

export interface ApprovalOptions {
  readonly store: Pick<Store, 'approvals'>
  readonly ledger: LedgerPort
  readonly clock: Clock
  readonly principals: VoterDirectory
  /** Where people look at a request: `http://127.0.0.1:7700/approvals`, or a function of it when the port is known later. */
  readonly url: string | (() => string)
  readonly log?: Log
}

/** What the steps of this folder share. */
export interface Context extends ApprovalOptions {
  readonly waiting: Waiting
  urlOf(id: string): string
}

/** Ends every open request whose time is over. */
export async function expire(context: Context): Promise<void> {
  const { store, clock } = context
  for (const id of await store.approvals.expire(clock.now_ms()))
    finish(context, id, 'expired', { why: 'its time was over' })
}

/**
 * Records the end of a request and wakes whoever waits for it. Throws `ledger.unwritable` for the use of an approval only: every
 * other end either takes a permission away, or stands on votes that are in the ledger already.
 */
export function finish(
  context: Context,
  id: string,
  state: ApprovalState,
  fields: Readonly<Record<string, unknown>>,
): void {
  try {
    record(context.ledger, { approval: id, end: state, ...fields })
  } catch (error) {
    context.log?.error('the end of an approval could not be recorded', { approval: id, error: String(error) })
    if (state === 'consumed') throw error
  } finally {
    context.waiting.settle(id, state, typeof fields.why === 'string' ? fields.why : '')
  }
}

/** Appends an entry and has it written. Throws `ledger.unwritable`. */
export function record(ledger: LedgerPort, body: Readonly<Record<string, unknown>>): void {
  ledger.append('approval', JSON.stringify(body).slice(1, -1))
  ledger.commit()
}

/** The request, or `api.not_found`. */
export async function existing(context: Context, id: string): Promise<Approval> {
  const row = await context.store.approvals.get(id)
  if (!row) throw new SluiceError('api.not_found')
  return approvalOf(row, await context.store.approvals.votes([id]))
}
