import type { Secret } from '../kit/secret.ts'
import type { MaskDuty } from '../model/decision.ts'
import type { CellMasker, CellType } from './cell.ts'
import { derivedMasker, kindMasker } from './cell-masker.ts'
import type { PathLabels } from './json-masker.ts'
import { treatmentOf } from './labels.ts'
import { scrubMasker } from './scrub-masker.ts'
import { textScrubber } from './text-scrubber.ts'
import { typeShape } from './type-table.ts'

export interface PlannedColumn {
  /** Labels of everything the column's values come from. */
  readonly labels: readonly string[]
  readonly type: CellType
  /**
   * Its values were computed from labelled ones by whoever asked. A mask that keeps a part of them, or gives equal values equal masks, would show what
   * they chose, and so would a NULL: all of them are redacted.
   */
  readonly derived?: boolean | undefined
  /** Labels inside a json or jsonb column. In a column of another type they hold for the whole value. */
  readonly paths?: readonly PathLabels[]
}

/** What to do with each column of one result. Made once per result, used for every row. */
export interface ResultPlan {
  /** One per column; undefined: forward the cell as it is. */
  readonly maskers: readonly (CellMasker | undefined)[]
}

/** The plan for a result under the given duties, or undefined when no column needs a look: forward the original bytes. */
export function planColumns(
  columns: readonly PlannedColumn[],
  duties: readonly MaskDuty[],
  key: Secret,
): ResultPlan | undefined {
  if (duties.length === 0) return undefined
  const scrubber = textScrubber(duties, key)
  const maskers = columns.map(({ labels, type, derived, paths = [] }) => {
    const { family } = typeShape(type.typeOid)
    const inside = family === 'json' || family === 'jsonb'
    const treatment = treatmentOf(inside ? labels : [...labels, ...paths.flatMap((p) => p.labels)], duties)
    if (treatment && derived) return derivedMasker(treatment, type, key)
    return treatment ? kindMasker(treatment, type, key) : scrubMasker(type, { scrubber, paths, duties, key })
  })
  return maskers.some((masker) => masker !== undefined) ? { maskers } : undefined
}
