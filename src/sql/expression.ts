import { child, children, count, eachChild, flag, type Node, names, stringOf, word } from './ast.ts'
import { callCanFail, castCanFail, nodeCanFail, operatorCanFail } from './fallible.ts'
import { judgeFunction } from './functions.ts'
import { SET_RETURNING } from './known-functions.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import { readQuery } from './query.ts'
import type { Reading } from './reading.ts'
import { findName, findRow, type Scope } from './scope.ts'

/** Where an expression stands: what is being read, and the names in sight. */
export interface Place {
  readonly reading: Reading
  readonly scope: Scope | undefined
}

/** Labels an expression's value carries: those of every column it touches, whatever is done to it (ATTACKS B3 to B8, B34). */
export function labelsOf(place: Place, node: Node | undefined): LabelSet {
  if (!node) return NO_LABELS
  place.reading.step()
  switch (node.nodeType) {
    case 'A_Const':
    case 'ParamRef':
    case 'TypeName':
    case 'SQLValueFunction':
    case 'GroupingFunc':
    case 'SetToDefault':
    case 'CurrentOfExpr':
    case 'MergeSupportFunc':
      return NO_LABELS
    case 'ColumnRef':
      return columnLabels(place, node)
    case 'A_Indirection':
      return indirectionLabels(place, node)
    case 'FuncCall':
      return callLabels(place, node)
    case 'SubLink':
      return subLinkLabels(place, node)
    case 'SelectStmt':
      return readQuery(place.reading, node, outer(place)).labels
    case 'CaseExpr':
      return caseLabels(place, node)
    case 'A_Expr':
      return operatorLabels(place, node)
    case 'TypeCast':
      return castLabels(place, node)
    case 'JsonObjectAgg':
    case 'JsonArrayAgg':
      return jsonAggregateLabels(place, node)
    case 'WindowDef':
      readWindow(place, node)
      return NO_LABELS
    default:
      return childLabels(place, node)
  }
}

/** Labels of several expressions. */
export function labelsOfAll(place: Place, nodes: readonly Node[]): LabelSet {
  let labels = NO_LABELS
  for (const node of nodes) labels = union(labels, labelsOf(place, node))
  return labels
}

/** An expression in a place that decides about rows, not about values: its labels are filters. */
export function readPredicate(place: Place, node: Node | undefined): LabelSet {
  const labels = labelsOf(place, node)
  place.reading.filter(labels)
  return labels
}

/** A window's partition, order and frame decide; they do not flow into the value. */
export function readWindow(place: Place, window: Node | undefined): void {
  if (!window) return
  for (const node of children(window, 'partitionClause')) readPredicate(place, node)
  for (const node of children(window, 'orderClause')) readPredicate(place, child(node, 'node'))
  readPredicate(place, child(window, 'startOffset'))
  readPredicate(place, child(window, 'endOffset'))
}

/** The level a subquery of this place looks outwards to. */
function outer(place: Place) {
  return { parent: place.scope, tables: place.scope?.tables }
}

function childLabels(place: Place, node: Node): LabelSet {
  let labels = NO_LABELS
  eachChild(node, (one) => {
    labels = union(labels, labelsOf(place, one))
  })
  if (nodeCanFail(node.nodeType)) place.reading.filter(labels)
  return labels
}

/** `c`, `t.c`, `s.t.c`, `t.*`: a column, a whole row, or a function call in attribute notation. */
function columnLabels(place: Place, node: Node): LabelSet {
  const { reading, scope } = place
  reading.step(scope?.items.length)
  const fields = children(node, 'fields')
  const star = fields[fields.length - 1]?.nodeType === 'A_Star'
  const path = fields.map(stringOf)
  if (star) path.pop()
  if (path.length === 0) return reading.referTo({ labels: everyRow(place), found: true })
  if (path.length === 1 && !star) return reading.referTo(findName(scope, path[0]!))
  // A database name in front changes nothing: the server refuses any but the current one.
  const [schema, alias, column] = star
    ? [path.at(-2), path.at(-1)!, undefined]
    : [path.at(-3), path.at(-2)!, path.at(-1)!]
  const item = findRow(scope, schema, alias)
  if (!item) return reading.referTo({ labels: union(findName(scope, alias).labels, everyRow(place)), found: false })
  if (column === undefined) return reading.referTo({ labels: item.row, row: item, found: true })
  const found = item.find(column)
  if (found && (!item.open || item.columns.includes(found)))
    return reading.referTo({ labels: found.labels, column: found, found: true })
  const labels = found ? found.labels : item.row
  return union(reading.referTo({ labels, found: true }), reading.attribute(column, item.open !== undefined))
}

function everyRow(place: Place): LabelSet {
  let labels = NO_LABELS
  for (let level = place.scope; level; level = level.parent) {
    for (const item of level.items) {
      labels = union(labels, item.row)
      place.reading.referRow(item)
    }
  }
  return labels
}

