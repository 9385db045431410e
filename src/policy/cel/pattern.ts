import { RE2JS } from 're2js'
import { Lru } from '../../kit/lru.ts'

/** Longest text a pattern is tried on, in UTF-16 units: linear, but not free. */
const TEXT_LIMIT = 65_536
const PATTERN_LIMIT = 1_000

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

/** CEL's `matches`: true when the pattern is found anywhere. Throws on a text above the bound: then the rule errs, and refuses. */
export function matchesLinear(text: string, pattern: string): boolean {
  if (text.length > TEXT_LIMIT) throw new RangeError(`matches() reads at most ${TEXT_LIMIT} characters`)
  return compilePattern(pattern).matcher(text).find()
}
