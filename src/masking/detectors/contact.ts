import { SIGNS } from '../prefilter.ts'
import { type Detector, eachMatch, isDigitCode, isLetterCode, isWordCode, type Report } from './detector.ts'

/** RFC 5321's bounds. */
const LOCAL_LIMIT = 64
const DOMAIN_LIMIT = 255

const DOT = 46
const HYPHEN = 45
const PLUS = 43

/** E-mail addresses, grown outwards from each `@`. */
export const emailDetector: Detector = {
  label: 'pii.email',
  kind: 'email',
  needs: SIGNS.at,
  find(text, report) {
    for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
      const start = localStart(text, at)
      const end = domainEnd(text, at + 1)
      if (start < at && end > at) report(start, end)
    }
  },
}

function isLocal(code: number): boolean {
  // . _ % + - ' and every letter outside ASCII
  return (
    isWordCode(code) || code === DOT || code === PLUS || code === HYPHEN || code === 37 || code === 39 || code > 160
  )
}

function localStart(text: string, at: number): number {
  let start = at
  while (start > 0 && at - start < LOCAL_LIMIT && isLocal(text.charCodeAt(start - 1))) start--
  // An address does not begin with punctuation: a quote before it belongs to the text around it.
  while (start < at && !isWordCode(text.charCodeAt(start)) && text.charCodeAt(start) <= 160) start++
  return start
}

/** The end of a domain with at least one dot and a last part of two letters or more, or -1. */
function domainEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + DOMAIN_LIMIT)
  let end = from
  while (end < limit && isDomain(text.charCodeAt(end))) end++
  while (end > from && (text.charCodeAt(end - 1) === DOT || text.charCodeAt(end - 1) === HYPHEN)) end--
  let part = end
  while (part > from && isTopLevel(text.charCodeAt(part - 1))) part--
  if (part === from || text.charCodeAt(part - 1) !== DOT) {
    // Punycode is the one top-level domain with digits: xn--p1ai.
    while (part > from && text.charCodeAt(part - 1) !== DOT) part--
    if (part === from || !/^xn--/i.test(text.slice(part, part + 4))) return -1
  }
  return part - 1 > from && end - part >= 2 ? end : -1
}

function isDomain(code: number): boolean {
  return isDigitCode(code) || isLetterCode(code) || code === DOT || code === HYPHEN || code > 160
}

function isTopLevel(code: number): boolean {
  return isLetterCode(code) || code > 160
}

/** (415) 555-2671, 415-555-2671, 415.555.2671, each with an optional 1 before it. Spaces alone are too common between numbers. */
const NORTH_AMERICAN =
  /(?<![\w.+*/-])(?:1[ .-])?(?:\([2-9]\d{2}\) ?[2-9]\d{2}-|[2-9]\d{2}([.-])[2-9]\d{2}\1)\d{4}(?![\w-]|\.\d)/g

/** Phone numbers: international with `+`, or North American with its usual separators. */
export const phoneDetector: Detector = {
  label: 'pii.phone',
  kind: 'phone',
  needs: SIGNS.digits,
  find(text, report) {
    eachMatch(NORTH_AMERICAN, text, (match) => report(match.index, match.index + match[0].length))
    for (let at = text.indexOf('+'); at >= 0; at = text.indexOf('+', at + 1)) international(text, at, report)
  },
}

/** E.164 allows 15 digits; below these counts a signed number is likelier than a phone. */
const MOST_DIGITS = 15
const LEAST_GROUPED = 8
const LEAST_PLAIN = 10
const MOST_GROUPS = 7

/** Country codes in use (ITU-T E.164): +2147483647 is a number, not a phone in a country that is none. */
const COUNTRY =
  /^(?:1|7|20|27|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[12368]|2[2346]\d|25[0-8]|29[01789]|3[57]\d|38[0125-79]|42[013]|5[09]\d|67[02-9]|68[0-35-9]|69[0-2]|80[08]|85[02356]|87[08]|88[0-368]|96[0-8]|97[0-79]|99[2-68])/

function international(text: string, plus: number, report: Report): void {
  const before = text.charCodeAt(plus - 1)
  if (isWordCode(before) || before === PLUS || before === DOT) return
  if (!COUNTRY.test(text.slice(plus + 1, plus + 4))) return
  let digits = 0
  let groups = 1
  let dots = 0
  let group = 0
  let longest = 0
  let end = plus + 1
  for (let at = plus + 1; at < text.length && digits <= MOST_DIGITS; at++) {
    const code = text.charCodeAt(at)
    if (isDigitCode(code)) {
      digits++
      longest = Math.max(longest, ++group)
      end = at + 1
    } else if (isPhoneSeparator(code)) {
      // Between groups stands one separator, or a parenthesis and a space.
      if (at - end > 1) break
      if (group > 0) groups++
      if (code === DOT) dots++
      group = 0
    } else break
  }
  const next = text.charCodeAt(end)
  // A letter, a colon (a time of day) or a comma and a digit (thousands) goes on: it was a number of another kind.
  if (isWordCode(next) || ((next === 58 || next === 44) && isDigitCode(text.charCodeAt(end + 1)))) return
  if (group === 0) groups--
  const least = groups > 1 ? LEAST_GROUPED : LEAST_PLAIN
  if (digits < least || digits > MOST_DIGITS || groups > MOST_GROUPS) return
  // +1 2 3 4 … is a row of numbers; +1234.5678 a decimal.
  if (longest < 2 || dots === 1) return
  report(plus, end)
}

function isPhoneSeparator(code: number): boolean {
  return code === 32 || code === HYPHEN || code === DOT || code === 40 || code === 41 || code === 47
}
