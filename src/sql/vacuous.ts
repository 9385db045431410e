import { child, children, type Node, names, stringOf, word } from './ast.ts'

/** A constant's value, `undefined` for anything that is not constant, `null` for SQL NULL. */
type Constant = string | number | boolean | null | undefined

/** True when a WHERE holds for every row whatever the row: `true`, `1=1`, `x = x`, `a OR true`, `name LIKE '%'`. */
export function isVacuous(where: Node): boolean {
  return truth(where) === true
}

/** Three-valued, plus undefined for "depends on the row". */
function truth(node: Node | undefined): boolean | null | undefined {
  if (!node) return undefined
  switch (node.nodeType) {
    case 'BoolExpr':
      return connective(node)
    case 'A_Expr':
      return comparison(node)
    case 'NullTest': {
      const value = constantOf(child(node, 'arg'))
      if (value === undefined) return undefined
      return (value === null) === (word(node, 'nulltesttype') === 'IS_NULL')
    }
    case 'CoalesceExpr': {
      for (const arg of children(node, 'args')) {
        const value = truth(arg)
        if (value !== null) return value
      }
      return null
    }
    default: {
      const value = constantOf(node)
      if (typeof value === 'string') return isTrue(value)
      return typeof value === 'boolean' || value === null ? value : undefined
    }
  }
}

/** How the server reads a text as a boolean; whatever else it holds is an error there, so false is no loss. */
function isTrue(text: string): boolean {
  return /^(t|tr|tru|true|on|y|ye|yes|1)$/i.test(text.trim())
}

function connective(node: Node): boolean | null | undefined {
  const parts = children(node, 'args').map(truth)
  const kind = word(node, 'boolop')
  if (kind === 'NOT_EXPR') return typeof parts[0] === 'boolean' ? !parts[0] : parts[0]
  const [absorbing, neutral] = kind === 'AND_EXPR' ? [false, true] : [true, false]
  if (parts.includes(absorbing)) return absorbing
  if (parts.includes(undefined)) return isNullSplit(node, kind) ? true : undefined
  return parts.includes(null) ? null : neutral
}

/** `x IS NULL OR x IS NOT NULL`. */
function isNullSplit(node: Node, kind: string): boolean {
  if (kind !== 'OR_EXPR') return false
  const tests = children(node, 'args').filter((one) => one.nodeType === 'NullTest')
  return tests.some((a) =>
    tests.some(
      (b) => word(a, 'nulltesttype') !== word(b, 'nulltesttype') && sameColumn(child(a, 'arg'), child(b, 'arg')),
    ),
  )
}

function comparison(node: Node): boolean | null | undefined {
  const operator = names(node, 'name').at(-1) ?? ''
  const left = child(node, 'lexpr')
  const right = child(node, 'rexpr')
  const kind = word(node, 'kind')
  if ((kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE') && !operator.startsWith('!'))
    return /^%+$/.test(String(constantOf(right) ?? '')) ? true : undefined
  if (kind === 'AEXPR_IN' && right?.nodeType === 'List') return inList(left, children(right, 'items'), operator)
  if (kind !== 'AEXPR_OP') return undefined
  if (operator === '=' || operator === '<=' || operator === '>=') if (sameColumn(left, right)) return true
  const [a, b] = [constantOf(left), constantOf(right)]
  if (a === undefined || b === undefined) return operator.startsWith('~') && b === '' ? true : undefined
  if (a === null || b === null) return null
  return compare(operator, a, b)
}

function inList(left: Node | undefined, items: readonly Node[], operator: string): boolean | undefined {
  if (operator !== '=') return undefined
  const value = constantOf(left)
  const hit = items.some(
    (item) => sameColumn(left, item) || (value !== undefined && value !== null && constantOf(item) === value),
  )
  return hit ? true : undefined
}

function compare(operator: string, a: string | number | boolean, b: string | number | boolean): boolean | undefined {
  const [x, y] = typeof a === typeof b ? [a, b] : [String(a), String(b)]
  switch (operator) {
    case '=':
      return x === y
    case '<>':
      return x !== y
    case '<':
      return x < y
    case '>':
      return x > y
    case '<=':
      return x <= y
    case '>=':
      return x >= y
    default:
      return undefined
  }
}

function constantOf(node: Node | undefined): Constant {
  if (!node) return undefined
  if (node.nodeType === 'TypeCast') {
    const value = constantOf(child(node, 'arg'))
    const type = child(node, 'typeName')
    const isBoolean = type && names(type, 'names').at(-1) === 'bool'
    if (!isBoolean || typeof value !== 'string') return value
    // Versions 13 and 14 write the keywords TRUE and FALSE as a cast of a text.
    return isTrue(value)
  }
  if (node.nodeType !== 'A_Const') return undefined
  return node.type === 'float' ? Number(node.value) : (node.value as Constant)
}

function sameColumn(a: Node | undefined, b: Node | undefined): boolean {
  if (a?.nodeType !== 'ColumnRef' || b?.nodeType !== 'ColumnRef') return false
  const path = (node: Node) => children(node, 'fields').map(stringOf).join('\0')
  return path(a) === path(b)
}
