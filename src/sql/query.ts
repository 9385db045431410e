import { effects } from '../model/effects.ts'
import { child, children, flag, type Node, names, stringOf, word } from './ast.ts'
import { columnName, labelsOf, type Place, position, readPredicate, readWindow } from './expression.ts'
import { type FromElement, readFrom } from './from.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import { readModification } from './modify.ts'
import type { Reading } from './reading.ts'
import { type Column, type CommonTables, findName, findRow, type Relation, relationOf, type Scope } from './scope.ts'
import { WithTables } from './with.ts'

/** What a query sees beyond itself: the levels around it and the common tables in sight. */
export interface Outer {
  readonly parent: Scope | undefined
  readonly tables: CommonTables | undefined
}

const READ = effects('read')
const SESSION = effects('session')

/** Reads any statement that has rows: its output columns with their labels. What it touches is noted on `reading`. */
export function readQuery(reading: Reading, node: Node, outer: Outer): Relation {
  reading.step()
  switch (node.nodeType) {
    case 'SelectStmt':
      return readSelect(reading, node, outer)
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
      return readModification(reading, node, outer)
    default:
      reading.giveUp()
      return { columns: undefined, labels: reading.everything }
  }
}

function readSelect(reading: Reading, node: Node, outer: Outer): Relation {
  reading.seen.add(node)
  reading.effects |= READ
  const inner = { parent: outer.parent, tables: tablesOf(reading, node, outer) }
  const into = child(node, 'intoClause')
  if (into) reading.into.push(into)
  if (word(node, 'op') !== 'SETOP_NONE' && child(node, 'larg')) return readSetOperation(reading, node, inner)
  if (children(node, 'valuesLists').length > 0) return readValues(reading, node, inner)
  return readPlain(reading, node, inner)
}

/** The common tables a statement's own WITH adds to those around it. */
export function tablesOf(reading: Reading, node: Node, outer: Outer): CommonTables | undefined {
  const clause = child(node, 'withClause')
  return clause ? new WithTables(reading, clause, outer) : outer.tables
}

function readPlain(reading: Reading, node: Node, outer: Outer): Relation {
  const elements: FromElement[] = []
  const items: FromElement['items'][number][] = []
  for (const from of children(node, 'fromClause')) {
    const element = readFrom({ reading, outer, left: items }, from)
    elements.push(element)
    items.push(...element.items)
  }
  const scope: Scope = { items, parent: outer.parent, tables: outer.tables }
  const place: Place = { reading, scope }
  readPredicate(place, child(node, 'whereClause'))
  const output = readTargets(place, children(node, 'targetList'), elements)
  for (const group of children(node, 'groupClause')) readGroup(place, group, output)
  readPredicate(place, child(node, 'havingClause'))
  for (const window of children(node, 'windowClause')) readWindow(place, window)
  readDistinct(place, node, output)
  readTail(place, node, output)
  return output
}

/** The output columns of a target or RETURNING list. `elements`: what a bare `*` stands for, in order. */
export function readTargets(place: Place, targets: readonly Node[], elements: readonly FromElement[]): Relation {
  const columns: Column[] = []
  let labels = NO_LABELS
  let known = true
  for (const target of targets) {
    const expanded = readTarget(place, target, elements)
    labels = union(labels, expanded.labels)
    if (!expanded.columns) known = false
    else columns.push(...expanded.columns)
    place.reading.step(expanded.columns?.length)
  }
  return { columns: known ? columns : undefined, labels }
}

function readTarget(place: Place, target: Node, elements: readonly FromElement[]): Relation {
  const value = child(target, 'val')
  const star = value && expandStar(place, value, elements)
  if (star) return star
  const labels = labelsOf(place, value)
  const given = word(target, 'name')
  const plain = value !== undefined && isPlain(place, value)
  return { columns: [{ name: given === '' ? columnName(value) : given, labels, plain }], labels }
}

/** True for a bare column whose values are stored ones, also when it is cast to unbounded text. */
function isPlain(place: Place, value: Node): boolean {
  if (value.nodeType === 'TypeCast') {
    const type = child(value, 'typeName')
    const bounded = !type || children(type, 'typmods').length > 0 || children(type, 'arrayBounds').length > 0
    const arg = child(value, 'arg')
    return !bounded && arg !== undefined && names(type, 'names').at(-1) === 'text' && isPlain(place, arg)
  }
  if (value.nodeType !== 'ColumnRef') return false
  const path = names(value, 'fields')
  const name = path.at(-1) ?? ''
  if (path.length === 1) return findName(place.scope, name).column?.plain === true
  return findRow(place.scope, path.at(-3), path.at(-2)!)?.find(name)?.plain === true
}

/** `*`, `t.*`, `(row).*`; undefined when the target is no star. */
function expandStar(place: Place, value: Node, elements: readonly FromElement[]): Relation | undefined {
  const fields = children(value, value.nodeType === 'A_Indirection' ? 'indirection' : 'fields')
  if (fields[fields.length - 1]?.nodeType !== 'A_Star') return undefined
  if (value.nodeType === 'ColumnRef' && fields.length === 1) return expandAll(place, elements)
  if (value.nodeType === 'ColumnRef') {
    const path = fields.slice(0, -1).map(stringOf)
    return expandRow(place, value, findRow(place.scope, path.at(-2), path.at(-1)!))
  }
  const arg = child(value, 'arg')
  const path = arg?.nodeType === 'ColumnRef' ? names(arg, 'fields') : []
  const row = fields.length === 1 && path.length === 1 ? findName(place.scope, path[0]!).row : undefined
  return expandRow(place, value, row)
}

