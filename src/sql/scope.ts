import { type LabelSet, NO_LABELS, union } from './labels.ts'

/** A column as a query sees it. */
export interface Column {
  readonly name: string
  readonly labels: LabelSet
  /** Its values are those a table stores, unchanged. Anything else was computed, by whoever wrote the query. */
  readonly plain?: boolean | undefined
  /** Its labels are those of paths inside it. */
  readonly partly?: boolean | undefined
  /** `schema.relation.column` when it is a relation's own column. */
  readonly origin?: string | undefined
}

/** What a name stands for that may be either of two columns. */
function both(one: Column, other: Column): Column {
  const plain = one.plain === true && other.plain === true
  return { name: one.name, labels: union(one.labels, other.labels), plain, origin: one.origin ?? other.origin }
}

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid'])

/** Columns a range-table entry may have beyond the known ones. */
export interface Open {
  /** What an unknown column carries. */
  readonly labels: LabelSet
  /** When set, only these unknown columns carry the labels; others carry none. */
  readonly only?: ReadonlySet<string> | undefined
}

/** One entry of FROM: a relation, subquery, function or aliased join under the name the query uses. */
export class FromItem {
  readonly alias: string
  readonly columns: readonly Column[]
  readonly open: Open | undefined
  /** The schema it may be qualified with: relations without an alias only. */
  readonly schema: string | undefined
  /** True for relations, which have system columns. */
  readonly relation: boolean
  #row: LabelSet | undefined

  constructor(
    alias: string,
    columns: readonly Column[],
    more: Partial<Pick<FromItem, 'open' | 'schema' | 'relation'>> = {},
  ) {
    this.alias = alias
    this.columns = columns
    this.open = more.open
    this.schema = more.schema
    this.relation = more.relation ?? false
  }

  /** Labels of the whole row. */
  get row(): LabelSet {
    if (this.#row) return this.#row
    let labels = this.open?.labels ?? NO_LABELS
    for (const column of this.columns) labels = union(labels, column.labels)
    this.#row = labels
    return labels
  }

  /** The column of that name: the union of all that bear it. Undefined when there is none for certain. */
  find(name: string): Column | undefined {
    let found: Column | undefined
    for (const column of this.columns) {
      if (column.name !== name) continue
      found = found ? both(found, column) : column
    }
    if (found) return found
    if (this.relation && SYSTEM_COLUMNS.has(name)) return { name, labels: NO_LABELS }
    if (!this.open) return undefined
    const carries = !this.open.only || this.open.only.has(name)
    return { name, labels: carries ? this.open.labels : NO_LABELS }
  }
}

/** Queries that names in FROM may stand for: common table expressions in sight, innermost first. */
export interface CommonTables {
  /** Undefined when this level has none of that name. */
  find(name: string): Relation | undefined
  readonly parent: CommonTables | undefined
}

/** A query's output. `columns` undefined: its columns cannot be told, each carries `labels`. */
export interface Relation {
  readonly columns: readonly Column[] | undefined
  readonly labels: LabelSet
}

export const NO_COLUMNS: Relation = Object.freeze({
  columns: Object.freeze([]) as readonly Column[],
  labels: NO_LABELS,
})

/** A relation of known columns. */
export function relationOf(columns: readonly Column[]): Relation {
  let labels = NO_LABELS
  for (const column of columns) labels = union(labels, column.labels)
  return { columns, labels }
}

/** One level of names a query's expressions may use. */
export interface Scope {
  readonly items: readonly FromItem[]
  readonly parent: Scope | undefined
  readonly tables: CommonTables | undefined
}

/** What a name in an expression stands for. */
export interface Reference {
  readonly labels: LabelSet
  /** Undefined for a whole row, or a name that was not found. */
  readonly column?: Column
  /** The entries whose whole row it is. */
  readonly row?: FromItem
  readonly found: boolean
}

/** An unqualified name: a column of the nearest level that has it, else a whole row, as the server looks it up. */
export function findName(scope: Scope | undefined, name: string): Reference {
  for (let level = scope; level; level = level.parent) {
    let found: Column | undefined
    let certain = false
    for (const item of level.items) {
      const column = item.find(name)
      if (!column) continue
      if (!item.open || item.columns.includes(column)) certain = true
      found = found ? both(found, column) : column
    }
    if (!found) continue
    if (certain) return { labels: found.labels, column: found, found: true }
    // Only an entry of unknown columns may have it: it may as well be an outer column or a row.
    const row = findRow(scope, undefined, name)
    const outer = level.parent ? findName(level.parent, name) : undefined
    let labels = found.labels
    if (row) labels = union(labels, row.row)
    if (outer?.found) labels = union(labels, outer.labels)
    return { labels, column: { ...found, labels }, found: true }
  }
  const row = findRow(scope, undefined, name)
  if (row) return { labels: row.row, row, found: true }
  return { labels: everythingInScope(scope), found: false }
}

/** The entry of that alias (and schema), in the nearest level. */
export function findRow(scope: Scope | undefined, schema: string | undefined, alias: string): FromItem | undefined {
  for (let level = scope; level; level = level.parent) {
    for (const item of level.items) {
      if (item.alias === alias && (schema === undefined || item.schema === undefined || item.schema === schema))
        return item
    }
  }
  return undefined
}

/** Labels of every entry in sight: what a name carries that was not found. */
function everythingInScope(scope: Scope | undefined): LabelSet {
  let labels = NO_LABELS
  for (let level = scope; level; level = level.parent) for (const item of level.items) labels = union(labels, item.row)
  return labels
}

/** The common table of that name in sight. */
export function findTable(tables: CommonTables | undefined, name: string): Relation | undefined {
  for (let level = tables; level; level = level.parent) {
    const found = level.find(name)
    if (found) return found
  }
  return undefined
}
