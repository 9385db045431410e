/** Chance that is the same every time. */
export interface Chance {
  /** An integer from 0 up to, not including, `end`. */
  below(end: number): number
  /** One of these. */
  of<T>(all: readonly T[]): T
}

/** A stream of numbers out of a seed (mulberry32). */
export function chance(seed: number): Chance {
  let state = seed >>> 0
  const below = (end: number) => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * end)
  }
  return { below, of: (all) => all[below(all.length)]! }
}

/** Rounds of a fuzz test: its own number, or as many times that as SLUICE_FUZZ_ROUNDS says. */
export function rounds(own: number): number {
  return Math.ceil(own * Number(process.env.SLUICE_FUZZ_ROUNDS ?? 1))
}

/**
 * Runs `round` once per seed. A failure says which seed it was and how to run that one alone: SLUICE_FUZZ_SEED.
 */
export async function eachSeed(own: number, round: (seed: number) => Promise<void>): Promise<void> {
  const only = process.env.SLUICE_FUZZ_SEED
  const seeds = only === undefined ? Array.from({ length: rounds(own) }, (_, i) => i + 1) : [Number(only)]
  for (const seed of seeds) {
    try {
      await round(seed)
    } catch (failure) {
      throw new Error(`seed ${seed}; again with SLUICE_FUZZ_SEED=${seed}: ${(failure as Error).message}`, {
        cause: failure,
      })
    }
  }
}
