import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import { Lru } from '../kit/lru.ts'

/** Failures a key may have before it waits, how fast they are forgotten, and how long it then waits. */
export interface AttemptBounds {
  readonly burst: number
  /** One failure is forgotten after this long. */
  readonly forget_ms: number
  /** The first wait; every further failure doubles it. */
  readonly wait_ms: number
  readonly wait_max_ms: number
  /** Keys remembered; beyond it the one used longest ago is forgotten. */
  readonly keys: number
}

/** What every credential check goes by unless it says otherwise. */
const BOUNDS: AttemptBounds = { burst: 10, forget_ms: 30_000, wait_ms: 1_000, wait_max_ms: 900_000, keys: 20_000 }

/**
 * A bound on wrong credentials, per key: `address:192.0.2.7`, `client:ci`, `code:203.0.113.1`. Guessing costs the guesser, and no key is
 * locked for ever: a stranger who fails in another's name delays them by `wait_max_ms` at most.
 */
export interface Attempts {
  /** Throws `api.limited` while one of the keys waits. Ask before the credential is looked at. */
  check(...keys: string[]): void
  failed(...keys: string[]): void
  /** The credential was right: its keys start anew. Not for keys that many share, such as an address. */
  passed(...keys: string[]): void
}

interface Entry {
  readonly failures: number
  readonly at_ms: number
  readonly until_ms: number
}

/** One limiter for every credential check of a gateway; it lives in memory and forgets by itself. */
export function createAttempts({
  clock,
  bounds = BOUNDS,
}: {
  readonly clock: Clock
  readonly bounds?: AttemptBounds
}): Attempts {
  const entries = new Lru<string, Entry>(bounds.keys)
  const left = ({ failures, at_ms }: Entry, now_ms: number) =>
    Math.max(0, failures - (now_ms - at_ms) / bounds.forget_ms)
  return {
    check(...keys) {
      const now_ms = clock.monotonic_ms()
      for (const key of keys) {
        const entry = entries.get(key)
        if (entry && entry.until_ms > now_ms) throw new SluiceError('api.limited', key)
      }
    },
    failed(...keys) {
      const now_ms = clock.monotonic_ms()
      for (const key of keys) {
        const entry = entries.get(key)
        const failures = (entry ? left(entry, now_ms) : 0) + 1
        const beyond = Math.floor(failures - bounds.burst)
        const wait_ms = beyond < 0 ? 0 : Math.min(bounds.wait_max_ms, bounds.wait_ms * 2 ** Math.min(beyond, 30))
        entries.set(key, { failures, at_ms: now_ms, until_ms: now_ms + wait_ms })
      }
    },
    passed(...keys) {
      for (const key of keys) entries.delete(key)
    },
  }
}
