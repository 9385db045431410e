import { sequenceEnd } from './terminal-sequences.ts'

/** Text as detectors read it, and where each of its characters came from. */
export interface Normalised {
  readonly text: string
  /** Place in the original of the character at the given place here; one more entry than characters. Undefined: the same places. */
  readonly origin: Int32Array | undefined
}

const NON_ASCII = /[^\x00-\x7f]/
/** Backspace and escape. */
const TERMINAL = /[\x08\x1b]/
/** Drawn as nothing: format characters, variation selectors, the joiner, keycaps, Hangul fillers. */
const INVISIBLE = /\p{Cf}|\p{Variation_Selector}|\u034f|\u20e3|[\u115f\u1160\u3164\uffa0]/u
/** What NFKC leaves as it is and we fold all the same. */
const FOLDED_BEYOND =
  /(?![\x00-\x7f])[\p{Cf}\p{Pd}\p{Nd}\u2212\u2043\u115f\u1160\u3164]|\u034f|\u20e3|\p{Variation_Selector}/u
const DASH = /[\p{Pd}\u2212\u2043]/u

/**
 * Folds look-alikes: NFKC for each character (full-width digits, mathematical letters, no-break spaces), every dash to
 * a hyphen, decimal digits of any script to ASCII, and strips what is drawn as nothing (attack B38): escape sequences of terminals too.
 */
export function normalise(text: string): Normalised {
  const terminal = TERMINAL.test(text)
  if (!terminal && !NON_ASCII.test(text)) return { text, origin: undefined }
  if (!terminal && text.normalize('NFKC') === text && !FOLDED_BEYOND.test(text)) return { text, origin: undefined }
  let folded = ''
  const origins: number[] = []
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at)!
    if (code === 0x1b) {
      at = sequenceEnd(text, at)
      continue
    }
    if (code === 0x08 && folded !== '' && at + 1 < text.length) {
      // Struck over: the character behind it is what is seen, in the place of the one before it.
      folded = folded.slice(0, -1) + text[++at]
      at++
      continue
    }
    const size = code > 0xffff ? 2 : 1
    const character = code < 0x80 ? text[at]! : fold(text.slice(at, at + size))
    for (let i = 0; i < character.length; i++) origins.push(at)
    folded += character
    at += size
  }
  origins.push(text.length)
  if (folded === text) return { text, origin: undefined }
  return { text: folded, origin: Int32Array.from(origins) }
}

function fold(character: string): string {
  if (INVISIBLE.test(character)) return ''
  const compatible = character.normalize('NFKC')
  if (compatible.charCodeAt(0) < 0x80) return compatible
  if (DASH.test(compatible)) return '-'
  return /^\p{Nd}$/u.test(compatible) ? digitOf(compatible) : compatible
}

/** Decimal digits of a script stand in a row of ten: the value is the distance from its zero. */
function digitOf(character: string): string {
  const code = character.codePointAt(0)!
  let zero = code
  while (code - zero < 9 && /^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero--
  return String(code - zero)
}
