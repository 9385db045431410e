import { RE2JS } from 're2js'
import { Lru } from '../../kit/lru.ts'

/** Longest text a pattern is tried on, in UTF-16 units: linear, but not free. */
const TEXT_LIMIT = 65_536
const PATTERN_LIMIT = 1_000

/**
 * What all patterns of one decision may cost together, in characters looked at: some tenths of a second. A rule may try its pattern on each of
 * a thousand names an operation touches, and there may be thousands of rules.
 */
export const WORK_LIMIT = 8_000_000
/** What a pattern costs beside its text, in characters. */
const WORK_EACH = 200

/** Left for the decision at hand; outside of decisions there is no end. Decisions are synchronous. */
let work = Number.POSITIVE_INFINITY

/** From here to {@link endPatternWork} patterns share one budget. */
export function beginPatternWork(): void {
  work = WORK_LIMIT
}
/** Then the decision is over: `exists` swallows the error of one name and goes on to the next. */
export function patternWorkIsSpent(): boolean {
  return work < 0
}
export function endPatternWork(): void {
  work = Number.POSITIVE_INFINITY
}

const compiled = new Lru<string, RE2JS>(1_000)

/** Compiles a user's pattern for linear time (ATTACKS F32). Throws when it is not RE2 syntax or too long. */
export function compilePattern(pattern: string): RE2JS {
  let known = compiled.get(pattern)
  if (known === undefined) {
    if (pattern.length > PATTERN_LIMIT) throw new RangeError(`a pattern has at most ${PATTERN_LIMIT} characters`)
    known = RE2JS.compile(pattern)
    compiled.set(pattern, known)
  }
  return known
}

/** CEL's `matches`: true when the pattern is found anywhere. Throws on a text above the bound, or beyond the decision's budget: then the rule errs, and refuses. */
export function matchesLinear(text: string, pattern: string): boolean {
  if (text.length > TEXT_LIMIT) throw new RangeError(`matches() reads at most ${TEXT_LIMIT} characters`)
  work -= text.length + WORK_EACH
  if (work < 0) throw new RangeError('the patterns of all rules have too much to look at in this operation')
  return compilePattern(pattern).matcher(text).find()
}
