import { SluiceError } from '../../kit/errors.ts'
import { type PlannedColumn, planColumns } from '../../masking/index.ts'
import type { LabelIndex } from '../../model/catalogue.ts'
import type { MaskDuty } from '../../model/decision.ts'
import type { OutputColumn, ResolvedStatement } from '../../sql/postgres.ts'
import { CopyMasker } from './copy-mask.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'
import { RowMasker } from './mask.ts'
import { type ResultField, type ResultFields, withFormats } from './results.ts'

/** How one statement's rows were treated last time; used again while nothing it depends on has changed. */
interface Plan {
  readonly described: ResultFields
  readonly formats: readonly (0 | 1)[]
  readonly duties: readonly MaskDuty[]
  readonly labels: LabelIndex
  readonly masker: RowMasker | undefined
  /** Operation whose `columns` event in the transcript describes these rows. */
  readonly columnsOf: number
}
export type PlanMemory = WeakMap<ResolvedStatement, Plan>

/** The description a statement's rows had last time, when these bytes are the same: spares reading it again. */
export function knownDescription(
  dialogue: Dialogue,
  statement: ResolvedStatement | undefined,
  raw: Buffer,
): ResultFields | undefined {
  const plan = statement && dialogue.plans.get(statement)
  return plan?.described.raw.equals(raw) ? plan.described : undefined
}

/** Decides how to treat the rows of the result that begins to arrive. Throws `mask.unreadable` when they cannot be described. */
export function planRows(
  dialogue: Dialogue,
  run: Run,
  described: ResultFields | undefined,
  formats: readonly (0 | 1)[],
): void {
  run.planned = true
  const duties = run.permit.obligations.mask
  if (!described) {
    if (duties.length > 0) throw new SluiceError('mask.unreadable', 'rows without a description')
    run.sample = 0
    return
  }
  const statement = run.statements[run.index]
  const labels = dialogue.parts.session.labels()
  const last = statement && dialogue.plans.get(statement)
  if (
    last &&
    last.described === described &&
    last.duties === duties &&
    last.labels === labels &&
    sameFormats(last.formats, formats)
  ) {
    run.masker = last.masker
    run.columnsOf = last.columnsOf
    return
  }
  const fields = withFormats(described, formats)
  run.masker = duties.length > 0 ? rowMasker(dialogue, run, fields, duties) : undefined
  run.columnsOf = run.permit.op
  if (run.sample > 0) {
    const columns = fields.map(({ name, typeOid, format }) => ({ name, typeOid, format }))
    dialogue.parts.session.note({ kind: 'columns', op: run.permit.op, columns })
  }
  if (statement) {
    dialogue.plans.set(statement, { described, formats, duties, labels, masker: run.masker, columnsOf: run.permit.op })
  }
}

function sameFormats(a: readonly (0 | 1)[], b: readonly (0 | 1)[]): boolean {
  if (a === b) return true
  return a.length === b.length && a.every((format, i) => format === b[i])
}

function rowMasker(
  dialogue: Dialogue,
  run: Run,
  fields: readonly ResultField[],
  duties: readonly MaskDuty[],
): RowMasker | undefined {
  const statement = run.statements[run.index]
  const columns = fields.map((field, i) => plannedColumn(dialogue, statement, { field, i, count: fields.length }))
  const plan = planColumns(columns, duties, dialogue.parts.session.maskKey)
  return plan && new RowMasker(plan, fields.length)
}

interface Place {
  readonly field: ResultField
  readonly i: number
  readonly count: number
}

/** Lineage decides; what the server says of a column's origin can only add labels (design §8.2), or tell where inside a json value they lie. */
function plannedColumn(
  dialogue: Dialogue,
  statement: ResolvedStatement | undefined,
  { field, i, count }: Place,
): PlannedColumn {
  const index = dialogue.parts.session.labels()
  const type = { typeOid: field.typeOid, format: field.format }
  const { labels: own, plain } = lineage(dialogue, statement, i, count)
  const relation = field.tableOid === 0 ? undefined : dialogue.parts.source.current()?.byOid.get(field.tableOid)
  const column = relation?.columns.find((candidate) => candidate.number === field.attributeNumber)
  if (!relation || !column) return { labels: own, type, derived: !plain }
  const origin = index.column(relation.schema, relation.name, column.name)
  const paths = index.paths?.(relation.schema, relation.name, column.name) ?? []
  // The plain column of a table, and nothing but its own labels: only what lies at the labelled paths is masked.
  if (paths.length > 0 && relation.kind === 'table' && own.every((label) => origin.includes(label)))
    return { labels: [], type, paths }
  // The server names a table's column for its bare values only.
  const derived = !plain && relation.kind !== 'table'
  return { labels: origin.length === 0 ? own : [...new Set([...own, ...origin])], type, derived }
}

function lineage(
  dialogue: Dialogue,
  statement: ResolvedStatement | undefined,
  i: number,
  count: number,
): { readonly labels: readonly string[]; readonly plain: boolean } {
  const shape = statement?.result
  if (shape?.kind === 'rows') {
    if (shape.columns.length !== count) return { labels: statement!.labelsRead, plain: false }
    const { labels, plain = false } = shape.columns[i]!
    return { labels, plain }
  }
  if (shape?.kind === 'opaque') return { labels: shape.labels, plain: false }
  // Rows of a statement that has none: a rule rewrote it.
  return { labels: dialogue.everything(), plain: false }
}

/**
 * How to mask a COPY TO STDOUT of `count` columns, by its own options and lineage. The server leaves some columns out of a table's COPY
 * (generated ones): then which is which is not known, and each carries what the statement reads.
 */
export function planCopy(dialogue: Dialogue, run: Run, count: number): void {
  run.planned = true
  const duties = run.permit.obligations.mask
  if (duties.length === 0) return
  const statement = run.statements[run.index]
  const shape = statement?.result
  if (shape?.kind !== 'copyOut') throw new SluiceError('mask.unreadable', 'COPY data of an unknown statement')
  const columns = shape.columns.length === count ? shape.columns : spread(shape.columns, statement!.labelsRead, count)
  run.copyMasker = CopyMasker.of({ ...shape, columns }, duties, dialogue.parts.session.maskKey)
}

/** As many columns as come, each with the labels of all. */
function spread(known: readonly OutputColumn[], read: readonly string[], count: number): readonly OutputColumn[] {
  const labels = [...new Set([...read, ...known.flatMap((column) => column.labels)])]
  return Array.from({ length: count }, () => ({ name: '', labels }))
}
