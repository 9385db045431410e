export type { CellMasker, CellType, DirectMask, Masked } from './cell.ts'
export { cellMasker } from './cell-masker.ts'
export { labelMatches } from './labels.ts'
export { type PathLabels, type PlannedColumn, planColumns, type ResultPlan } from './plan.ts'
