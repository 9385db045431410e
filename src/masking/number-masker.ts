import type { Secret } from '../kit/secret.ts'
import type { CellMasker, CellType } from './cell.ts'
import { hashNumber } from './hash.ts'
import { canonicalDecimal, readNumeric, writeNumeric } from './numeric.ts'
import { tokenizeInteger } from './tokenize.ts'

const INT2 = 21
const INT4 = 23
const NUMERIC = 1700

/** Bits of a hash by type: always positive, and an int8 stays a whole number in JavaScript. */
function hashBits(typeOid: number): number {
  if (typeOid === INT2) return 15
  return typeOid === INT4 ? 31 : 52
}

const INTEGER = /^-?\d{1,19}$/

/** Masks int2, int4, int8 and numeric by hash: equal numbers of one type become equal numbers. */
export function numberHasher(type: CellType, key: Secret, redacted: CellMasker): CellMasker {
  const bits = hashBits(type.typeOid)
  return {
    mask(bytes, start, end) {
      const value = readNumber(type, bytes, start, end)
      if (value === undefined) return redacted.mask(bytes, start, end)
      return writeNumber(type, BigInt(hashNumber(value, bits, key)))
    },
  }
}

/** Masks int4 and int8 by FF1: another number of the type, reversible. */
export function numberTokenizer(type: CellType, key: Secret, redacted: CellMasker): CellMasker {
  return {
    mask(bytes, start, end) {
      const value = readNumber(type, bytes, start, end)
      if (value === undefined) return redacted.mask(bytes, start, end)
      return writeNumber(type, tokenizeInteger(BigInt(value), type.typeOid === INT4 ? 32 : 64, key))
    },
  }
}

/** Least digits of a number whose last four may show: a card or an account, not an age or a salary. */
const ACCOUNT_DIGITS = 12

/** A partial mask of int8 and numeric: the last four digits of a long number, else zero. */
export function lastDigits(type: CellType, redacted: CellMasker): CellMasker {
  return {
    mask(bytes, start, end) {
      const value = readNumber(type, bytes, start, end)
      if (value === undefined || !/^\d+$/.test(value) || value.length < ACCOUNT_DIGITS)
        return redacted.mask(bytes, start, end)
      return writeNumber(type, BigInt(value.slice(-4)))
    },
  }
}

/** The number as canonical decimal text; undefined for NaN, infinities and what is malformed. */
function readNumber(type: CellType, bytes: Buffer, start: number, end: number): string | undefined {
  if (type.format === 0) {
    if (end - start > 64) return undefined
    const text = bytes.toString('latin1', start, end)
    if (type.typeOid === NUMERIC) return /^-?\d+(?:\.\d+)?$/.test(text) ? canonicalDecimal(text) : undefined
    return INTEGER.test(text) ? text : undefined
  }
  if (type.typeOid === NUMERIC) return end - start > 64 ? undefined : readNumeric(bytes, start, end)
  const size = type.typeOid === INT2 ? 2 : type.typeOid === INT4 ? 4 : 8
  if (end - start !== size) return undefined
  return size === 8 ? String(bytes.readBigInt64BE(start)) : String(bytes.readIntBE(start, size))
}

function writeNumber(type: CellType, value: bigint): Buffer {
  if (type.format === 0) return Buffer.from(String(value))
  if (type.typeOid === NUMERIC) return writeNumeric(Number(value))
  const out = Buffer.alloc(type.typeOid === INT2 ? 2 : type.typeOid === INT4 ? 4 : 8)
  if (out.length === 8) out.writeBigInt64BE(value)
  else out.writeIntBE(Number(value), 0, out.length)
  return out
}
