import type { Catalogue, CatalogueRelation, LabelIndex } from '../model/catalogue.ts'
import { type EffectSet, effects } from '../model/effects.ts'
import { type LabelSet, labelSet, NO_LABELS, union } from './labels.ts'
import type { Column } from './scope.ts'

/** A view's own reading, as `views.ts` finds it. */
export interface ViewReading {
  /** Labels of its output columns by position; undefined when they cannot be told. */
  readonly columns: readonly LabelSet[] | undefined
  /** Which of them are stored values, unchanged. */
  readonly plain?: readonly boolean[]
  readonly labels: LabelSet
  /** Labels of everything its definition names: what a plan of it may show. */
  readonly referenced: LabelSet
  readonly relations: readonly string[]
  readonly columnsRead: readonly string[]
  readonly functions: readonly string[]
  readonly effects: number
}

/** A relation of the catalogue with its labels, views expanded, parents and children included. */
export interface RelationReading {
  readonly columns: readonly Column[]
  /** Labels of columns nobody named: children may have more than their parent. */
  readonly labels: LabelSet
  /** Relations read with it: under a view, and children. */
  readonly alsoRead: readonly string[]
  readonly view: ViewReading | undefined
}

/** Columns of system relations that echo what statements and tables hold (ATTACKS B28). */
const ECHOES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    pg_stats: 'most_common_vals histogram_bounds most_common_elems range_bounds_histogram',
    pg_stats_ext: 'most_common_vals',
    pg_stats_ext_exprs: 'most_common_vals histogram_bounds most_common_elems range_bounds_histogram',
    pg_statistic: 'stavalues1 stavalues2 stavalues3 stavalues4 stavalues5',
    pg_statistic_ext_data: 'stxdmcv stxdexpr stxddependencies stxdndistinct',
    pg_stat_activity: 'query',
    pg_stat_statements: 'query',
    pg_prepared_statements: 'statement',
    pg_cursors: 'statement',
    pg_largeobject: 'data',
    pg_attribute: 'attmissingval',
    pg_authid: 'rolpassword',
    pg_shadow: 'passwd',
    pg_user_mapping: 'umoptions',
    pg_user_mappings: 'umoptions',
    pg_subscription: 'subconninfo',
  }).map(([name, columns]) => [name, new Set(columns.split(' '))]),
)

/** The columns of a system relation that echo data; undefined when it has none. */
export function echoes(name: string): ReadonlySet<string> | undefined {
  return ECHOES.get(name)
}

/** Reads what the catalogue has as text. */
export interface DefinitionReader {
  view(view: CatalogueRelation, depth: number, snapshot: Snapshot): ViewReading
  /** Names of the columns a generated column's expression uses; undefined when it cannot be read. */
  columnsOf(expression: string): readonly string[] | undefined
}

/** What reading a system relation does beyond reading: roles' secrets, and files of the server behind a view. */
const BEYOND_READ: ReadonlyMap<string, EffectSet> = new Map([
  ...['pg_authid', 'pg_shadow', 'pg_user_mapping'].map((name) => [name, effects('grant')] as const),
  ...['pg_hba_file_rules', 'pg_ident_file_mappings', 'pg_file_settings'].map(
    (name) => [name, effects('execute', 'export')] as const,
  ),
])

/** Effects of using a system relation beyond those of the statement. */
export function systemEffects(schema: string, name: string): EffectSet {
  return schema === 'pg_catalog' ? (BEYOND_READ.get(name) ?? 0) : 0
}

let lastSnapshot = 0

/** What one catalogue's names carry under one set of labels. Everything in it is worked out once. */
export class Snapshot {
  /** Distinguishes snapshots in cache keys. */
  readonly id = ++lastSnapshot
  readonly catalogue: Catalogue | undefined
  readonly labels: LabelIndex
  /** What untraceable means here: every label, or none when no relation of the database carries one. */
  readonly everything: LabelSet
  readonly #readings = new Map<CatalogueRelation, RelationReading>()
  readonly #inProgress = new Set<CatalogueRelation>()
  readonly #reader: DefinitionReader
  #children: Map<number, CatalogueRelation[]> | undefined
  #attributes: Set<string> | undefined

  constructor(catalogue: Catalogue | undefined, labels: LabelIndex, reader: DefinitionReader) {
    this.catalogue = catalogue
    this.labels = labels
    this.#reader = reader
    this.everything = anythingLabelled(catalogue, labels) ? labelSet(labels.all) : NO_LABELS
  }

