const SMALL = 8_192
const LARGE = 65_536

/**
 * Buffers that sockets read into and give back once the bytes have left. Memory that comes and goes outside the heap makes the collector run:
 * that took a fifth of a bulk stream's time. A socket starts with a small one, so that a thousand idle ones cost little, and gets large ones
 * while its reads fill them.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = []
  readonly #keep: number

  /** `keep` large buffers stay for later use. */
  constructor(keep: number) {
    this.#keep = keep
  }

  /** For a socket whose last read had `bytes` bytes. */
  take(bytes: number): Buffer {
    if (bytes < SMALL) return Buffer.allocUnsafeSlow(SMALL)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(LARGE)
  }

  giveBack(buffer: Buffer): void {
    if (buffer.length === LARGE && this.#free.length < this.#keep) this.#free.push(buffer)
  }
}
