import type { DirectMask } from './cell.ts'
import type { ValueKind } from './labels.ts'
import { REDACTED } from './type-table.ts'

/** What a partial mask shows, by kind; containsMaskOutput recognises each. Anything that does not look like its kind is redacted whole. */

const REDACTED_BYTES = Buffer.from(REDACTED)
const EMAIL_MIDDLE = Buffer.from('***@***')
const CARD_START = Buffer.from('************')
const SSN_START = Buffer.from('***-**-')
const PHONE_START = Buffer.from('***-***-')
const IBAN_MIDDLE = Buffer.from('**************')
const OTHER_END = Buffer.from('*****')
const IP_END = Buffer.from('.*.*')

const AT = 0x40
const DOT = 0x2e

/** The direct writer of a partial mask over text. */
export function partialText(kind: ValueKind): DirectMask {
  return { bound: () => BOUND, write: WRITERS[kind] }
}

/** The longest a partial mask gets: a top-level domain or an address prefix is cut off before that. */
const BOUND = 40

type Writer = DirectMask['write']

function put(text: Buffer, out: Buffer, at: number): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text[i]!
  return text.length
}

const writeRedacted: Writer = (_bytes, _start, _end, out, at) => put(REDACTED_BYTES, out, at)

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** `a***@***.com`: the first character and the top-level domain. */
const writeEmail: Writer = (bytes, start, end, out, at) => {
  let mark = start
  while (mark < end && bytes[mark] !== AT) mark++
  if (mark === end || mark === start) return put(REDACTED_BYTES, out, at)
  let to = at
  // A one-letter local part would be shown whole.
  if (mark - start > 1 && (isLetter(bytes[start]!) || isDigit(bytes[start]!))) out[to++] = bytes[start]!
  to += put(EMAIL_MIDDLE, out, to)
  let dot = end - 1
  while (dot > mark && isLetter(bytes[dot]!)) dot--
  if (bytes[dot] === DOT && end - dot > 2 && end - dot <= 12) {
    for (let i = dot; i < end; i++) out[to++] = bytes[i]!
  }
  return to - at
}

/** Writes `head`, then the last `shown` digits of a value that has `least` to `most` digits. */
function writeLastDigits(head: Buffer, shown: number, least: number, most: number): Writer {
  return (bytes, start, end, out, at) => {
    let digits = 0
    for (let i = start; i < end; i++) if (isDigit(bytes[i]!)) digits++
    if (digits < least || digits > most) return put(REDACTED_BYTES, out, at)
    let left = shown
    let to = at + head.length + shown
    for (let i = end - 1; left > 0; i--) {
      if (!isDigit(bytes[i]!)) continue
      out[--to] = bytes[i]!
      left--
    }
    put(head, out, at)
    return head.length + shown
  }
}

/** `DE**************3000`: country and the last four. */
const writeIban: Writer = (bytes, start, end, out, at) => {
  if (end - start < 15 || end - start > 42 || !isLetter(bytes[start]!) || !isLetter(bytes[start + 1]!)) {
    return put(REDACTED_BYTES, out, at)
  }
  out[at] = bytes[start]!
  out[at + 1] = bytes[start + 1]!
  const to = at + 2 + put(IBAN_MIDDLE, out, at + 2)
  let left = 4
  for (let i = end - 1; left > 0 && i > start + 1; i--) {
    const byte = bytes[i]!
    if (!isDigit(byte) && !isLetter(byte)) continue
    out[to + --left] = byte
  }
  return left === 0 ? to + 4 - at : put(REDACTED_BYTES, out, at)
}

/** `203.0.*.*`: the first half of an IPv4 address; IPv6 is redacted. */
const writeIp: Writer = (bytes, start, end, out, at) => {
  let dots = 0
  let to = at
  for (let i = start; i < end && i < start + 8; i++) {
    const byte = bytes[i]!
    if (byte === DOT && ++dots === 2) return to + put(IP_END, out, to) - at
    if (byte !== DOT && !isDigit(byte)) break
    out[to++] = byte
  }
  return put(REDACTED_BYTES, out, at)
}

/** `J*****`: the first character, when there are at least four bytes to hide among. */
const writeOther: Writer = (bytes, start, end, out, at) => {
  for (let i = start; i < end; i++) if (bytes[i] === AT) return writeEmail(bytes, start, end, out, at)
  const first = bytes[start]!
  if (end - start < 4 || !(isLetter(first) || isDigit(first))) return put(REDACTED_BYTES, out, at)
  out[at] = first
  return 1 + put(OTHER_END, out, at + 1)
}

const WRITERS: Readonly<Record<ValueKind, Writer>> = {
  email: writeEmail,
  card: writeLastDigits(CARD_START, 4, 12, 19),
  ssn: writeLastDigits(SSN_START, 4, 9, 9),
  phone: writeLastDigits(PHONE_START, 2, 7, 15),
  iban: writeIban,
  ip: writeIp,
  secret: writeRedacted,
  other: writeOther,
}
