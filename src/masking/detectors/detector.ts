import type { ValueKind } from '../labels.ts'

/** Takes a found value's place in the text, `[start,end)`. */
export type Report = (start: number, end: number) => void

/**
 * Finds one class of values in text that was normalised to ASCII look-alikes. Works in time linear in the text: no
 * pattern repeats an unbounded group, every run is bounded.
 */
export interface Detector {
  readonly label: string
  readonly kind: ValueKind
  /** Signs of which a text with such a value has at least one: see prefilter.ts. */
  readonly needs: number
  find(text: string, report: Report): void
}

/** Calls `found` for every match of a global pattern. Restarts the pattern itself: matchAll would copy it for every text. */
export function eachMatch(regexp: RegExp, text: string, found: (match: RegExpExecArray) => void): void {
  regexp.lastIndex = 0
  for (let match = regexp.exec(text); match !== null; match = regexp.exec(text)) found(match)
}

/** True for `0` to `9`. */
export function isDigitCode(code: number): boolean {
  return code >= 48 && code <= 57
}

/** True for an ASCII letter. */
export function isLetterCode(code: number): boolean {
  const lower = code | 32
  return lower >= 97 && lower <= 122
}

/** True for an ASCII letter, digit or underscore. NaN, beyond an end of the text, is none. */
export function isWordCode(code: number): boolean {
  return isDigitCode(code) || isLetterCode(code) || code === 95
}
