import type { Secret } from '../kit/secret.ts'
import type { MaskDuty } from '../model/decision.ts'
import type { CellMasker, CellType } from './cell.ts'
import { kindMasker } from './cell-masker.ts'
import { treatmentOf } from './labels.ts'

/** Labels of a place inside a json or jsonb column. */
export interface PathLabels {
  /** Object keys from the top. Arrays on the way are entered without a step of their own; `*` is any key. */
  readonly path: readonly string[]
  readonly labels: readonly string[]
}

export interface PlannedColumn {
  readonly labels: readonly string[]
  readonly type: CellType
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
  const maskers = columns.map((column) => {
    const treatment = treatmentOf(column.labels, duties)
    return treatment && kindMasker(treatment, column.type, key)
  })
  return maskers.some((masker) => masker !== undefined) ? { maskers } : undefined
}
