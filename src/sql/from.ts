import { effects } from '../model/effects.ts'
import { child, children, flag, type Node, names, stringOf, word } from './ast.ts'
import { columnName, labelsOf, labelsOfAll, type Place, readPredicate } from './expression.ts'
import { judgeFunction } from './functions.ts'
import { ONE_COLUMN, ROW_FUNCTIONS } from './known-functions.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import { type Outer, readQuery } from './query.ts'
import { aliasOf, type Reading, rangeVar } from './reading.ts'
import { type Column, FromItem, findTable, type Relation, type Scope } from './scope.ts'

/** One element of FROM: the entries its names reach, and the columns a bare `*` takes from it. */
export interface FromElement {
  readonly items: readonly FromItem[]
  /** Undefined when they cannot be told. */
  readonly columns: readonly Column[] | undefined
}

interface FromPlace {
  readonly reading: Reading
  readonly outer: Outer
  /** Entries to the left, which LATERAL and functions may use. */
  readonly left: readonly FromItem[]
}

const READ = effects('read')

/** Reads one element of FROM. */
export function readFrom(place: FromPlace, node: Node): FromElement {
  place.reading.step()
  switch (node.nodeType) {
    case 'RangeVar':
      return readRangeVar(place, node)
    case 'RangeSubselect':
      return readSubselect(place, node)
    case 'JoinExpr':
      return readJoin(place, node)
    case 'RangeFunction':
      return readFunction(place, node)
    case 'RangeTableSample':
      return readSample(place, node)
    case 'RangeTableFunc':
    case 'JsonTable':
      return readTableFunction(place, node)
    default:
      place.reading.giveUp()
      return single(new FromItem('', [], { open: { labels: place.reading.everything } }))
  }
}

function single(item: FromItem): FromElement {
  return { items: [item], columns: item.open ? undefined : item.columns }
}

/** The names to the left, for LATERAL. */
function lateral(place: FromPlace): Scope {
  return { items: place.left, parent: place.outer.parent, tables: place.outer.tables }
}

function readRangeVar(place: FromPlace, node: Node): FromElement {
  const alias = aliasOf(node)
  const name = word(node, 'relname')
  const table = word(node, 'schemaname') === '' ? findTable(place.outer.tables, name) : undefined
  if (table) {
    place.reading.seen.add(node)
    return single(aliased(node, table, alias ?? name))
  }
  const only = !flag(node, 'inh')
  const named = rangeVar(place.reading, node)
  place.reading.touch(named, READ, only)
  const item = place.reading.names.item(named, alias, only)
  return single(renamed(node, item))
}

/** An entry for a query under an alias, with its column aliases. */
function aliased(node: Node, relation: Relation, name: string): FromItem {
  const open = relation.columns ? undefined : { labels: relation.labels }
  return renamed(node, new FromItem(name, relation.columns ?? [], { open }))
}

/** Applies the alias's column names, which go by position. */
function renamed(node: Node, item: FromItem): FromItem {
  const alias = child(node, 'alias')
  const given = alias ? names(alias, 'colnames') : []
  if (given.length === 0) return item
  if (item.open) {
    const labels = item.row
    const columns = given.map((name) => ({ name, labels }))
    return new FromItem(item.alias, columns, { open: { labels }, relation: item.relation })
  }
  const columns = item.columns.map((column, i) => ({ ...column, name: given[i] ?? column.name }))
  return new FromItem(item.alias, columns, { relation: item.relation })
}

function readSubselect(place: FromPlace, node: Node): FromElement {
  const query = child(node, 'subquery')
  const outer = flag(node, 'lateral') ? { parent: lateral(place), tables: place.outer.tables } : place.outer
  const relation = query
    ? readQuery(place.reading, query, outer)
    : { columns: undefined, labels: place.reading.everything }
  // Without an alias (allowed since version 16) its columns are reached by their bare names.
  return single(aliased(node, relation, aliasOf(node) ?? ''))
}

