import { LIMITS } from './limits.ts'

/**
 * How much may be on its way to this end at once, for all streams of a tunnel together: enough to keep the link busy, and little more. What lies
 * in the link's queues is what a small answer waits behind when a bulk copy fills the tunnel, so the window follows what the link delivers in
 * one round trip. A stream's own window only bounds what its slow reader may leave lying.
 */
export class Window {
  readonly #set: (bytes: number) => void
  #size = 0
  #bytes = 0
  #at_ms = 0
  /** Best round trips of this and of the last span: what a queue adds is not distance. */
  #rtts: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  #span_ms = 0

  /** `set` tells the other end how much it may send. */
  constructor(set: (bytes: number) => void) {
    this.#set = set
    this.#resize(LIMITS.windowLeast)
  }

  get size(): number {
    return this.#size
  }

  /** A ping came back. */
  roundTrip(rtt_ms: number, now_ms: number): void {
    if (now_ms - this.#span_ms > LIMITS.windowSpan_ms) {
      this.#span_ms = now_ms
      this.#rtts = [Number.POSITIVE_INFINITY, this.#rtts[0]]
    }
    this.#rtts[0] = Math.min(this.#rtts[0], rtt_ms)
  }

  /** Looks how much has come since the last look: `bytes` in all. */
  look(bytes: number, now_ms: number): void {
    const came = bytes - this.#bytes
    const took_ms = now_ms - this.#at_ms
    const rtt_ms = Math.min(...this.#rtts)
    // What comes in less than a round trip may be the window's doing.
    if (took_ms <= 0 || took_ms < rtt_ms) return
    this.#bytes = bytes
    this.#at_ms = now_ms
    // A stream that has just begun says nothing of the link.
    if (came < LIMITS.windowLeast / 2) return
    // Both ends take their time over what has come: without it a short way would be a stop after every piece.
    const perTrip = (came / took_ms) * (rtt_ms + LIMITS.windowSlack_ms)
    // Half as much again: a window that was too small shows in a rate that grows with it.
    const wanted = Math.min(LIMITS.windowMost, LIMITS.windowLeast + perTrip * 1.5)
    if (wanted > this.#size * 1.1 || wanted < this.#size * 0.7) this.#resize(wanted)
  }

  #resize(bytes: number): void {
    this.#size = Math.round(bytes)
    this.#set(this.#size)
  }
}
