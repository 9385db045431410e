import { child, children, type Node, names, stringOf } from './ast.ts'

type Mutable = Record<string, unknown>

/**
 * Drops constants that say nothing: rows of VALUES that hold only constants, and constants of long IN lists and arrays, all but the first of
 * each. What is left means the same to the analysis; a bulk INSERT of a million rows becomes a handful of nodes. Works in place.
 */
export function prune(statements: readonly Node[]): void {
  const work: Node[] = [...statements]
  while (work.length > 0) {
    const node = work.pop()!
    shorten(node)
    for (const field in node) {
      const value = node[field]
      if (typeof value !== 'object' || value === null) continue
      if (!Array.isArray(value)) work.push(value as Node)
      else for (const one of value) if (one.nodeType !== 'A_Const') work.push(one)
    }
  }
}

// JSON text: a string, and objects up to the depth a constant has. Quotes inside strings are escaped, so none of these matches within one.
const STRING = '"(?:[^"\\\\]|\\\\.)*"'
const FLAT = `\\{(?:[^{}"]|${STRING})*\\}`
const NESTED = `\\{(?:[^{}"]|${STRING}|${FLAT})*\\}`
const CONSTANT = `\\{"A_Const":\\{(?:[^{}"]|${STRING}|${NESTED})*\\}\\}`
// Versions 13 and 14 write TRUE and FALSE as a cast.
const BOOLEAN = `\\{"TypeCast":\\{"arg":${CONSTANT},"typeName":\\{"names":\\[\\{"String":\\{"str":"pg_catalog"\\}\\},\\{"String":\\{"str":"bool"\\}\\}\\],[^{}]*\\},[^{}]*\\}\\}`
const ITEM = `(?:${CONSTANT}|${BOOLEAN}|\\{"SetToDefault":${FLAT}\\})`
const CONSTANT_ROW = new RegExp(`,\\{"List":\\{"items":\\[${ITEM}(?:,${ITEM})*\\]\\}\\}`, 'g')

/** Cuts lists of constants that follow another element out of a tree's JSON text: all rows of VALUES but the first, before anything is built of them. */
export function withoutConstantRows(json: string): string {
  return json.replace(CONSTANT_ROW, '')
}

/** How many nodes a tree has. Uses no recursion. */
export function countNodes(statements: readonly object[]): number {
  const work: object[] = [...statements]
  let nodes = 0
  while (work.length > 0) {
    nodes++
    for (const value of Object.values(work.pop()!)) {
      if (typeof value !== 'object' || value === null) continue
      if (!Array.isArray(value)) work.push(value)
      else for (const one of value) work.push(one)
    }
  }
  return nodes
}

function shorten(node: Node): void {
  if (node.nodeType === 'SelectStmt') {
    const rows = children(node, 'valuesLists')
    if (rows.length > 1) (node as Mutable).valuesLists = firstAndOthers(rows, isConstantRow)
  } else if (node.nodeType === 'BoolExpr') {
    const args = children(node, 'args')
    if (args.length > 1) (node as Mutable).args = withoutRepeats(args)
  } else if (node.nodeType === 'A_ArrayExpr') {
    const elements = children(node, 'elements')
    if (elements.length > 1) (node as Mutable).elements = firstAndOthers(elements, isConstant)
  } else if (node.nodeType === 'A_Expr' && node.kind === 'AEXPR_IN') {
    const list = child(node, 'rexpr')
    // With a constant on the left the list decides whether the condition holds for every row.
    if (list && !isConstant(child(node, 'lexpr')))
      (list as Mutable).items = firstAndOthers(children(list, 'items'), isConstant)
  }
}

/** Of comparisons of one column with constants (`a = 1 OR a = 2 …`) the first of each operator says all. */
function withoutRepeats(args: readonly Node[]): Node[] {
  const seen = new Set<string>()
  return args.filter((arg) => {
    const column = child(arg, 'lexpr')
    if (arg.nodeType !== 'A_Expr' || column?.nodeType !== 'ColumnRef' || !isConstant(child(arg, 'rexpr'))) return true
    // A pattern may hold for every row.
    if (arg.kind !== 'AEXPR_OP' || names(arg, 'name').at(-1)?.startsWith('~')) return true
    const key = `${names(arg, 'name').join('.')} ${children(column, 'fields')
      .map((one) => JSON.stringify(stringOf(one)))
      .join('.')}`
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

function firstAndOthers(nodes: readonly Node[], drop: (node: Node) => boolean): Node[] {
  return nodes.filter((node, i) => i === 0 || !drop(node))
}

function isConstantRow(row: Node): boolean {
  return (
    row.nodeType === 'List' &&
    children(row, 'items').every((item) => isConstant(item) || item.nodeType === 'SetToDefault')
  )
}

function isConstant(node: Node | undefined): boolean {
  return node?.nodeType === 'A_Const'
}
