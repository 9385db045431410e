import { SluiceError } from '../kit/errors.ts'
import { sourceOf } from './source.ts'

/** How many checks run together, how many of one source may wait, and how many of all. */
export interface TurnstileBounds {
  readonly together: number
  readonly waiting_own: number
  readonly waiting: number
}

/** Runs a check when its turn comes. Throws `api.busy` when too many wait. */
export type Turnstile = <T>(from: string, work: () => Promise<T>) => Promise<T>

/**
 * For checks that cost us more than the request that brought them: a few at a time, sources taking turns, so that whoever sends many waits
 * behind their own. It asks nothing about failures: nobody is kept out by what somebody else did wrong.
 */
export function createTurnstile({ together, waiting_own, waiting }: TurnstileBounds): Turnstile {
  /** Those that wait, by source; the first source is the next to have a turn. */
  const lanes = new Map<string, (() => void)[]>()
  let running = 0
  let queued = 0

  function enter(from: string): Promise<void> {
    if (running < together) {
      running++
      return Promise.resolve()
    }
    const source = sourceOf(from)
    const lane = lanes.get(source) ?? []
    if (lane.length >= waiting_own || queued >= waiting)
      return Promise.reject(new SluiceError('api.busy', 'too many checks wait'))
    return new Promise((turn) => {
      queued++
      lane.push(turn)
      lanes.set(source, lane)
    })
  }

  function leave(): void {
    for (const [source, lane] of lanes) {
      const turn = lane.shift()!
      queued--
      lanes.delete(source)
      if (lane.length > 0) lanes.set(source, lane)
      // The place passes on: nobody who comes now is before those who wait.
      return turn()
    }
    running--
  }

  return async (from, work) => {
    await enter(from)
    try {
      return await work()
    } finally {
      leave()
    }
  }
}