function readJoin(place: FromPlace, node: Node): FromElement {
  const left = readFrom(place, child(node, 'larg')!)
  const right = readFrom({ ...place, left: [...place.left, ...left.items] }, child(node, 'rarg')!)
  const items = [...left.items, ...right.items]
  const merged = mergedColumns(place.reading, node, left, right)
  const scope: Scope = { items, parent: place.outer.parent, tables: place.outer.tables }
  readPredicate({ reading: place.reading, scope }, child(node, 'quals'))
  const columns = joinColumns(merged, left, right)
  const usingAlias = child(node, 'join_using_alias')
  if (usingAlias) items.push(new FromItem(word(usingAlias, 'aliasname'), merged))
  if (!child(node, 'alias')) return { items, columns }
  let labels = NO_LABELS
  for (const item of items) labels = union(labels, item.row)
  const item = new FromItem(aliasOf(node)!, columns ?? [], { open: columns ? undefined : { labels } })
  return single(renamed(node, item))
}

/** The columns USING or NATURAL merges: either side's value, and a comparison of both. */
function mergedColumns(reading: Reading, node: Node, left: FromElement, right: FromElement): Column[] {
  const natural = flag(node, 'isNatural')
  const shared = natural ? commonNames(left, right) : names(node, 'usingClause')
  // Nobody can tell which columns a NATURAL join of an unknown relation compares.
  if (natural) for (const item of [...left.items, ...right.items]) if (item.open) reading.filter(item.open.labels)
  return shared.map((name) => {
    let labels = NO_LABELS
    for (const item of [...left.items, ...right.items]) {
      const column = item.find(name)
      if (column) labels = union(labels, reading.referTo({ labels: column.labels, column, found: true }))
    }
    reading.filter(labels)
    return { name, labels }
  })
}

function commonNames(left: FromElement, right: FromElement): string[] {
  const known = (element: FromElement) => element.columns ?? element.items.flatMap((item) => item.columns)
  const others = new Set(known(right).map((column) => column.name))
  return [...new Set(known(left).map((column) => column.name))].filter((name) => others.has(name))
}

/** The join's own columns in order: merged ones first, then the left's, then the right's. */
function joinColumns(merged: readonly Column[], left: FromElement, right: FromElement): Column[] | undefined {
  if (!left.columns || !right.columns) return undefined
  const gone = new Set(merged.map((column) => column.name))
  const rest = [...left.columns, ...right.columns].filter((column) => !gone.has(column.name))
  return [...merged, ...rest]
}

/** Functions in FROM, one or several side by side (ROWS FROM), perhaps WITH ORDINALITY. Their arguments may use what is to the left. */
function readFunction(place: FromPlace, node: Node): FromElement {
  const alias = aliasOf(node)
  const inner: Place = { reading: place.reading, scope: lateral(place) }
  const columns: Column[] = []
  let labels = NO_LABELS
  let known = true
  let firstName = ''
  const functions = children(node, 'functions')
  for (const list of functions) {
    const [call, definitions] = children(list, 'items')
    if (!call) continue
    const listed = definitions?.nodeType === 'List' ? children(definitions, 'items') : children(node, 'coldeflist')
    const made = functionColumns(inner, call, listed, functions.length === 1 ? alias : undefined)
    if (firstName === '') firstName = columnName(call)
    labels = union(labels, made.labels)
    if (made.columns) columns.push(...made.columns)
    else known = false
  }
  if (flag(node, 'ordinality')) columns.push({ name: 'ordinality', labels: NO_LABELS })
  const relation = { columns: known ? columns : undefined, labels }
  return single(aliased(node, relation, alias ?? firstName))
}

