import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Stretch } from './batch.ts'
import type { Disk } from './disk.ts'
import { UNSYNCED_bytes, UNSYNCED_ms } from './limits.ts'
import type { Segment } from './segment.ts'

export interface GroupSyncOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly fsync_ms: number
  /** Everything up to here is on disk. */
  readonly onDurable: (mark: DurableMark) => void
  /** What stands in this memory is on disk. */
  readonly onReleased: (bytes: Buffer) => void
  /** The disk reported a failed sync: what is not durable must be written elsewhere. */
  readonly onFailed: (cause: Error) => void
  /** Syncing takes too long, or no longer does. */
  readonly onStalled: () => void
  /** Makes the names of new segments durable. */
  readonly syncNames: () => void
}

export interface DurableMark {
  /** Entries on disk. */
  readonly size: number
  readonly segment: Segment
  readonly offset: number
}

interface Waiter {
  readonly size: number
  readonly resolve: () => void
  readonly reject: (why: SluiceError) => void
}

/**
 * Group commit: one fdatasync at a time, off the loop, at most `fsync_ms` after the first commit it covers. Keeps the bytes of what is not
 * yet on disk: after a failed sync the kernel may have dropped those pages and call them clean, so they are never trusted again.
 */
export class GroupSync {
  readonly #options: GroupSyncOptions
  #durable: DurableMark
  #committed: DurableMark
  /** Committed since the running sync began; covered by the running one. */
  #waiting = new Stretches()
  #flying = new Stretches()
  /** monotonic_ms of the first commit not covered yet, and of the running sync's start; -1 for none. */
  #dirtySince = -1
  #flyingSince = -1
  #retired: Segment[] = []
  #newNames = true
  #waiters: Waiter[] = []
  #timer: NodeJS.Timeout | undefined
  #watchdog: NodeJS.Timeout | undefined
  /** A sync failed and nothing was rescued since: no later sync of these files may count as success. */
  #broken: Error | undefined

  constructor(options: GroupSyncOptions, mark: DurableMark) {
    this.#options = options
    this.#durable = mark
    this.#committed = mark
  }

  get durableMark(): DurableMark {
    return this.#durable
  }

