import { CommandFailure, EXIT } from './exit.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `30s`, `15m`, `8h`, `30d` as milliseconds. Throws a usage failure for anything else. */
export function durationOf(text: string): number {
  const [, digits, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  if (!digits || !unit)
    throw new CommandFailure(`"${text}" is not a duration.`, EXIT.usage, 'Write digits and one of ms, s, m, h, d: 30s.')
  return Number(digits) * UNITS[unit]!
}

/** `3 s`, `12 min`, `5 h`, `2 d`: a duration for a table, one unit. Negative counts as 0. */
export function briefly(duration_ms: number): string {
  const seconds = Math.max(0, Math.round(duration_ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** `2026-03-04 05:06:07Z`: an instant in full, in one time zone everywhere. */
export function instantOf(at_ms: number): string {
  return `${new Date(at_ms).toISOString().slice(0, 19).replace('T', ' ')}Z`
}
