import type { Secret } from '../kit/secret.ts'
import type { MaskTransform } from '../model/decision.ts'
import { type CellMasker, type CellType, constantMasker, directMasker } from './cell.ts'
import type { ValueKind } from './labels.ts'
import { partialText } from './partial.ts'
import { typeShape } from './type-table.ts'

/** The masker of a labelled column whose label's kind is not known. See {@link kindMasker}. */
export function cellMasker(transform: MaskTransform, type: CellType, key: Secret): CellMasker {
  return kindMasker({ transform, kind: 'other' }, type, key)
}

/**
 * The masker of a labelled column. Its output is valid for the type in the given format; a type for which the transform
 * has no valid output is redacted, and one that cannot be redacted becomes NULL.
 */
export function kindMasker(
  treatment: { readonly transform: MaskTransform; readonly kind: ValueKind },
  type: CellType,
  _key: Secret,
): CellMasker {
  const shape = typeShape(type.typeOid)
  if (treatment.transform === 'null') return constantMasker(null)
  if (treatment.transform === 'partial' && shape.family === 'text') {
    if (type.format === 0 || type.typeOid !== 0) return directMasker(partialText(treatment.kind))
  }
  return redacted(type)
}

function redacted(type: CellType): CellMasker {
  const shape = typeShape(type.typeOid)
  if (type.format === 1) return constantMasker(shape.binary)
  return constantMasker(shape.text === null ? null : Buffer.from(shape.text))
}
