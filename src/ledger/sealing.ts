import { Worker } from 'node:worker_threads'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { SEAL_FAILING_ms, SEAL_ms } from './limits.ts'
import type { Place } from './sealer.ts'
import type { SealerOrder, SealerReport, SealerStart } from './sealer-thread.ts'

export interface SealingOptions {
  readonly start: SealerStart
  readonly log: Log
  readonly monotonic_ms: () => number
}

// The published package holds .js where the sources hold .ts.
const THREAD = new URL(`./sealer-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

/** The writer's end of the thread that hashes and signs. */
export class Sealing {
  readonly #options: SealingOptions
  readonly #worker: Worker
  readonly #ended: Promise<void>
  #sealed: number
  #failing_ms = -1
  #durable: Place
  #timer: NodeJS.Timeout | undefined
  #closing = false
  /** What is wrong for good. */
  #broken: SluiceError | undefined

  constructor(options: SealingOptions) {
    this.#options = options
    this.#sealed = options.start.sealed.size
    this.#durable = options.start.sealed
    this.#worker = new Worker(THREAD, {
      workerData: options.start,
      resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 4 },
      // What the gateway itself was started with (an --eval, an inspector) is not meant for the thread.
      execArgv: [],
      name: 'sluice-sealer',
    })
    this.#worker.unref()
    this.#worker.on('message', (report: SealerReport) => this.#report(report))
    const died = (why: string): void => this.#break(new SluiceError('ledger.unwritable', `the sealer stopped: ${why}`))
    this.#worker.on('error', (cause) => died(cause instanceof Error ? cause.message : String(cause)))
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', (code) => {
        if (!this.#closing) died(`exit code ${code}`)
        resolve()
      })
    })
  }

  /** Entries under the newest checkpoint. */
  get sealed(): number {
    return this.#sealed
  }

  /** Why nothing more may be written: the sealer found damage, died, or has failed for too long. */
  get failure(): SluiceError | undefined {
    if (this.#broken || this.#failing_ms < 0) return this.#broken
    if (this.#options.monotonic_ms() - this.#failing_ms < SEAL_FAILING_ms) return undefined
    return new SluiceError('ledger.unwritable', 'no checkpoint could be written for a minute')
  }

  /** Entries up to here are on disk. Tells the thread at most every SEAL_ms. */
  advance(durable: Place): void {
    this.#durable = durable
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#worker.postMessage({ durable: this.#durable, last: false } satisfies SealerOrder)
    }, SEAL_ms).unref()
  }

  /** Seals up to here, signs, and ends the thread. */
  async close(durable: Place): Promise<void> {
    clearTimeout(this.#timer)
    if (this.#broken) throw this.#broken
    this.#closing = true
    this.#worker.ref()
    this.#worker.postMessage({ durable, last: true } satisfies SealerOrder)
    await this.#ended
    if (this.#sealed < durable.size)
      throw new SluiceError('ledger.unwritable', 'the last checkpoint could not be written')
  }

  #report(report: SealerReport): void {
    switch (report.kind) {
      case 'damaged':
        this.#break(new SluiceError('ledger.damaged', report.why))
        return
      case 'failed':
        if (this.#failing_ms >= 0) return
        this.#failing_ms = this.#options.monotonic_ms()
        this.#options.log.error('the ledger cannot be sealed', { cause: report.why })
        return
      case 'sealed':
      case 'ended':
        this.#failing_ms = -1
        this.#sealed = report.size
    }
  }

  #break(why: SluiceError): void {
    if (this.#broken) return
    this.#broken = why
    this.#options.log.error('the ledger cannot be sealed; operations are refused', { cause: why.detail })
  }
}