/** `(expression).field[1].other`. A field of a whole row in sight is that column alone. */
function indirectionLabels(place: Place, node: Node): LabelSet {
  const steps = children(node, 'indirection')
  const arg = child(node, 'arg')
  const exact = arg && rowField(place, arg, steps[0])
  let labels = exact ?? labelsOf(place, arg)
  const rest = exact === undefined ? steps : steps.slice(1)
  for (const step of rest) {
    if (step.nodeType === 'String') labels = union(labels, place.reading.attribute(stringOf(step)))
    else if (step.nodeType !== 'A_Star') labels = union(labels, labelsOf(place, step))
  }
  return labels
}

/** Labels of `(row).field` when `row` is certainly the whole row of an entry that has the field. */
function rowField(place: Place, arg: Node, step: Node | undefined): LabelSet | undefined {
  if (arg.nodeType !== 'ColumnRef' || step?.nodeType !== 'String') return undefined
  const path = names(arg, 'fields')
  if (path.length !== 1 || path[0] === '') return undefined
  const row = findName(place.scope, path[0]!).row
  const column = row?.columns.find((one) => one.name === stringOf(step))
  const found = column && row?.find(column.name)
  return found && place.reading.referTo({ labels: found.labels, column: found, found: true })
}

/** A call: a safe function carries what its arguments carry, a count nothing, anything else everything. */
function callLabels(place: Place, node: Node): LabelSet {
  const { reading } = place
  const path = names(node, 'funcname')
  const args = children(node, 'args').map((arg) => labelsOf(place, arg))
  let labels = args.reduce(union, NO_LABELS)
  const order = children(node, 'agg_order')
  for (const sort of order) {
    const sorted = readPredicate(place, child(sort, 'node'))
    // An ordered-set aggregate's sort expressions are what it aggregates.
    if (flag(node, 'agg_within_group')) labels = union(labels, sorted)
  }
  readPredicate(place, child(node, 'agg_filter'))
  readWindow(place, child(node, 'over'))
  if (flag(node, 'agg_distinct')) reading.filter(labels)
  const verdict = judgeFunction(path, reading.names)
  const name = path[path.length - 1] ?? ''
  // Code of the users may write its arguments anywhere.
  if (verdict.carries || verdict.opaque) reading.copy(labels)
  reading.filter(callCanFail(name, args))
  // How many rows it gives tells its arguments: `count(*)` over generate_series(1, x) is x.
  if (!verdict.safe || SET_RETURNING.has(name)) reading.filter(labels)
  if (verdict.opaque) return union(labels, reading.everything)
  if (name !== 'count') return labels
  // Counting a column tells how many are NULL; counting an expression, for how many it holds.
  if (children(node, 'args').some((arg) => arg.nodeType !== 'ColumnRef')) reading.filter(labels)
  return NO_LABELS
}

/** A subquery in an expression. EXISTS gives no value of it; what decides it is a filter. */
function subLinkLabels(place: Place, node: Node): LabelSet {
  const test = labelsOf(place, child(node, 'testexpr'))
  const operator = names(node, 'operName')
  if (operator.length > 0 && !place.reading.operator(operator)) return usersCode(place, place.reading.everything)
  const subselect = child(node, 'subselect')
  if (!subselect) return test
  const inner = readQuery(place.reading, subselect, outer(place))
  return word(node, 'subLinkType') === 'EXISTS_SUBLINK' ? NO_LABELS : union(test, inner.labels)
}

function caseLabels(place: Place, node: Node): LabelSet {
  const tested = readPredicate(place, child(node, 'arg'))
  let labels = union(tested, labelsOf(place, child(node, 'defresult')))
  for (const when of children(node, 'args')) {
    labels = union(labels, readPredicate(place, child(when, 'expr')))
    labels = union(labels, labelsOf(place, child(when, 'result')))
  }
  return labels
}

function operatorLabels(place: Place, node: Node): LabelSet {
  const left = labelsOf(place, child(node, 'lexpr'))
  const right = operandLabels(place, node)
  const operator = names(node, 'name')
  place.reading.filter(operatorCanFail(operator.at(-1) ?? '', left, right))
  const labels = union(left, right)
  return place.reading.operator(operator) ? labels : usersCode(place, labels)
}

/** Code of the users gets these values: it may write them anywhere, and give back anything. */
function usersCode({ reading }: Place, labels: LabelSet): LabelSet {
  reading.copy(labels)
  return union(labels, reading.everything)
}

/** The right operand: an expression, or a list of them. */
function operandLabels(place: Place, node: Node): LabelSet {
  let labels = NO_LABELS
  eachChild(node, (one) => {
    if (one !== node.lexpr) labels = union(labels, labelsOf(place, one))
  })
  return labels
}

