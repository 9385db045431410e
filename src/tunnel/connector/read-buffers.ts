const LARGE = 65_536

/**
 * Large buffers that sockets read into and give back once the bytes have left. Memory that comes and goes outside the heap makes the collector
 * run: that took a fifth of a bulk stream's time.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = []
  readonly #keep: number

  /** `keep` of them stay for later use. */
  constructor(keep: number) {
    this.#keep = keep
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGE)
  }

  giveBack(buffer: Buffer): void {
    if (this.#free.length < this.#keep) this.#free.push(buffer)
  }
}
