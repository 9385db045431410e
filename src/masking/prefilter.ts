/**
 * Counters side by side in one integer, so that two bytes cost two look-ups, an AND, an ADD and one branch that is not
 * taken. Each counts up until its top bit is set; that is a reason to look.
 */
interface Counter {
  readonly bits: number
  readonly one: number
  readonly full: number
}

function counter(shift: number, width: number, step: number): Counter {
  return { bits: ((1 << width) - 1) << shift, one: step << shift, full: 1 << (shift + width - 1) }
}

/** Letters, digits, _ and - in a row: 16. The shortest secret has as many between its separators. */
const RUN = counter(0, 5, 1)
/** Digits with separators between them: 8, as a phone has. */
const DIGITS = counter(5, 4, 1)
/** Dots between digits: 3 (in steps of 3 of 8), as in 1.2.3.4. */
const DOTS = counter(9, 4, 3)
/** Colons between hexadecimal digits: 3, as in 2001:db8::1. */
const COLONS = counter(13, 4, 3)
/** Reason enough alone. */
const AT = counter(17, 1, 1)
/** Starts a character that may fold into ASCII (normalise.ts). */
const FOLDS = counter(18, 1, 1)

/** What a text has that some detector needs: a bit set. */
export const SIGNS = {
  run: RUN.full,
  digits: DIGITS.full,
  dots: DOTS.full,
  colons: COLONS.full,
  at: AT.full,
  folds: FOLDS.full,
} as const
const ANY = RUN.full | DIGITS.full | DOTS.full | COLONS.full | AT.full | FOLDS.full

/** Those that are one bit. */
const FLAGS = AT.full | FOLDS.full

/** By byte: what is kept of the counters, and what is added. A byte that is not marked ends every run. */
const KEEP = new Int32Array(256)
const ADD = new Int32Array(256)

function mark(characters: string, keeps: readonly Counter[], counts: readonly Counter[]): void {
  for (const character of characters) {
    const byte = character.charCodeAt(0)
    for (const { bits } of keeps) KEEP[byte]! |= bits
    for (const { one } of counts) ADD[byte]! += one
  }
}

mark('ABCDEFabcdef', [RUN, COLONS], [RUN])
mark('GHIJKLMNOPQRSTUVWXYZghijklmnopqrstuvwxyz', [RUN], [RUN])
mark('0123456789', [RUN, DIGITS, DOTS, COLONS], [RUN, DIGITS])
mark('_', [RUN], [RUN])
mark('-', [RUN, DIGITS, DOTS], [RUN])
mark(' ()+/', [DIGITS, DOTS], [])
mark('.', [DIGITS, DOTS], [DOTS])
mark(':', [COLONS], [COLONS])
mark('@', [], [AT])
// U+00A0, U+00AD and the superscripts; Arabic, Syriac and
// Indic digits and format characters; everything of three and four bytes.
for (const lead of [0xc2, 0xcd, 0xd8, 0xd9, 0xdb, 0xdc, 0xdf]) ADD[lead] = FOLDS.one
ADD.fill(FOLDS.one, 0xe0, 0xf8)
// Backspace and escape: what a terminal does not draw.
ADD[0x08] = ADD[0x1b] = FOLDS.one

/**
 * By two bytes, the first one in the low half: what both keep, and what both add. A sign found by the first byte stays for the look behind the
 * second; signs of one bit are joined, not added, or two of them would carry into the next counter.
 */
const KEEP_PAIR = new Int32Array(65_536)
const ADD_PAIR = new Int32Array(65_536)
for (let pair = 0; pair < 65_536; pair++) {
  const first = ADD[pair & 255]!
  const second = ADD[pair >> 8]!
  const kept = KEEP[pair >> 8]! | ANY
  KEEP_PAIR[pair] = (KEEP[pair & 255]! | ANY) & kept
  ADD_PAIR[pair] = ((first & ~FLAGS & kept) + (second & ~FLAGS)) | ((first | second) & FLAGS)
}

/**
 * False when no detector can match in `bytes[start,end)`: one pass, under a nanosecond per byte, no string. True means
 * that it is worth a look.
 */
export function mightMatch(bytes: Uint8Array, start: number, end: number): boolean {
  let counters = 0
  let i = start
  for (const last = end - 1; i < last; i += 2) {
    const pair = bytes[i]! | (bytes[i + 1]! << 8)
    counters = (counters & KEEP_PAIR[pair]!) + ADD_PAIR[pair]!
    if ((counters & ANY) !== 0) return true
  }
  if (i < end) counters = (counters & KEEP[bytes[i]!]!) + ADD[bytes[i]!]!
  return (counters & ANY) !== 0
}

/** Every sign of `bytes[start,end)`: which detectors are worth asking. */
export function signsOf(bytes: Uint8Array, start: number, end: number): number {
  let signs = 0
  let counters = 0
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    counters = (counters & KEEP[byte]!) + ADD[byte]!
    const full = counters & ANY
    if (full === 0) continue
    signs |= full
    counters &= ~full
  }
  return signs
}
