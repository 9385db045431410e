import type { TranscriptEvent } from '../model/transcript.ts'

export type Column = Extract<TranscriptEvent, { kind: 'columns' }>['columns'][number]
/** A cell as readable text; null is SQL's NULL. */
export type Cell = string | null

const DATA_ROW = 0x44
const lossy = new TextDecoder('utf-8')

/**
 * The DataRow messages among `bytes` as cells. A message: byte1 'D', int32 length including itself, int16 column count, and per column
 * int32 length (-1 is NULL) and bytes. Stops at the first that is not whole: a transcript is read as far as it can be.
 */
export function decodeRows(bytes: Uint8Array, columns: readonly Column[]): Cell[][] {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const rows: Cell[][] = []
  for (let at = 0; at + 5 <= view.length; ) {
    const length = view.readInt32BE(at + 1)
    const end = at + 1 + length
    if (length < 4 || end > view.length) return rows
    if (view[at] === DATA_ROW) {
      const row = decodeRow(view.subarray(at + 5, end), columns)
      if (!row) return rows
      rows.push(row)
    }
    at = end
  }
  return rows
}

function decodeRow(body: Buffer, columns: readonly Column[]): Cell[] | undefined {
  if (body.length < 2) return undefined
  const count = body.readInt16BE(0)
  const row: Cell[] = []
  let at = 2
  for (let i = 0; i < count; i++) {
    if (at + 4 > body.length) return undefined
    const length = body.readInt32BE(at)
    at += 4
    if (length < 0) {
      row.push(null)
      continue
    }
    if (at + length > body.length) return undefined
    row.push(decodeCell(body.subarray(at, at + length), columns[i]))
    at += length
  }
  return row
}

/** Text as it is; binary by type where the type is known and the length fits; otherwise hex. */
function decodeCell(bytes: Buffer, column: Column | undefined): string {
  if (!column || column.format === 0) return lossy.decode(bytes)
  const decode = BINARY[column.typeOid]
  return (bytes.length <= 65_536 ? decode?.(bytes) : undefined) ?? `\\x${bytes.toString('hex')}`
}

type Decode = (bytes: Buffer) => string | undefined

const text: Decode = (bytes) => lossy.decode(bytes)
const sized =
  (length: number, read: (bytes: Buffer) => string): Decode =>
  (bytes) =>
    bytes.length === length ? read(bytes) : undefined

/** PostgreSQL counts from 2000-01-01. */
const EPOCH_ms = Date.UTC(2000, 0, 1)

function timestamp(bytes: Buffer, zone: string): string {
  const micros = bytes.readBigInt64BE(0)
  if (micros === 0x7fffffffffffffffn) return 'infinity'
  if (micros === -0x8000000000000000n) return '-infinity'
  const rest = ((micros % 1000n) + 1000n) % 1000n
  const date = new Date(Number((micros - rest) / 1000n) + EPOCH_ms)
  if (Number.isNaN(date.getTime())) return `${micros} µs since 2000-01-01`
  return `${date.toISOString().slice(0, -1).replace('T', ' ')}${String(rest).padStart(3, '0')}${zone}`
}

function day(bytes: Buffer): string {
  const days = bytes.readInt32BE(0)
  if (days === 0x7fffffff) return 'infinity'
  if (days === -0x80000000) return '-infinity'
  const date = new Date(EPOCH_ms + days * 86_400_000)
  return Number.isNaN(date.getTime()) ? `${days} days since 2000-01-01` : date.toISOString().slice(0, -14)
}

function uuid(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** numeric: int16 digit count, weight, sign, display scale; then digits of base 10,000. */
function numeric(bytes: Buffer): string | undefined {
  if (bytes.length < 8) return undefined
  const count = bytes.readInt16BE(0)
  const weight = bytes.readInt16BE(2)
  const sign = bytes.readUInt16BE(4)
  const scale = bytes.readUInt16BE(6)
  if (sign === 0xc000) return 'NaN'
  if (sign === 0xd000) return 'Infinity'
  if (sign === 0xf000) return '-Infinity'
  if (count < 0 || bytes.length !== 8 + count * 2) return undefined
  const digit = (place: number): string =>
    place >= 0 && place < count ? String(bytes.readInt16BE(8 + place * 2)).padStart(4, '0') : '0000'
  let whole = ''
  for (let place = 0; place <= weight; place++) whole += digit(place)
  let fraction = ''
  for (let place = weight + 1; fraction.length < scale; place++) fraction += digit(place)
  const number = whole.replace(/^0+(?=\d)/, '') || '0'
  return `${sign === 0x4000 ? '-' : ''}${number}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`
}

/** By pg_type.oid. */
const BINARY: Readonly<Record<number, Decode>> = {
  16: sized(1, (bytes) => (bytes[0] === 0 ? 'f' : 't')), // bool
  17: (bytes) => `\\x${bytes.toString('hex')}`, // bytea
  18: text, // "char"
  19: text, // name
  20: sized(8, (bytes) => String(bytes.readBigInt64BE(0))), // int8
  21: sized(2, (bytes) => String(bytes.readInt16BE(0))), // int2
  23: sized(4, (bytes) => String(bytes.readInt32BE(0))), // int4
  25: text, // text
  26: sized(4, (bytes) => String(bytes.readUInt32BE(0))), // oid
  114: text, // json
  142: text, // xml
  700: sized(4, (bytes) => String(Math.fround(bytes.readFloatBE(0)))), // float4
  701: sized(8, (bytes) => String(bytes.readDoubleBE(0))), // float8
  705: text, // unknown
  1042: text, // bpchar
  1043: text, // varchar
  1082: sized(4, day), // date
  1114: sized(8, (bytes) => timestamp(bytes, '')), // timestamp
  1184: sized(8, (bytes) => timestamp(bytes, '+00')), // timestamptz
  1700: numeric,
  2950: sized(16, uuid),
  3802: (bytes) => (bytes[0] === 1 ? lossy.decode(bytes.subarray(1)) : undefined), // jsonb, version 1
}
