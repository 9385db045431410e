import type { Wire } from '../contract.ts'

/** What goes to the target. Messages of the client that stand side by side and go on as they are leave as one piece. */
export class Outbound {
  readonly #wire: Wire
  /** Replies may wait in the server's buffer: it was not told to send them. */
  unflushed = false
  /** The piece that has not left yet. */
  #held: Buffer | undefined
  #from = 0
  #to = 0

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** Sends a message of the client as it is; the server may keep its reply to itself until a Sync or Flush. */
  forward(bytes: Buffer, start: number, end: number): void {
    this.unflushed = true
    if (this.#held === bytes && this.#to === start) {
      this.#to = end
      return
    }
    this.release()
    this.#held = bytes
    this.#from = start
    this.#to = end
  }

  /** The same for a message after which the server sends all it has. */
  forwardAtOnce(bytes: Buffer, start: number, end: number): void {
    this.forward(bytes, start, end)
    this.unflushed = false
  }

  /** Sends a message of our own; the server may keep its reply to itself until a Sync or Flush. */
  send(message: Buffer): void {
    this.release()
    this.unflushed = true
    this.#wire.toTarget(message)
  }

  /** The same for a message after which the server sends all it has. */
  sendAtOnce(message: Buffer): void {
    this.send(message)
    this.unflushed = false
  }

  /** Sends a stretch of COPY data. */
  pass(bytes: Buffer): void {
    this.release()
    this.#wire.toTarget(bytes)
  }

  /** What is held leaves. Due whenever the client's bytes in hand are worked off, or wait. */
  release(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    const whole = this.#from === 0 && this.#to === held.length
    this.#wire.toTarget(whole ? held : held.subarray(this.#from, this.#to))
  }
}