function expandAll(place: Place, elements: readonly FromElement[]): Relation {
  const columns: Column[] = []
  let labels = NO_LABELS
  let known = true
  for (const element of elements) {
    for (const item of element.items) {
      place.reading.referRow(item)
      labels = union(labels, item.row)
    }
    if (element.columns) columns.push(...element.columns)
    else known = false
  }
  return { columns: known ? columns : undefined, labels }
}

function expandRow(place: Place, value: Node, row: FromElement['items'][number] | undefined): Relation {
  const labels = labelsOf(place, value)
  if (!row || row.open) return { columns: undefined, labels }
  return { columns: row.columns, labels }
}

/** VALUES lists: `column1`, `column2` … each with the labels of all its rows. */
export function readValues(reading: Reading, node: Node, outer: Outer): Relation {
  const scope: Scope = { items: [], parent: outer.parent, tables: outer.tables }
  const place: Place = { reading, scope }
  let labels: LabelSet[] = []
  for (const list of children(node, 'valuesLists')) {
    const row = children(list, 'items').map((item) => labelsOf(place, item))
    labels = row.map((one, i) => union(labels[i] ?? NO_LABELS, one))
  }
  const output = relationOf(labels.map((one, i) => ({ name: `column${i + 1}`, labels: one })))
  readTail(place, node, output)
  return output
}

/** UNION, INTERSECT, EXCEPT: columns by position. All but UNION ALL compare values, which lets a guess be tested (ATTACKS B32). */
function readSetOperation(reading: Reading, node: Node, outer: Outer): Relation {
  const left = readQuery(reading, child(node, 'larg')!, outer)
  const right = child(node, 'rarg') ? readQuery(reading, child(node, 'rarg')!, outer) : left
  const output = unite(left, right)
  if (word(node, 'op') !== 'SETOP_UNION' || !flag(node, 'all')) reading.filter(output.labels)
  readTail({ reading, scope: { items: [], parent: outer.parent, tables: outer.tables } }, node, output)
  return output
}

/** Columns of two branches, by position, under the first one's names. */
export function unite(left: Relation, right: Relation): Relation {
  const labels = union(left.labels, right.labels)
  if (!left.columns || !right.columns || left.columns.length !== right.columns.length)
    return { columns: undefined, labels }
  const others = right.columns
  const columns = left.columns.map((one, i) => ({
    name: one.name,
    labels: union(one.labels, others[i]!.labels),
    plain: one.plain === true && others[i]!.plain === true,
  }))
  return { columns, labels }
}

function readDistinct(place: Place, node: Node, output: Relation): void {
  const distinct = children(node, 'distinctClause')
  if (distinct.length === 1 && distinct[0]!.nodeType === '') place.reading.filter(output.labels)
  else for (const one of distinct) readOrdinal(place, one, output)
}

/** ORDER BY, LIMIT, OFFSET and locking clauses. */
function readTail(place: Place, node: Node, output: Relation): void {
  for (const sort of children(node, 'sortClause')) readOrdinal(place, child(sort, 'node'), output)
  readPredicate(place, child(node, 'limitCount'))
  readPredicate(place, child(node, 'limitOffset'))
  for (const locking of children(node, 'lockingClause')) {
    // FOR UPDATE writes no data, it holds rows against other sessions.
    place.reading.effects |= SESSION
    for (const relation of children(locking, 'lockedRels')) place.reading.seen.add(relation)
  }
}

/** An ORDER BY or DISTINCT ON expression: an output column by position or name, else an expression over the input. */
function readOrdinal(place: Place, node: Node | undefined, output: Relation): void {
  const labels = outputColumn(node, output)
  if (labels) place.reading.filter(labels)
  else readPredicate(place, node)
}

/** GROUP BY: a position, an input column, or else an output column's name. */
function readGroup(place: Place, node: Node, output: Relation): void {
  if (node.nodeType === 'GroupingSet') {
    for (const one of children(node, 'content')) readGroup(place, one, output)
    return
  }
  const path = node.nodeType === 'ColumnRef' ? names(node, 'fields') : []
  const isInput = path.length !== 1 || findName(place.scope, path[0]!).found
  const labels = isInput && position(node) === undefined ? undefined : outputColumn(node, output)
  if (labels) place.reading.filter(labels)
  else readPredicate(place, node)
}

function outputColumn(node: Node | undefined, output: Relation): LabelSet | undefined {
  const at = position(node)
  if (at !== undefined) return output.columns ? (output.columns[at - 1]?.labels ?? NO_LABELS) : output.labels
  if (node?.nodeType !== 'ColumnRef') return undefined
  const path = names(node, 'fields')
  const found = path.length === 1 ? output.columns?.filter((column) => column.name === path[0]) : undefined
  if (!found || found.length === 0) return undefined
  return found.reduce((labels, column) => union(labels, column.labels), NO_LABELS)
}
