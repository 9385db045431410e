import { createHash } from 'node:crypto'
import { canaries } from './canaries.ts'

/**
 * Looks for canaries in bytes a client got, or in a file (ATTACKS B, "independent oracle"): as they are, reversed, stripped of punctuation, in
 * hex, base64, URL and JSON escapes, UTF-16, hashed, and re-assembled from the cells of rows. Knows nothing of the gateway.
 */

/** A stretch of this many characters of a canary is a find: nobody writes them by accident. */
const STRETCH = 7
/** The same for a value of kilobytes: it has thousands of stretches, and one of seven letters does turn up among random ids. */
const LONG_STRETCH = 14
const LONG = 200

const reversed = (text: string) => [...text].reverse().join('')
const stripped = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, '')
const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest('hex')

/** The base64 characters that stand for `bytes` whatever stands before and after them, for each of three alignments. */
function base64(bytes: Buffer): string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replaceAll('=', '')
    const from = shift === 0 ? 0 : shift + 1
    return text.slice(from, text.length - (((shift + bytes.length) * 8) % 6 === 0 ? 0 : 1))
  })
}

function stretches(text: string, step = 1): string[] {
  const length = text.length > LONG ? LONG_STRETCH : STRETCH
  if (text.length <= length + 2) return [text]
  const found: string[] = []
  for (let at = 0; at + length <= text.length; at += step) found.push(text.slice(at, at + length))
  return found
}

interface Pattern {
  readonly name: string
  readonly form: string
  /** Bytes as latin1. */
  readonly text: string
}

/** Characters patterns are found by: no pattern is shorter. */
const KEY = 4

/** What is looked for, by its first characters: one walk over the bytes finds all. */
class Patterns {
  readonly #byStart = new Map<string, Pattern[]>()

  add(name: string, form: string, text: string): void {
    const start = text.slice(0, KEY)
    const known = this.#byStart.get(start)
    if (known) known.push({ name, form, text })
    else this.#byStart.set(start, [{ name, form, text }])
  }

  in(text: string): Set<string> {
    const found = new Set<string>()
    for (let at = 0; at + KEY <= text.length; at++) {
      for (const pattern of this.#byStart.get(text.slice(at, at + KEY)) ?? [])
        if (text.startsWith(pattern.text, at)) found.add(`${pattern.name}: ${pattern.form}`)
    }
    return found
  }
}

/** Spellings compared without regard to case, and those that are not. */
const folded = new Patterns()
const exact = new Patterns()
let known = 0

function learn(): void {
  for (const { name, value } of canaries().slice(known)) {
    const fold = (form: string, text: string) =>
      folded.add(name, form, Buffer.from(text.toLowerCase()).toString('latin1'))
    const keep = (form: string, bytes: Buffer) => exact.add(name, form, bytes.toString('latin1'))
    for (const text of stretches(stripped(value))) fold('as it is', text)
    // Of a value of kilobytes a sample does for the rarer forms.
    const short = value.slice(0, LONG)
    for (const text of stretches(reversed(stripped(short)))) fold('reversed', text)
    for (const text of stretches(short)) {
      const some = Buffer.from(text)
      fold('hex', some.toString('hex'))
      keep('UTF-16', Buffer.from(text, 'utf16le'))
      keep('UTF-16 big-endian', Buffer.from(text, 'utf16le').swap16())
      for (const one of base64(some)) exact.add(name, 'base64', one)
    }
    fold('URL', encodeURIComponent(short))
    fold('JSON', JSON.stringify(short).slice(1, -1))
    for (const algorithm of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512']) {
      fold(algorithm, hash(algorithm, value))
      keep(algorithm, createHash(algorithm).update(value).digest())
    }
    if (!/^\d{1,9}$/.test(value)) continue
    const integer = Buffer.alloc(4)
    integer.writeInt32BE(Number(value))
    keep('an integer', integer)
  }
  known = canaries().length
}

/** Everything of a canary in `bytes`: `customers.ssn.1: hex`. Empty when nothing leaked. */
export function leaks(bytes: Buffer): string[] {
  learn()
  const text = bytes.toString('latin1')
  return [...new Set([...folded.in(lower(text)), ...exact.in(text)])]
}

/** ASCII alone: what else lower case does to bytes is not wanted. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
}

/**
 * The same for what rows say when they are put together: cells in order by row and by column, with and without what is between letters, and
 * numbers as the characters they may stand for.
 */
export function leaksOfRows(rows: readonly (readonly (Buffer | null)[])[]): string[] {
  const pieces: Buffer[] = []
  const join = (cells: readonly (Buffer | null | undefined)[]) => {
    const present = cells.filter((cell) => cell !== null && cell !== undefined) as Buffer[]
    const joined = Buffer.concat(present)
    pieces.push(joined, Buffer.from(stripped(joined.toString())))
    const codes = present.map((cell) => Number(cell.toString('latin1')))
    if (codes.length > 0 && codes.every((code) => Number.isInteger(code) && code > 0 && code < 0x110000))
      pieces.push(Buffer.from(String.fromCodePoint(...codes)))
  }
  const width = Math.max(0, ...rows.map((row) => row.length))
  for (let column = 0; column < width; column++) join(rows.map((row) => row[column]))
  join(rows.flat())
  return leaks(Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.of(10)])))
}

/** The cells of every DataRow in what a client received, in order; COPY data is a row of one cell. */
export function rowsOf(bytes: Buffer): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readUInt32BE(at + 1)
    if (bytes[at] === 0x44 && end <= bytes.length) rows.push(cellsOf(bytes.subarray(at + 5, end)))
    if (bytes[at] === 0x64) rows.push([bytes.subarray(at + 5, end)])
    at = end
  }
  return rows
}

function cellsOf(body: Buffer): (Buffer | null)[] {
  const cells: (Buffer | null)[] = []
  for (let at = 2; cells.length < body.readInt16BE(); ) {
    const length = body.readInt32BE(at)
    at += 4
    cells.push(length < 0 ? null : body.subarray(at, at + length))
    at += Math.max(length, 0)
  }
  return cells
}
