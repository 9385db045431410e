const FACTOR: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration as written in documents: digits and one of ms, s, m, h, d. */
export const DURATION = /^([0-9]{1,9})(ms|s|m|h|d)$/

/** `45s` as milliseconds. The text must match {@link DURATION}; a RangeError otherwise. */
export function duration_ms(text: string): number {
  const match = DURATION.exec(text)
  if (match === null) throw new RangeError(`"${text}" is not a duration`)
  return Number(match[1]) * FACTOR[match[2]!]!
}
