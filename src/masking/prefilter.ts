/** Classes of bytes, one bit each: what a byte may be part of. */
const DIGIT = 1
const LETTER = 2
/** Between the digits of a phone, card or account: space - . ( ) + / */
const SEPARATOR = 4
/** Inside a token beside letters and digits: _ - */
const TOKEN = 8
const DOT = 16
const COLON = 32
/** Alone reason enough to look: `@`. */
const ALERT = 64
/** Starts a character that may fold into ASCII (normalise.ts). */
const FOLDS = 128

const CLASS = new Uint8Array(256)

function mark(characters: string, bits: number): void {
  for (const character of characters) CLASS[character.charCodeAt(0)]! |= bits
}

mark('0123456789', DIGIT)
mark('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', LETTER)
mark(' -.()+/', SEPARATOR)
mark('_-', TOKEN)
mark('.', DOT)
mark(':', COLON)
mark('@', ALERT)
// U+00A0, U+00AD and the superscripts; Arabic, Syriac and Indic digits and format characters; and all of three and four bytes.
for (const lead of [0xc2, 0xcd, 0xd8, 0xd9, 0xdb, 0xdc, 0xdf]) CLASS[lead]! |= FOLDS
for (let lead = 0xe0; lead < 0xf8; lead++) CLASS[lead]! |= FOLDS

/** The shortest run of token characters any secret has between its separators. */
const TOKEN_RUN = 15
/** Fewest digits a phone has. */
const DIGITS = 8
/** 1.2.3.4 */
const DOTS = 3
/** 2001:db8::1 */
const COLONS = 3

/**
 * False when no detector can match in `bytes[start,end)`: one pass, about a nanosecond per byte, no string. True means
 * that it is worth a look.
 */
export function mightMatch(bytes: Uint8Array, start: number, end: number): boolean {
  let digits = 0
  let dots = 0
  let run = 0
  let colons = 0
  for (let i = start; i < end; i++) {
    const c = CLASS[bytes[i]!]!
    if (c & (DIGIT | LETTER | TOKEN)) {
      if (++run >= TOKEN_RUN) return true
      if (c & DIGIT) {
        if (++digits >= DIGITS) return true
        continue
      }
    } else run = 0
    if (c & SEPARATOR) {
      if (c & DOT && ++dots >= DOTS) return true
      colons = 0
      continue
    }
    digits = 0
    dots = 0
    if (c & LETTER) continue
    if (c & COLON) {
      if (++colons >= COLONS) return true
      continue
    }
    if (c & (ALERT | FOLDS)) return true
    colons = 0
  }
  return false
}
