import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import { Lru } from '../kit/lru.ts'
import { sourceOf } from './source.ts'

/** Failures a source may have before it waits, how fast they are forgotten, and how long it then waits. */
export interface AttemptBounds {
  readonly burst: number
  /** One failure is forgotten after this long. */
  readonly forget_ms: number
  /** The first wait; every further failure doubles it. */
  readonly wait_ms: number
  readonly wait_max_ms: number
  /** Sources remembered; beyond it the one used longest ago is forgotten. */
  readonly keys: number
}

/** What every credential check goes by unless it says otherwise. */
const BOUNDS: AttemptBounds = { burst: 10, forget_ms: 30_000, wait_ms: 1_000, wait_max_ms: 900_000, keys: 20_000 }

/** Where something is shown that may be wrong. What fails at one door counts at no other. */
export type Door =
  | 'api'
  | 'token'
  | 'device'
  | 'revoke'
  | 'introspect'
  | 'scim'
  | 'break-glass'
  | 'logout'
  | 'answer'
  | 'join'
  | 'tunnel'
  | 'begin'
  | 'user code'

/**
 * The one bound on what is shown to us and wrong, per door and source (docs/decisions/0010). Two rules:
 *
 * - What nobody can guess (a token, a signature, 128 random bits and more) is looked at first, and passes when it is right, whatever failed
 *   before. Only what was wrong is counted, with `failed`; beyond the bound it is answered with `api.limited` and put on record no more.
 * - What can be guessed (a code of a few letters), and what costs us without proving anything (a sign-in begun), asks `check` first: the
 *   source waits. Never by a name alone: that would let a stranger lock its owner out.
 */
export interface Attempts {
  /** Throws while the source waits at this door: `signin.codes` for codes, else `api.busy`. */
  check(door: Door, from: string): void
  /** Counts what was wrong, `weight` times. True while the source waits already: then nothing is counted, and nobody needs to hear of it. */
  failed(door: Door, from: string, weight?: number): boolean
  /** The source starts anew at this door. */
  passed(door: Door, from: string): void
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
  const keyOf = (door: Door, from: string) => `${door} ${sourceOf(from)}`
  const left = ({ failures, at_ms }: Entry, now_ms: number) =>
    Math.max(0, failures - (now_ms - at_ms) / bounds.forget_ms)
  const waits = (key: string) => (entries.get(key)?.until_ms ?? Number.NEGATIVE_INFINITY) > clock.monotonic_ms()
  return {
    check(door, from) {
      if (waits(keyOf(door, from))) throw new SluiceError(door === 'user code' ? 'signin.codes' : 'api.busy', door)
    },
    failed(door, from, weight = 1) {
      const key = keyOf(door, from)
      if (waits(key)) return true
      const now_ms = clock.monotonic_ms()
      const entry = entries.get(key)
      const failures = (entry ? left(entry, now_ms) : 0) + weight
      const beyond = Math.floor(failures - bounds.burst)
      const wait_ms = beyond < 0 ? 0 : Math.min(bounds.wait_max_ms, bounds.wait_ms * 2 ** Math.min(beyond, 30))
      entries.set(key, { failures, at_ms: now_ms, until_ms: now_ms + wait_ms })
      return false
    },
    passed(door, from) {
      entries.delete(keyOf(door, from))
    },
  }
}