function castLabels(place: Place, node: Node): LabelSet {
  const labels = labelsOf(place, child(node, 'arg'))
  if (castCanFail(child(node, 'typeName'))) place.reading.filter(labels)
  return place.reading.cast(child(node, 'typeName')) ? labels : usersCode(place, labels)
}

function jsonAggregateLabels(place: Place, node: Node): LabelSet {
  const shared = child(node, 'constructor')
  const labels = labelsOf(place, child(node, 'arg'))
  if (!shared) return labels
  for (const sort of children(shared, 'agg_order')) readPredicate(place, child(sort, 'node'))
  readPredicate(place, child(shared, 'agg_filter'))
  readWindow(place, child(shared, 'over'))
  return labels
}

/** The name the server gives an output column that has none: the last field, the function, the construct. */
export function columnName(node: Node | undefined): string {
  return nameOf(node)?.name ?? '?column?'
}

const CONSTRUCTS: Readonly<Record<string, string>> = {
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  XmlSerialize: 'xmlserialize',
  GroupingFunc: 'grouping',
  MergeSupportFunc: 'merge_action',
  JsonParseExpr: 'json',
  JsonScalarExpr: 'json_scalar',
  JsonSerializeExpr: 'json_serialize',
  JsonObjectConstructor: 'json_object',
  JsonArrayConstructor: 'json_array',
  JsonArrayQueryConstructor: 'json_array',
  JsonObjectAgg: 'json_objectagg',
  JsonArrayAgg: 'json_arrayagg',
}

const JSON_FUNCTIONS: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
}

/** FigureColname of the server: strength 2 is a real name, 1 a weak one a cast may replace. */
function nameOf(node: Node | undefined): { name: string; strength: number } | undefined {
  if (!node) return undefined
  const strong = (name: string) => ({ name, strength: 2 })
  switch (node.nodeType) {
    case 'ColumnRef':
      return lastField(children(node, 'fields'))
    case 'A_Indirection':
      return lastField(children(node, 'indirection')) ?? nameOf(child(node, 'arg'))
    case 'FuncCall':
      return strong(names(node, 'funcname').at(-1) ?? '?column?')
    case 'CollateClause':
      return nameOf(child(node, 'arg'))
    case 'TypeCast': {
      const inner = nameOf(child(node, 'arg'))
      const type = child(node, 'typeName')
      const typed = type && (names(type, 'names').at(-1) ?? '')
      return inner?.strength === 2 || !typed ? inner : { name: typed, strength: 1 }
    }
    case 'CaseExpr': {
      const inner = nameOf(child(node, 'defresult'))
      return inner?.strength === 2 ? inner : { name: 'case', strength: 1 }
    }
    case 'MinMaxExpr':
      return strong(word(node, 'op') === 'IS_LEAST' ? 'least' : 'greatest')
    case 'A_Expr':
      return word(node, 'kind') === 'AEXPR_NULLIF' ? strong('nullif') : undefined
    case 'SQLValueFunction':
      return strong(word(node, 'op').replace('SVFOP_', '').replace(/_N$/, '').toLowerCase())
    case 'XmlExpr':
      return strong(word(node, 'op').replace('IS_', '').toLowerCase())
    case 'JsonFuncExpr':
      return strong(JSON_FUNCTIONS[word(node, 'op')] ?? '?column?')
    case 'SubLink':
      return subLinkName(node)
    default:
      return CONSTRUCTS[node.nodeType] === undefined ? undefined : strong(CONSTRUCTS[node.nodeType]!)
  }
}

function lastField(fields: readonly Node[]): { name: string; strength: number } | undefined {
  for (let i = fields.length - 1; i >= 0; i--)
    if (fields[i]!.nodeType === 'String') return { name: stringOf(fields[i]), strength: 2 }
  return undefined
}

function subLinkName(node: Node): { name: string; strength: number } | undefined {
  const type = word(node, 'subLinkType')
  if (type === 'EXISTS_SUBLINK') return { name: 'exists', strength: 2 }
  if (type === 'ARRAY_SUBLINK') return { name: 'array', strength: 2 }
  if (type !== 'EXPR_SUBLINK') return undefined
  let query = child(node, 'subselect')
  while (query && child(query, 'larg')) query = child(query, 'larg')
  const target = query && children(query, 'targetList')[0]
  if (!target) return undefined
  const given = word(target, 'name')
  return given !== '' ? { name: given, strength: 2 } : nameOf(child(target, 'val'))
}

/** A constant integer in ORDER BY or GROUP BY: the position of an output column. */
export function position(node: Node | undefined): number | undefined {
  return node?.nodeType === 'A_Const' && node.type === 'integer' ? count(node, 'value') : undefined
}
