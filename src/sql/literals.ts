import { child, children, count, type Node, names, word } from './ast.ts'
import { SAFE_FUNCTIONS } from './known-functions.ts'

/** Types a literal may be cast to without the result naming an object or deciding a condition. */
const VALUE_TYPES: ReadonlySet<string> = new Set(
  `int2 int4 int8 float4 float8 numeric text varchar bpchar date time timetz timestamp timestamptz interval uuid json jsonb bytea inet cidr`.split(
    ' ',
  ),
)

/**
 * Byte offsets of the constants of a query that cannot change any fact the analysis states, whatever their value: compared with a column, an
 * item of VALUES or IN, an assigned value, a LIMIT. A list of what is allowed: anything else is left out, and its text is parsed exactly.
 */
export function harmlessConstants(statement: Node): number[] {
  const found: number[] = []
  readStatement(found, statement)
  return found
}

function readStatement(found: number[], node: Node | undefined): void {
  if (!node) return
  const withClause = child(node, 'withClause')
  if (withClause) for (const cte of children(withClause, 'ctes')) readStatement(found, child(cte, 'ctequery'))
  if (node.nodeType === 'SelectStmt') readSelect(found, node)
  else if (node.nodeType === 'InsertStmt') readInsert(found, node)
  else if (node.nodeType === 'UpdateStmt' || node.nodeType === 'DeleteStmt') {
    readTargets(found, children(node, 'targetList'))
    readFrom(found, [...children(node, 'fromClause'), ...children(node, 'usingClause')])
    readCondition(found, child(node, 'whereClause'))
  }
  const returning = child(node, 'returningClause')
  readTargets(found, returning ? children(returning, 'exprs') : children(node, 'returningList'))
}

function readSelect(found: number[], node: Node): void {
  readStatement(found, child(node, 'larg'))
  readStatement(found, child(node, 'rarg'))
  readTargets(found, children(node, 'targetList'))
  readFrom(found, children(node, 'fromClause'))
  readCondition(found, child(node, 'whereClause'))
  readCondition(found, child(node, 'havingClause'))
  for (const list of children(node, 'valuesLists')) for (const item of children(list, 'items')) readValue(found, item)
  // A bare constant in GROUP BY, DISTINCT ON or ORDER BY is the position of a column.
  for (const one of [...children(node, 'groupClause'), ...children(node, 'distinctClause')]) readNonConstant(found, one)
  for (const sort of children(node, 'sortClause')) readNonConstant(found, child(sort, 'node'))
  readValue(found, child(node, 'limitCount'))
  readValue(found, child(node, 'limitOffset'))
}

function readInsert(found: number[], node: Node): void {
  readStatement(found, child(node, 'selectStmt'))
  const conflict = child(node, 'onConflictClause')
  if (!conflict) return
  readTargets(found, children(conflict, 'targetList'))
  readCondition(found, child(conflict, 'whereClause'))
}

function readTargets(found: number[], targets: readonly Node[]): void {
  for (const target of targets) readValue(found, child(target, 'val'))
}

function readFrom(found: number[], nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.nodeType === 'RangeSubselect') readStatement(found, child(node, 'subquery'))
    else if (node.nodeType === 'JoinExpr') {
      readFrom(found, [child(node, 'larg')!, child(node, 'rarg')!])
      readCondition(found, child(node, 'quals'))
    }
  }
}

function readNonConstant(found: number[], node: Node | undefined): void {
  if (node && node.nodeType !== 'A_Const') readValue(found, node)
}

/** A condition: what compares constants with constants, or is one, decides whether it holds for every row. */
function readCondition(found: number[], node: Node | undefined): void {
  if (!node || isConstant(node)) return
  if (node.nodeType === 'BoolExpr' || node.nodeType === 'CoalesceExpr') {
    for (const arg of children(node, 'args')) readCondition(found, arg)
    return
  }
  if (node.nodeType === 'NullTest' && isConstant(child(node, 'arg'))) return
  if (node.nodeType === 'A_Expr' && isConstant(child(node, 'lexpr'))) {
    const right = child(node, 'rexpr')
    if (isConstant(right) || right?.nodeType === 'List') return
  }
  readValue(found, node)
}

function isConstant(node: Node | undefined): boolean {
  if (node?.nodeType === 'TypeCast') return isConstant(child(node, 'arg'))
  return node?.nodeType === 'A_Const'
}

const TRANSPARENT: ReadonlySet<string> = new Set([
  'A_Expr',
  'BoolExpr',
  'NullTest',
  'BooleanTest',
  'CoalesceExpr',
  'MinMaxExpr',
  'CaseExpr',
  'CaseWhen',
  'A_ArrayExpr',
  'RowExpr',
  'CollateClause',
  'A_Indirection',
  'A_Indices',
  'NamedArgExpr',
  'MultiAssignRef',
  'List',
])

const PARTS = [
  'lexpr',
  'rexpr',
  'args',
  'arg',
  'expr',
  'result',
  'defresult',
  'elements',
  'items',
  'lidx',
  'uidx',
  'indirection',
  'source',
]

/** A value: constants in it are harmless wherever the expression around them treats them as values. */
function readValue(found: number[], node: Node | undefined): void {
  if (!node) return
  if (node.nodeType === 'A_Const') found.push(count(node, 'location'))
  else if (TRANSPARENT.has(node.nodeType)) readParts(found, node, PARTS)
  else if (node.nodeType === 'TypeCast') {
    const type = child(node, 'typeName')
    if (type && VALUE_TYPES.has(names(type, 'names').at(-1) ?? '')) readValue(found, child(node, 'arg'))
  } else if (node.nodeType === 'FuncCall') {
    const path = names(node, 'funcname')
    if (SAFE_FUNCTIONS.has(path.at(-1) ?? '')) readParts(found, node, ['args'])
  } else if (node.nodeType === 'SubLink' && word(node, 'subLinkType') !== '') {
    readValue(found, child(node, 'testexpr'))
    readStatement(found, child(node, 'subselect'))
  }
}

function readParts(found: number[], node: Node, fields: readonly string[]): void {
  for (const field of fields) {
    const value = node[field]
    if (Array.isArray(value)) for (const one of value) readValue(found, one)
    else readValue(found, child(node, field))
  }
}
