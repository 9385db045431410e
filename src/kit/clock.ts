/** Time, as a dependency: pure code takes it as an argument, services take a Clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now_ms(): number
  /** Milliseconds from an arbitrary start, never going back. */
  monotonic_ms(): number
}

export const systemClock: Clock = { now_ms: () => Date.now(), monotonic_ms: () => performance.now() }
