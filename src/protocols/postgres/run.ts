import { CATALOGUE, type ErrorCode } from '../../kit/catalogue.ts'
import type { OutcomeStatus } from '../../model/transcript.ts'
import type { ResolvedStatement } from '../../sql/postgres.ts'
import type { Permit, Refusal } from '../contract.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'
import type { Bound } from './statements.ts'

/** A refusal by a limit an obligation set, found while results arrive. */
function limitRefusal(code: ErrorCode, op: number, detail: string): Refusal {
  const { message, remedy } = CATALOGUE[code]
  return {
    granted: false,
    op,
    status: 'denied',
    code,
    rule: '',
    message: `${message} (${detail})`,
    hint: remedy,
    retry: false,
  }
}

/** Starts following a permitted operation: its time limit, and its effect on what later text means. */
export function startRun(
  dialogue: Dialogue,
  permit: Permit,
  statements: readonly ResolvedStatement[],
  portal?: Bound,
): Run {
  const { obligations } = permit
  const run: Run = {
    permit,
    statements,
    index: 0,
    portal,
    described: undefined,
    planned: false,
    masker: undefined,
    copyMasker: undefined,
    columnsOf: permit.op,
    rows: 0,
    bytes: 0,
    tag: '',
    sample: obligations.record === 'statements' ? 0 : dialogue.parts.sampleRows,
    running: true,
    cut: undefined,
    timer: undefined,
  }
  for (const statement of statements) {
    if (changesMeaning(statement)) dialogue.unsettled++
    if (statement.settingsSensitive) {
      dialogue.lexing++
      dialogue.lexingOpen++
    }
  }
  if (obligations.timeout_ms !== undefined) limitTime(dialogue, run, obligations.timeout_ms)
  dialogue.useDuties(obligations.mask)
  return run
}

function limitTime(dialogue: Dialogue, run: Run, timeout_ms: number): void {
  run.timer = setTimeout(() => cutShort(dialogue, run, 'limit.timeout', `${timeout_ms} ms`), timeout_ms)
  run.timer.unref()
}

/** Stops a result by asking the target to cancel; the error that comes of it is replaced by the limit's. */
export function cutShort(dialogue: Dialogue, run: Run, code: 'limit.rows' | 'limit.timeout', detail: string): void {
  if (!run.running || run.cut) return
  run.cut = limitRefusal(code, run.permit.op, detail)
  dialogue.parts.cancel()
}

/** Reports what became of a permitted operation. Once per Run. */
export function finishRun(dialogue: Dialogue, run: Run, status: OutcomeStatus): void {
  if (!run.running) return
  run.running = false
  if (run.timer) clearTimeout(run.timer)
  for (const statement of run.statements) if (changesMeaning(statement)) dialogue.unsettled--
  dialogue.parts.session.settle(run.permit, { status, tag: run.tag, rows: run.rows, bytes: run.bytes })
  dialogue.wakeWaiters()
}

/** True when text sent after it may mean something else once it ran. BEGIN and SAVEPOINT change nothing. */
function changesMeaning(statement: ResolvedStatement): boolean {
  for (const transition of statement.transitions) {
    if (transition.kind !== 'transaction' || (transition.verb !== 'begin' && transition.verb !== 'savepoint'))
      return true
  }
  return false
}