/** What one function of FROM gives. */
function functionColumns(place: Place, call: Node, definitions: readonly Node[], alias: string | undefined): Relation {
  let labels = labelsOf(place, call)
  if (definitions.length > 0) {
    for (const one of definitions)
      if (!place.reading.cast(child(one, 'typeName'))) labels = union(labels, place.reading.everything)
    return { columns: definitions.map((one) => ({ name: word(one, 'colname'), labels })), labels }
  }
  if (call.nodeType !== 'FuncCall') return { columns: [{ name: alias ?? columnName(call), labels }], labels }
  const path = names(call, 'funcname')
  const name = path[path.length - 1] ?? ''
  if (!judgeFunction(path, place.reading.names).safe) return { columns: undefined, labels }
  const row = ROW_FUNCTIONS.get(name)
  if (row) return { columns: row.map((one) => ({ name: one, labels })), labels }
  if (!ONE_COLUMN.has(name) && !isPlainUnnest(name, call)) return { columns: undefined, labels }
  return { columns: [{ name: alias ?? name, labels }], labels }
}

/** `unnest` of one array whose elements are certainly no rows: a constructor of constants, or a cast to an array of a built-in type. */
function isPlainUnnest(name: string, call: Node): boolean {
  const args = children(call, 'args')
  if (name !== 'unnest' || args.length !== 1) return false
  const arg = args[0]!
  if (arg.nodeType === 'A_ArrayExpr')
    return children(arg, 'elements').every((one) => one.nodeType === 'A_Const' || isBuiltInCast(one))
  return arg.nodeType === 'TypeCast' && isBuiltInCast(arg)
}

const PLAIN_TYPES: ReadonlySet<string> = new Set(
  'bool int2 int4 int8 float4 float8 numeric text varchar bpchar date time timetz timestamp timestamptz interval uuid oid name bytea jsonb json'.split(
    ' ',
  ),
)

function isBuiltInCast(node: Node): boolean {
  const type = node.nodeType === 'TypeCast' ? child(node, 'typeName') : undefined
  const path = type ? children(type, 'names').map(stringOf) : []
  return PLAIN_TYPES.has(path[path.length - 1] ?? '') && (path.length === 1 || path[0] === 'pg_catalog')
}

function readSample(place: FromPlace, node: Node): FromElement {
  const method = names(node, 'method')
  const builtIn = method.length === 1 && (method[0] === 'system' || method[0] === 'bernoulli')
  if (!builtIn) place.reading.call(method)
  const scope = lateral(place)
  for (const arg of [...children(node, 'args'), child(node, 'repeatable')])
    readPredicate({ reading: place.reading, scope }, arg)
  const relation = child(node, 'relation')
  if (relation) return readFrom(place, relation)
  place.reading.giveUp()
  return single(new FromItem('', [], { open: { labels: place.reading.everything } }))
}

/** XMLTABLE and JSON_TABLE: every column carries what the document and the paths carry. */
function readTableFunction(place: FromPlace, node: Node): FromElement {
  const inner: Place = { reading: place.reading, scope: lateral(place) }
  let labels: LabelSet = NO_LABELS
  const fields = ['docexpr', 'rowexpr', 'context_item', 'pathspec', 'on_error']
  for (const field of fields) labels = union(labels, labelsOf(inner, child(node, field)))
  labels = union(labels, labelsOfAll(inner, children(node, 'namespaces')))
  labels = union(labels, labelsOfAll(inner, children(node, 'passing')))
  labels = union(labels, labelsOfAll(inner, children(node, 'columns')))
  // Its rows are as many as the document says.
  place.reading.filter(labels)
  const columns = tableColumns(children(node, 'columns'), labels)
  const name = node.nodeType === 'JsonTable' ? 'json_table' : 'xmltable'
  return single(aliased(node, { columns, labels }, aliasOf(node) ?? name))
}

function tableColumns(nodes: readonly Node[], labels: LabelSet): Column[] {
  return nodes.flatMap((node) => {
    const nested = tableColumns(children(node, 'columns'), labels)
    const name = word(node, node.nodeType === 'JsonTableColumn' ? 'name' : 'colname')
    return word(node, 'coltype') === 'JTC_NESTED' ? nested : [{ name, labels }, ...nested]
  })
}
