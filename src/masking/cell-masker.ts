import type { Secret } from '../kit/secret.ts'
import type { MaskTransform } from '../model/decision.ts'
import { yearMasker } from './calendar.ts'
import { type CellMasker, type CellType, constantMasker, directMasker } from './cell.ts'
import { fixedText } from './fixed.ts'
import type { Treatment } from './labels.ts'
import { lastDigits, numberHasher, numberTokenizer } from './number-masker.ts'
import { partialText } from './partial.ts'
import { replacementText } from './replacement.ts'
import { type TypeShape, typeShape } from './type-table.ts'
import { uuidHasher, uuidTokenizer } from './uuid-masker.ts'

/** The masker of a labelled column whose label's kind is not known. See {@link kindMasker}. */
export function cellMasker(transform: MaskTransform, type: CellType, key: Secret): CellMasker {
  return kindMasker({ transform, kind: 'other' }, type, key)
}

/**
 * The masker of a labelled column. Its output is valid for the type in the given format; a type for which the transform
 * has no valid output is redacted, and one that cannot be redacted becomes NULL.
 */
export function kindMasker(treatment: Treatment, type: CellType, key: Secret): CellMasker {
  if (treatment.transform === 'null') return constantMasker(null)
  const redacted = redactedMasker(type)
  // Without a type, binary bytes have no form anything could keep.
  if (type.typeOid === 0 && type.format === 1) return redacted
  switch (treatment.transform) {
    case 'partial':
      return partialMasker(treatment, type, redacted)
    case 'fixed':
      return isText(type) ? constantMasker(Buffer.from(fixedText(treatment.kind))) : redacted
    case 'hash':
      return hashMasker(treatment, type, { key, redacted })
    case 'tokenize':
      return tokenMasker(treatment, type, { key, redacted })
    default:
      return redacted
  }
}

/** The masker of a column computed from labelled ones: one replacement for all its cells, those that are NULL too. */
export function derivedMasker(treatment: Treatment, type: CellType, key: Secret): CellMasker {
  const transform = treatment.transform === 'null' ? 'null' : 'redact'
  return { ...kindMasker({ ...treatment, transform }, type, key), masksNull: true }
}

const INT2 = 21
const BPCHAR = 1042

function isText(type: CellType): boolean {
  return typeShape(type.typeOid).family === 'text'
}

function redactedMasker(type: CellType): CellMasker {
  const shape: TypeShape = typeShape(type.typeOid)
  if (type.format === 1) return constantMasker(shape.binary)
  return constantMasker(shape.text === null ? null : Buffer.from(shape.text))
}

function partialMasker(treatment: Treatment, type: CellType, redacted: CellMasker): CellMasker {
  switch (typeShape(type.typeOid).family) {
    case 'text':
      return directMasker(partialText(treatment.kind))
    case 'date':
    case 'timestamp':
      return yearMasker(type, redacted)
    case 'int':
    case 'numeric':
      return lastDigits(type, redacted)
    default:
      return redacted
  }
}

interface Keyed {
  readonly key: Secret
  readonly redacted: CellMasker
}

function hashMasker(treatment: Treatment, type: CellType, { key, redacted }: Keyed): CellMasker {
  switch (typeShape(type.typeOid).family) {
    case 'text':
    case 'json':
    case 'jsonb':
      return textReplacer(treatment, type, key)
    case 'int':
    case 'numeric':
      return numberHasher(type, key, redacted)
    case 'uuid':
      return uuidHasher(type, key, redacted)
    default:
      return redacted
  }
}

function tokenMasker(treatment: Treatment, type: CellType, { key, redacted }: Keyed): CellMasker {
  switch (typeShape(type.typeOid).family) {
    case 'text':
    case 'json':
    case 'jsonb':
      return textReplacer(treatment, type, key)
    case 'int':
      return type.typeOid === INT2 ? redacted : numberTokenizer(type, key, redacted)
    case 'uuid':
      return uuidTokenizer(type, key, redacted)
    default:
      return redacted
  }
}

/** Hashes or tokenizes characters. A JSON document is taken as its text and replaced by a JSON string. */
function textReplacer(treatment: Treatment, type: CellType, key: Secret): CellMasker {
  const { family } = typeShape(type.typeOid)
  const versioned = family === 'jsonb' && type.format === 1
  return {
    mask(bytes, start, end) {
      let stop = end
      // Blank padding is not part of a char(n) value: it must join with a varchar.
      if (type.typeOid === BPCHAR) while (stop > start && bytes[stop - 1] === 0x20) stop--
      const text = replacementText(bytes.toString('utf8', versioned ? start + 1 : start, stop), treatment, key)
      if (family === 'text') return Buffer.from(text)
      return Buffer.from(versioned ? `\x01"${text}"` : `"${text}"`)
    },
  }
}
