import { REDACTED } from '../../masking/index.ts'

// COPY text and CSV as the server writes them: src/backend/commands/copyto.c.

/** How fields are written in one COPY. */
export interface CopySyntax {
  /** Finds where fields end. */
  newForm(): FieldForm
  /** True when the raw field `bytes[start,end)` stands for NULL. */
  isNull(bytes: Buffer, start: number, end: number): boolean
  readonly null: Buffer
  /** Stands for any value too long to be masked otherwise. */
  readonly redacted: Buffer
  /** The value a raw field stands for. */
  read(raw: Buffer): Buffer
  /** A value as a raw field. */
  write(value: Buffer): Buffer
}

export const GO_ON = 0
/** The byte ends a field, or the last field of a row. */
export const END = { field: 1, row: 2 } as const

/** Reads a field byte by byte; remembers what of an escape or quote came before. */
export interface FieldForm {
  /** By byte: 0 where `step` would do nothing and may be left out. Changes with every step. */
  readonly stops: Uint8Array
  /** True while the field's bytes are the value's: nothing is escaped or quoted. */
  readonly literal: boolean
  step(byte: number): 0 | 1 | 2
  begin(): void
}

const NEWLINE = 10
const BACKSLASH = 92

/** `\b` and so on: the letter after the backslash, and what it stands for. */
const CONTROL = new Map<number, number>(
  [...'bfnrtv'].map((letter, i) => [letter.charCodeAt(0), [8, 12, 10, 13, 9, 11][i]!]),
)
const LETTER = new Map<number, number>([...CONTROL].map(([letter, control]) => [control, letter]))

/**
 * A value equal to the marker is written like NULL: a marker somebody chose would answer whether a masked value is equal
 * to it. With any but the usual ones, NULLs are masked too.
 */
const USUAL_NULL = /^(?:\\N|null|)$/i

function isMarker(marker: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== marker.length) return false
  for (let i = 0; i < marker.length; i++) if (bytes[start + i] !== marker[i]) return false
  return true
}

/** COPY's text format. */
export function textSyntax(options: { readonly delimiter: string; readonly null: string }): CopySyntax {
  const delimiter = options.delimiter.charCodeAt(0)
  const marker = Buffer.from(options.null)
  const usual = USUAL_NULL.test(options.null)
  const write = (value: Buffer) => escapeText(value, delimiter)
  return {
    newForm: () => new TextForm(delimiter),
    isNull: (bytes, start, end) => usual && isMarker(marker, bytes, start, end),
    null: marker,
    redacted: write(Buffer.from(REDACTED)),
    read: unescapeText,
    write,
  }
}

/** A table that stops at the given bytes. */
function stopsAt(...bytes: readonly number[]): Uint8Array {
  const stops = new Uint8Array(256)
  for (const byte of bytes) stops[byte] = 1
  return stops
}

const EVERYWHERE = new Uint8Array(256).fill(1)

class TextForm implements FieldForm {
  readonly #delimiter: number
  readonly #plain: Uint8Array
  stops: Uint8Array
  literal = true

  constructor(delimiter: number) {
    this.#delimiter = delimiter
    this.#plain = stopsAt(delimiter, NEWLINE, BACKSLASH)
    this.stops = this.#plain
  }

  begin(): void {
    this.stops = this.#plain
    this.literal = true
  }

