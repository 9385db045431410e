import type { OutcomeStatus } from '../../model/transcript.ts'
import type { ProgramParts } from './program.ts'
import { EXIT } from './reply.ts'

/** How long a program may run, and the one report of how it ended. */
export interface Lifetime {
  /** It ended; told again, nothing happens. */
  end(bytes: number, status?: OutcomeStatus, tag?: string): void
}

/** Ends a program when the time its permit gives it is over. */
export function lifetime({ house, permit, exit }: ProgramParts): Lifetime {
  let over = false
  const settle = (bytes: number, status: OutcomeStatus, tag: string) => {
    clearTimeout(timer)
    if (over) return
    over = true
    house.session.settle(permit, { status, tag, rows: 0, bytes })
  }
  const { timeout_ms } = permit.obligations
  const late = () => {
    settle(0, 'cancelled', 'limit.timeout')
    exit(EXIT.timeout, `sluice: the time limit of ${timeout_ms! / 1000} s was reached.\n`)
  }
  const timer = timeout_ms === undefined ? undefined : setTimeout(() => house.run(late), timeout_ms)
  return { end: (bytes, status = 'ok', tag = 'closed') => settle(bytes, status, tag) }
}
