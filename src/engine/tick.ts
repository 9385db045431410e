import { type SluiceError, toSluiceError } from '../kit/errors.ts'
import type { LedgerPort } from '../model/ports.ts'

/** Something with bytes for a target that wait for the ledger. */
export interface Flushable {
  flush(): void
  /** The ledger could not be written: nothing of this tick may leave. */
  refuseFlush(why: SluiceError): void
}

/**
 * Invariant 1: no byte of an operation reaches the target before its ledger entry is written. All sessions that had work in one
 * turn of the event loop share one write of the ledger; `setImmediate` runs right after the turn's socket reads.
 */
export class Tick {
  readonly #ledger: LedgerPort
  #waiting: Flushable[] = []
  #armed = false
  readonly #run = () => this.run()

  constructor(ledger: LedgerPort) {
    this.#ledger = ledger
  }

  /** Flushes at the end of this turn, after the ledger is written. A flushable schedules itself once per turn. */
  schedule(work: Flushable): void {
    this.#waiting.push(work)
    this.touch()
  }

  /** Makes sure the ledger is written at the end of this turn though nothing waits for it. */
  touch(): void {
    if (this.#armed) return
    this.#armed = true
    setImmediate(this.#run)
  }

  run(): void {
    this.#armed = false
    const waiting = this.#waiting
    this.#waiting = []
    try {
      this.#ledger.commit()
    } catch (thrown) {
      const why = toSluiceError(thrown)
      for (const work of waiting) work.refuseFlush(why)
      return
    }
    for (const work of waiting) work.flush()
  }
}