  /** True when more is waiting, or for longer, than may be. */
  get stalled(): boolean {
    if (this.#waiting.length + this.#flying.length > UNSYNCED_bytes) return true
    return this.#flyingSince >= 0 && this.#options.clock.monotonic_ms() - this.#flyingSince > UNSYNCED_ms
  }

  committed(mark: DurableMark, stretch: Stretch): void {
    this.#committed = mark
    this.#waiting.add(stretch)
    if (this.#dirtySince < 0) {
      this.#dirtySince = this.#options.clock.monotonic_ms()
      if (this.#flyingSince < 0) this.#arm(this.#options.fsync_ms)
    }
  }

  /** Segments that got their last entry and are not on disk yet. */
  get retired(): readonly Segment[] {
    return this.#retired
  }

  /** The segment before got its last entry; it is closed once it is on disk. */
  retire(segment: Segment): void {
    this.#retired.push(segment)
    this.#newNames = true
  }

  durable(): Promise<void> {
    const { size } = this.#committed
    if (this.#durable.size >= size) return Promise.resolve()
    if (this.#broken) return Promise.reject(unwritable(this.#broken))
    return new Promise((resolve, reject) => {
      this.#waiters.push({ size, resolve, reject })
      if (this.#flyingSince < 0) this.#start()
    })
  }

  /** The bytes of every entry not on disk yet, oldest first. */
  unsynced(): Buffer {
    return Buffer.concat([...this.#flying.views(), ...this.#waiting.views()])
  }

  /** A rescue put everything on disk elsewhere. */
  rescued(mark: DurableMark): void {
    this.#broken = undefined
    this.#durable = mark
    this.#committed = mark
    this.#waiting = new Stretches()
    this.#flying = new Stretches()
    this.#dirtySince = -1
    this.#flyingSince = -1
    for (const segment of this.#retired.splice(0)) segment.close()
    this.#options.onDurable(mark)
  }

  stop(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#watchdog)
  }

  #arm(delay_ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#start(), delay_ms)
    this.#timer.unref()
  }

  #start(): void {
    clearTimeout(this.#timer)
    if (this.#flyingSince >= 0 || this.#dirtySince < 0 || this.#broken) return
    const { clock, disk } = this.#options
    this.#flyingSince = clock.monotonic_ms()
    this.#dirtySince = -1
    this.#flying = this.#waiting
    this.#waiting = new Stretches()
    const mark = this.#committed
    const retired = this.#retired
    this.#retired = []
    const files = [...retired.map((segment) => segment.fd), mark.segment.fd]
    this.#watchdog = setTimeout(() => this.#late(), UNSYNCED_ms)
    this.#watchdog.unref()
    const next = (error: Error | null): void => {
      if (error) {
        this.#failed(error, retired)
        return
      }
      const fd = files.shift()
      if (fd === undefined) this.#done(mark, retired)
      else disk.fdatasync(fd, next)
    }
    next(this.#syncNames())
  }

  #syncNames(): Error | null {
    if (!this.#newNames) return null
    try {
      this.#options.syncNames()
      this.#newNames = false
      return null
    } catch (cause) {
      return cause as Error
    }
  }

  #done(mark: DurableMark, retired: Segment[]): void {
    clearTimeout(this.#watchdog)
    for (const segment of retired) segment.close()
    this.#durable = mark
    this.#release()
    const wasLate = this.stalled
    this.#flyingSince = -1
    const waiters = this.#waiters
    this.#waiters = waiters.filter((waiter) => waiter.size > mark.size)
    for (const waiter of waiters) if (waiter.size <= mark.size) waiter.resolve()
    this.#options.onDurable(mark)
    if (wasLate) this.#options.onStalled()
    if (this.#dirtySince < 0) return
    if (this.#waiters.length > 0) {
      this.#start()
      return
    }
    const age = this.#options.clock.monotonic_ms() - this.#dirtySince
    this.#arm(Math.max(0, this.#options.fsync_ms - age))
  }

  #release(): void {
    const { memory } = this.#flying
    this.#flying = new Stretches()
    for (const bytes of memory) if (!this.#waiting.memory.includes(bytes)) this.#options.onReleased(bytes)
  }

  #failed(cause: Error, retired: Segment[]): void {
    clearTimeout(this.#watchdog)
    this.#retired = [...retired, ...this.#retired]
    this.#flyingSince = -1
    this.#broken = cause
    this.#reject(cause)
    this.#options.onFailed(cause)
  }

  #late(): void {
    this.#reject(new Error(`a sync takes longer than ${UNSYNCED_ms} ms`))
    this.#options.onStalled()
  }

  #reject(cause: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(unwritable(cause))
  }
}

/** Stretches in their order; one that begins where the last one ends prolongs it. */
class Stretches {
  #all: Stretch[] = []
  #last: Stretch | undefined
  length = 0

  add(stretch: Stretch): void {
    const { bytes, from, to } = stretch
    this.length += to - from
    if (this.#last?.bytes === bytes && this.#last.to === from) this.#last = { bytes, from: this.#last.from, to }
    else {
      if (this.#last) this.#all.push(this.#last)
      this.#last = stretch
    }
  }

  views(): Buffer[] {
    return this.#list().map(({ bytes, from, to }) => bytes.subarray(from, to))
  }

  get memory(): readonly Buffer[] {
    return this.#list().map(({ bytes }) => bytes)
  }

  #list(): Stretch[] {
    return this.#last ? [...this.#all, this.#last] : []
  }
}

function unwritable(cause: Error): SluiceError {
  return new SluiceError('ledger.unwritable', cause.message, { cause })
}
