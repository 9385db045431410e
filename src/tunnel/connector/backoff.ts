import { LIMITS } from '../limits.ts'

/**
 * How long to wait before the gateway is dialled again: a random part of a span that doubles. All of it is chance, so that a thousand
 * connectors that lost one gateway in the same moment come back spread out.
 */
export class Backoff {
  readonly #random: () => number
  #failures = 0

  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Milliseconds to wait now, after one more failure. `held_ms` is how long the last tunnel held: one that worked is no failure. */
  next(held_ms: number): number {
    if (held_ms >= LIMITS.settled_ms) this.#failures = 0
    const span = Math.min(LIMITS.backoffMost_ms, LIMITS.backoffFirst_ms * 2 ** Math.min(this.#failures, 20))
    this.#failures++
    return this.#random() * span
  }
}
