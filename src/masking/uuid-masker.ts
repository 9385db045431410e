import type { Secret } from '../kit/secret.ts'
import type { CellMasker, CellType } from './cell.ts'
import { macHex } from './hash.ts'
import { maskKeys } from './mask-keys.ts'
import { tokenizeUuid } from './tokenize.ts'

/** First digits of every hashed UUID, so that one is recognised when it comes back in a write. */
export const HASHED_UUID_START = '511ce0de'

/** Masks UUIDs by hash: version 8 (free form) of RFC 9562. */
export function uuidHasher(type: CellType, key: Secret, redacted: CellMasker): CellMasker {
  const keys = maskKeys(key)
  return uuidMasker(type, redacted, (digits) => {
    const bytes = Buffer.from(digits)
    const mac = macHex(bytes, 0, bytes.length, keys)
    return `${HASHED_UUID_START}${mac.slice(0, 4)}8${mac.slice(4, 7)}8${mac.slice(7, 22)}`
  })
}

/** Masks UUIDs by FF1, reversible. */
export function uuidTokenizer(type: CellType, key: Secret, redacted: CellMasker): CellMasker {
  return uuidMasker(type, redacted, (digits) => tokenizeUuid(digits, key))
}

function uuidMasker(type: CellType, redacted: CellMasker, replace: (digits: string) => string): CellMasker {
  return {
    mask(bytes, start, end) {
      const text =
        type.format === 0
          ? bytes.toString('latin1', start, Math.min(end, start + 64))
          : bytes.toString('hex', start, end)
      const digits = text.replaceAll('-', '').toLowerCase()
      if (!/^[0-9a-f]{32}$/.test(digits)) return redacted.mask(bytes, start, end)
      const masked = replace(digits)
      return type.format === 0 ? Buffer.from(hyphenated(masked)) : Buffer.from(masked, 'hex')
    },
  }
}

function hyphenated(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