  step(byte: number): 0 | 1 | 2 {
    if (this.stops === EVERYWHERE) this.stops = this.#plain
    else if (byte === BACKSLASH) {
      this.stops = EVERYWHERE
      this.literal = false
    } else if (byte === this.#delimiter) return END.field
    else if (byte === NEWLINE) return END.row
    return GO_ON
  }
}

function unescapeText(raw: Buffer): Buffer {
  let from = raw.indexOf(BACKSLASH)
  if (from < 0) return raw
  const out = Buffer.allocUnsafe(raw.length)
  let to = raw.copy(out, 0, 0, from)
  for (; from < raw.length; from++) {
    let byte = raw[from]!
    if (byte === BACKSLASH && from + 1 < raw.length) {
      byte = raw[++from]!
      byte = CONTROL.get(byte) ?? byte
    }
    out[to++] = byte
  }
  return out.subarray(0, to)
}

/** Bytes that text writes with a backslash: controls and the backslash itself. */
const ESCAPED = new Uint8Array(256)
for (const byte of [...LETTER.keys(), BACKSLASH]) ESCAPED[byte] = 1

function escapeText(value: Buffer, delimiter: number): Buffer {
  let plain = 0
  while (plain < value.length && ESCAPED[value[plain]!] === 0 && value[plain] !== delimiter) plain++
  if (plain === value.length) return value
  const out = Buffer.allocUnsafe(value.length * 2)
  let to = 0
  for (const byte of value) {
    const letter = LETTER.get(byte)
    if (letter !== undefined || byte === BACKSLASH || byte === delimiter) out[to++] = BACKSLASH
    out[to++] = letter ?? byte
  }
  return out.subarray(0, to)
}

export interface CsvOptions {
  readonly delimiter: string
  readonly null: string
  readonly quote: string
  readonly escape: string
}

/** CSV's marks as bytes. */
interface CsvMarks {
  readonly delimiter: number
  readonly quote: number
  /** Stands before a quote or itself within quotes; the quote itself unless told otherwise. */
  readonly escaper: number
}

/** COPY's CSV format. */
export function csvSyntax(options: CsvOptions): CopySyntax {
  const marks: CsvMarks = {
    delimiter: options.delimiter.charCodeAt(0),
    quote: options.quote.charCodeAt(0),
    escaper: options.escape.charCodeAt(0),
  }
  const marker = Buffer.from(options.null)
  const usual = USUAL_NULL.test(options.null)
  const write = (value: Buffer) => writeCsv(value, marks, marker)
  return {
    newForm: () => new CsvForm(marks),
    // A value in quotation marks is never NULL, and one that looks like NULL is put in them.
    isNull: (bytes, start, end) => usual && isMarker(marker, bytes, start, end),
    null: marker,
    redacted: write(Buffer.from(REDACTED)),
    read: (raw) => readCsv(raw, marks),
    write,
  }
}

/** Where a CSV field stands. `escape`: after an escape character that is not the quote. `closed`: after a closing quote, which the same character doubled reopens. */
type CsvPlace = 'start' | 'plain' | 'quoted' | 'escape' | 'closed'

class CsvForm implements FieldForm {
  readonly #marks: CsvMarks
  readonly #stops: Readonly<Record<CsvPlace, Uint8Array>>
  #place: CsvPlace = 'start'

  constructor(marks: CsvMarks) {
    this.#marks = marks
    const plain = stopsAt(marks.delimiter, NEWLINE)
    const quoted = stopsAt(marks.quote, marks.escaper)
    this.#stops = { start: EVERYWHERE, plain, quoted, escape: EVERYWHERE, closed: EVERYWHERE }
  }

  get stops(): Uint8Array {
    return this.#stops[this.#place]
  }

  get literal(): boolean {
    return this.#place === 'plain' || this.#place === 'start'
  }

  begin(): void {
    this.#place = 'start'
  }

  step(byte: number): 0 | 1 | 2 {
    const { delimiter, quote, escaper } = this.#marks
    switch (this.#place) {
      case 'escape':
        // Whatever it escapes; an escape character before another byte stands for itself.
        this.#place = 'quoted'
        if (byte === quote || byte === escaper) return GO_ON
        return this.step(byte)
      case 'quoted':
        if (byte === quote) this.#place = 'closed'
        else if (byte === escaper) this.#place = 'escape'
        return GO_ON
      case 'closed':
        if (byte === quote) {
          this.#place = 'quoted'
          return GO_ON
        }
        break
      case 'start':
        this.#place = byte === quote ? 'quoted' : 'plain'
        if (byte === quote) return GO_ON
        break
    }
    if (byte === delimiter) return END.field
    return byte === NEWLINE ? END.row : GO_ON
  }
}

function readCsv(raw: Buffer, { quote, escaper }: CsvMarks): Buffer {
  if (raw[0] !== quote) return raw
  const out = Buffer.allocUnsafe(raw.length)
  let to = 0
  let quoted = false
  for (let from = 0; from < raw.length; from++) {
    const byte = raw[from]!
    const next = raw[from + 1]
    if (quoted && byte === escaper && (next === quote || next === escaper)) out[to++] = raw[++from]!
    else if (byte === quote) quoted = !quoted
    else out[to++] = byte
  }
  return out.subarray(0, to)
}

function writeCsv(value: Buffer, { delimiter, quote, escaper }: CsvMarks, marker: Buffer): Buffer {
  const plain = value.every((byte) => byte !== delimiter && byte !== quote && byte !== NEWLINE && byte !== 13)
  if (plain && !value.equals(marker) && value.length > 0) return value
  const out: number[] = [quote]
  for (const byte of value) {
    if (byte === quote || byte === escaper) out.push(escaper)
    out.push(byte)
  }
  out.push(quote)
  return Buffer.from(out)
}
