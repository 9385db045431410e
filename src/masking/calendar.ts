import type { CellMasker, CellType, Masked } from './cell.ts'

// Binary: date is int32 days, timestamps are int64 microseconds, both from 2000-01-01. The extreme values are infinities.

const DATE = 1082
const TIMESTAMPTZ = 1184
const DAY_MS = 86_400_000
const EPOCH_2000_MS = Date.UTC(2000, 0, 1)

/** A partial mask of dates and timestamps: the first of January of the same year. What is not written as ISO 8601 does gets `redacted`. */
export function yearMasker(type: CellType, redacted: CellMasker): CellMasker {
  const mask = type.format === 0 ? yearOfText(type.typeOid) : yearOfBinary(type.typeOid)
  return { mask: (bytes, start, end) => mask(bytes, start, end) ?? redacted.mask(bytes, start, end) }
}

type Mask = (bytes: Buffer, start: number, end: number) => Masked

function yearOfText(typeOid: number): Mask {
  const rest = typeOid === DATE ? '-01-01' : typeOid === TIMESTAMPTZ ? '-01-01 00:00:00+00' : '-01-01 00:00:00'
  return (bytes, start, end) => {
    if (end - start > 40) return undefined
    const year = /^(\d{4,6})-\d\d-\d\d(?![^ T])(?!.* BC$)/.exec(bytes.toString('latin1', start, end))
    return year ? Buffer.from(year[1] + rest) : undefined
  }
}

function yearOfBinary(typeOid: number): Mask {
  return (bytes, start, end) => {
    const wide = typeOid !== DATE
    if (end - start !== (wide ? 8 : 4)) return undefined
    const days = wide ? Math.floor(Number(bytes.readBigInt64BE(start)) / (DAY_MS * 1000)) : bytes.readInt32BE(start)
    const date = new Date(EPOCH_2000_MS + days * DAY_MS)
    const year = date.getUTCFullYear()
    // Beyond the range of Date, or before the year 1, where the calendar of text output has another sign.
    if (Number.isNaN(year) || year < 1) return undefined
    date.setUTCMonth(0, 1)
    const first = Math.round((date.getTime() - EPOCH_2000_MS) / DAY_MS)
    const out = Buffer.alloc(wide ? 8 : 4)
    if (wide) out.writeBigInt64BE(BigInt(first) * BigInt(DAY_MS * 1000))
    else out.writeInt32BE(first)
    return out
  }
}
