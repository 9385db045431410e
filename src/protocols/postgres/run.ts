import { CATALOGUE, type ErrorCode } from '../../kit/catalogue.ts'
import type { OutcomeStatus } from '../../model/transcript.ts'
import type { ResolvedStatement } from '../../sql/postgres.ts'
import type { Permit, Refusal } from '../contract.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'
import { SAMPLE_BYTES } from './limits.ts'
import { type Bound, Description } from './statements.ts'

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

/** Starts following a permitted operation. */
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
    description: portal?.description ?? new Description(),
    planned: false,
    masker: undefined,
    copyMasker: undefined,
    columnsOf: permit.op,
    rows: 0,
    bytes: 0,
    tag: '',
    sample: obligations.record === 'statements' ? 0 : dialogue.parts.sampleRows,
    sampleBytes: SAMPLE_BYTES,
    running: true,
    cut: undefined,
    left_ms: obligations.timeout_ms,
    started_ms: 0,
    timer: undefined,
    inFlight: 0,
  }
  dialogue.useDuties(obligations.mask)
  return run
}

/** A message that makes the target work on it leaves now: a Query, or an Execute, of which a portal may see several. */
export function forwarded(dialogue: Dialogue, run: Run): void {
  run.inFlight++
  for (const statement of run.statements) {
    if (changesMeaning(statement)) dialogue.unsettled++
    if (statement.result.kind === 'copyIn') dialogue.copiesIn++
    if (statement.settingsSensitive) {
      dialogue.lexing++
      dialogue.lexingOpen++
    }
  }
}

/** The target is done with that message, or will never read it. */
export function answered(dialogue: Dialogue, run: Run): void {
  run.inFlight--
  for (const statement of run.statements) {
    if (changesMeaning(statement)) dialogue.unsettled--
    if (statement.result.kind === 'copyIn') dialogue.copiesIn--
  }
}

/** The target works on it from now on. */
export function startClock(dialogue: Dialogue, run: Run): void {
  if (run.left_ms === undefined || run.cut) return
  const detail = `${run.permit.obligations.timeout_ms} ms`
  run.started_ms = performance.now()
  run.timer = setTimeout(() => cutShort(dialogue, run, 'limit.timeout', detail), run.left_ms)
  run.timer.unref()
}

/** The target works on something else, or waits for the client: that is nobody's time. */
export function stopClock(run: Run): void {
  if (run.timer === undefined || run.left_ms === undefined) return
  clearTimeout(run.timer)
  run.timer = undefined
  run.left_ms = Math.max(0, run.left_ms - (performance.now() - run.started_ms))
}

/** Stops a result by asking the target to cancel; the error that comes of it is replaced by the limit's. */
export function cutShort(dialogue: Dialogue, run: Run, code: 'limit.rows' | 'limit.timeout', detail: string): void {
  if (!run.running || run.cut) return
  run.cut = limitRefusal(code, run.permit.op, detail)
  dialogue.parts.cancel()
}

/** A resting portal is gone, or its session is: what it was permitted to do it did, or never will. */
export function restNoMore(dialogue: Dialogue, portal: Bound): void {
  dialogue.resting.delete(portal)
  const { run, permit } = portal
  if (permit) {
    portal.permit = undefined
    dialogue.parts.session.settle(permit, { status: 'cancelled', tag: 'not executed', rows: 0, bytes: 0 })
  } else if (run?.running) {
    run.tag ||= 'suspended'
    finishRun(dialogue, run, run.cut ? 'cancelled' : 'ok')
  }
}

/** Reports what became of a permitted operation. Once per Run. */
export function finishRun(dialogue: Dialogue, run: Run, status: OutcomeStatus): void {
  if (!run.running) return
  run.running = false
  stopClock(run)
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
