import { plainLine } from '../../kit/plain-line.ts'
import type { OutcomeStatus } from '../../model/transcript.ts'
import { masksOutput, type ProgramParts } from './program.ts'
import { EXIT } from './reply.ts'

/** How long a program may run, and the one report of how it ended. */
export interface Lifetime {
  /** It ended; told again, nothing happens. */
  end(bytes: number, status?: OutcomeStatus, tag?: string): void
}

/** Ends a program when the time its permit gives it is over, or when policy would no longer permit it. `moved` is what it said until then. */
export function lifetime(parts: ProgramParts, moved: () => number): Lifetime {
  const { house, permit, operation, exit } = parts
  let over = false
  const settle = (bytes: number, status: OutcomeStatus, tag: string) => {
    clearTimeout(timer)
    if (over) return
    over = true
    house.session.settle(permit, { status, tag, rows: 0, bytes })
  }
  const { timeout_ms } = permit.obligations
  const late = () => {
    settle(moved(), 'cancelled', 'limit.timeout')
    exit(EXIT.timeout, `sluice: the time limit of ${timeout_ms! / 1000} s was reached.\n`)
  }
  const refused = (why: string, tag: string) => {
    settle(moved(), 'cancelled', tag)
    exit(EXIT.refused, `sluice: ${plainLine(why)}\n`)
  }
  const timer = timeout_ms === undefined ? undefined : setTimeout(() => house.run(late), timeout_ms)
  house.session.stand(permit, {
    operation,
    call: { text: operation.text },
    masks: masksOutput(parts),
    ended: (why, tag) => house.run(() => refused(why, tag)),
  })
  return { end: (bytes, status = 'ok', tag = 'closed') => settle(bytes, status, tag) }
}