  /** A relation's columns and labels. `only`: without its children. A view that contains itself is untraceable. */
  read(relation: CatalogueRelation, only = false): RelationReading {
    const known = this.#readings.get(relation)
    if (known && !only) return known
    if (this.#inProgress.has(relation)) return this.#untraceable(relation)
    this.#inProgress.add(relation)
    try {
      const reading = this.#work(relation, only)
      if (!only) this.#readings.set(relation, reading)
      return reading
    } finally {
      this.#inProgress.delete(relation)
    }
  }

  /** True for a catalogue that holds the system's relations: what it does not have is not the system's, or holds parts of others (toast). */
  get listsSystem(): boolean {
    return this.catalogue?.relations.has('pg_catalog.pg_class') ?? false
  }

  /** True when some relation or composite type has an attribute of that name. */
  isAttribute(name: string): boolean {
    if (!this.#attributes) {
      this.#attributes = new Set()
      for (const relation of this.catalogue?.relations.values() ?? []) {
        for (const column of relation.columns) this.#attributes.add(column.name)
      }
    }
    return this.#attributes.has(name)
  }

  #work(relation: CatalogueRelation, only: boolean): RelationReading {
    const parents = this.#ancestors(relation)
    const heirs = only ? [] : this.#descendants(relation)
    const isView = relation.kind === 'view' || relation.kind === 'matview'
    const view = isView ? this.#reader.view(relation, this.#inProgress.size, this) : undefined
    const columns = relation.columns.map((column, i) => {
      let labels = labelSet(this.labels.column(relation.schema, relation.name, column.name))
      for (const kin of parents) labels = union(labels, labelSet(this.labels.column(kin.schema, kin.name, column.name)))
      for (const kin of heirs) labels = union(labels, labelSet(this.labels.column(kin.schema, kin.name, column.name)))
      if (view) labels = union(labels, this.#viewColumn(view, relation, i))
      if (relation.schema === 'pg_catalog' && echoes(relation.name)?.has(column.name))
        labels = union(labels, this.everything)
      const plain = view ? this.#plainColumn(view, relation, i) : relation.schema !== 'pg_catalog'
      const partly = (this.labels.paths?.(relation.schema, relation.name, column.name) ?? []).length > 0
      return { name: column.name, labels, plain, partly, origin: `${relation.schema}.${relation.name}.${column.name}` }
    })
    for (const [i, { generated }] of relation.columns.entries())
      if (generated !== undefined)
        columns[i] = { ...columns[i]!, labels: this.#generatedLabels(generated, columns, i), plain: false }
    let labels = view?.labels ?? NO_LABELS
    for (const column of columns) labels = union(labels, column.labels)
    const alsoRead = new Set<string>(view?.relations)
    for (const heir of heirs) alsoRead.add(qualifiedName(heir))
    return { columns, labels, alsoRead: [...alsoRead], view }
  }

  /** A generated column's own labels and those of the columns it is computed from, which cannot be generated themselves. */
  #generatedLabels(expression: string, columns: readonly Column[], i: number): LabelSet {
    const sources = this.#reader.columnsOf(expression)
    if (!sources) return this.everything
    let { labels } = columns[i]!
    for (const column of columns) if (sources.includes(column.name)) labels = union(labels, column.labels)
    return labels
  }

  /** A view's column by position; a definition of another width than the catalogue's is not trusted. */
  #viewColumn(view: ViewReading, relation: CatalogueRelation, i: number): LabelSet {
    if (view.columns?.length !== relation.columns.length) return view.labels
    return view.columns[i] ?? view.labels
  }

  #plainColumn(view: ViewReading, relation: CatalogueRelation, i: number): boolean {
    return view.columns?.length === relation.columns.length && view.plain?.[i] === true
  }

  #untraceable(relation: CatalogueRelation): RelationReading {
    const columns = relation.columns.map((column) => ({ name: column.name, labels: this.everything }))
    return { columns, labels: this.everything, alsoRead: [], view: undefined }
  }

  #ancestors(relation: CatalogueRelation): readonly CatalogueRelation[] {
    return closure(relation, (one) => one.parents.map((oid) => this.catalogue?.byOid.get(oid)))
  }

  #descendants(relation: CatalogueRelation): readonly CatalogueRelation[] {
    if (!this.#children) {
      this.#children = new Map()
      for (const one of this.catalogue?.relations.values() ?? []) {
        for (const parent of one.parents) this.#children.set(parent, [...(this.#children.get(parent) ?? []), one])
      }
    }
    const childrenOf = this.#children
    return closure(relation, (one) => childrenOf.get(one.oid) ?? [])
  }
}

/** `schema.name` of a relation. */
export function qualifiedName(relation: CatalogueRelation): string {
  return `${relation.schema}.${relation.name}`
}

function anythingLabelled(catalogue: Catalogue | undefined, labels: LabelIndex): boolean {
  if (labels.all.length === 0) return false
  if (!catalogue) return true
  for (const relation of catalogue.relations.values()) if (labels.touches(relation.schema, relation.name)) return true
  return false
}

/** Everything reachable from a relation, itself excluded; cycles end. */
function closure(
  start: CatalogueRelation,
  next: (one: CatalogueRelation) => readonly (CatalogueRelation | undefined)[],
): readonly CatalogueRelation[] {
  const seen = new Set<CatalogueRelation>([start])
  for (const one of seen) for (const other of next(one)) if (other) seen.add(other)
  seen.delete(start)
  return [...seen]
}
