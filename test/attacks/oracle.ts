import { createHash } from 'node:crypto'
import { canaries } from './canaries.ts'

/**
 * Looks for canaries in bytes a client got, or in a file (ATTACKS B, "independent oracle"): as they are, reversed, stripped of punctuation, in
 * hex, base64, URL and JSON escapes, UTF-16, hashed, and re-assembled from the cells of rows. Knows nothing of the gateway.
 */

/** A stretch of this many characters of a canary is a find: nobody writes them by accident. */
const STRETCH = 7

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

function stretches(text: string): string[] {
  if (text.length <= STRETCH + 2) return [text]
  // Of a value of kilobytes a sample is enough.
  const step = Math.max(1, Math.floor(text.length / 200))
  const found: string[] = []
  for (let at = 0; at + STRETCH <= text.length; at += step) found.push(text.slice(at, at + STRETCH))
  return found
}

/** What of each canary is searched for, as lower-case text; bytes are compared as latin1. */
class Patterns {
  /** Spellings that are looked for in lower case. */
  readonly folded: [form: string, text: string][] = []
  readonly exact: [form: string, text: string][] = []

  constructor(value: string) {
    const bytes = Buffer.from(value)
    const short = value.length > 200 ? value.slice(0, 200) : value
    for (const text of stretches(stripped(value))) this.fold('a stretch', text)
    for (const text of stretches(reversed(stripped(short)))) this.fold('reversed', text)
    for (const text of stretches(short)) {
      const some = Buffer.from(text)
      this.fold('hex', some.toString('hex'))
      this.exact.push(['UTF-16', Buffer.from(text, 'utf16le').toString('latin1')])
      this.exact.push(['UTF-16 big-endian', Buffer.from(text, 'utf16le').swap16().toString('latin1')])
      for (const one of base64(some)) this.exact.push(['base64', one])
    }
    this.fold('URL', encodeURIComponent(short))
    this.fold('JSON', JSON.stringify(short).slice(1, -1))
    for (const algorithm of ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'])
      this.fold(algorithm, hash(algorithm, value))
    for (const algorithm of ['md5', 'sha256'])
      this.exact.push([`${algorithm} bytes`, createHash(algorithm).update(bytes).digest().toString('latin1')])
    if (/^\d{1,9}$/.test(value)) {
      const integer = Buffer.alloc(4)
      integer.writeInt32BE(Number(value))
      this.exact.push(['an integer', integer.toString('latin1')])
    }
  }

  fold(form: string, text: string): void {
    this.folded.push([form, Buffer.from(text.toLowerCase()).toString('latin1')])
  }
}

let known = new Map<string, Patterns>()

function patterns(): Map<string, Patterns> {
  if (known.size !== canaries().length)
    known = new Map(canaries().map(({ name, value }) => [name, new Patterns(value)]))
  return known
}

/** Everything of a canary in `bytes`: `customers.ssn.1 in hex`. Empty when nothing leaked. */
export function leaks(bytes: Buffer): string[] {
  const exact = bytes.toString('latin1')
  const folded = lower(exact)
  const found: string[] = []
  for (const [name, { folded: forms, exact: raw }] of patterns()) {
    const form = forms.find(([, text]) => folded.includes(text)) ?? raw.find(([, text]) => exact.includes(text))
    if (form) found.push(`${name}: ${form[0]}`)
  }
  return found
}

/** ASCII alone: what else lower case does to bytes is not wanted. */
function lower(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
}

/** The same for what rows say when they are put together: cells in order by row and by column, and numbers as the characters they may stand for. */
export function leaksOfRows(rows: readonly (readonly (Buffer | null)[])[]): string[] {
  const pieces: Buffer[] = []
  const join = (cells: readonly (Buffer | null | undefined)[]) => {
    const present = cells.filter((cell) => cell !== null && cell !== undefined) as Buffer[]
    pieces.push(Buffer.concat(present))
    const codes = present.map((cell) => Number(cell.toString('latin1')))
    if (codes.length > 0 && codes.every((code) => Number.isInteger(code) && code > 0 && code < 0x110000))
      pieces.push(Buffer.from(String.fromCodePoint(...codes)))
  }
  const width = Math.max(0, ...rows.map((row) => row.length))
  for (let column = 0; column < width; column++) join(rows.map((row) => row[column]))
  join(rows.flat())
  return leaks(Buffer.concat(pieces.flatMap((piece) => [piece, Buffer.of(10)])))
}

/** The cells of every DataRow in what a client received, in order. */
export function rowsOf(bytes: Buffer): (Buffer | null)[][] {
  const rows: (Buffer | null)[][] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 1 + bytes.readUInt32BE(at + 1)
    if (bytes[at] === 0x44 && end <= bytes.length) rows.push(cellsOf(bytes.subarray(at + 5, end)))
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
