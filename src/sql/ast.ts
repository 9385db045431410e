import { SluiceError } from '../kit/errors.ts'
import { DEPTH_MAX } from './limits.ts'
import { KNOWN_NODES, STRUCT_FIELDS } from './nodes.ts'

/** A node of the syntax tree: the grammar's fields under their own names, and `nodeType`. An omitted field is zero, false or empty. */
export interface Node {
  readonly nodeType: string
  readonly [field: string]: unknown
}

const NONE: readonly Node[] = Object.freeze([])

/** A field holding one node. */
export function child(node: Node, field: string): Node | undefined {
  const value = node[field]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Node) : undefined
}

/** A field holding a list of nodes. */
export function children(node: Node, field: string): readonly Node[] {
  const value = node[field]
  return Array.isArray(value) ? value : NONE
}

/** A string or enum field; the empty string when omitted. */
export function word(node: Node, field: string): string {
  const value = node[field]
  return typeof value === 'string' ? value : ''
}

/** A boolean field. */
export function flag(node: Node, field: string): boolean {
  return node[field] === true
}

/** A numeric field; 0 when omitted. */
export function count(node: Node, field: string): number {
  const value = node[field]
  return typeof value === 'number' ? value : 0
}

/** The text of a String node, else the empty string. */
export function stringOf(node: Node | undefined): string {
  return node?.nodeType === 'String' ? word(node, 'sval') : ''
}

/** The String nodes of a list field as texts: a qualified name. */
export function names(node: Node, field: string): string[] {
  return children(node, field).map(stringOf)
}

/** Calls `visit` for every direct child node, in every field. */
export function eachChild(node: Node, visit: (child: Node) => void): void {
  for (const field in node) {
    const value = node[field]
    if (typeof value !== 'object' || value === null) continue
    if (!Array.isArray(value)) visit(value as Node)
    else for (const item of value) visit(item as Node)
  }
}

export interface Normalised {
  /** Types that are not in the table of nodes. */
  readonly unknown: readonly string[]
  /** How many nodes there are. */
  readonly nodes: number
  /** Highest number of a `$n`, 0 when there is none. */
  readonly parameters: number
}

type Json = Record<string, unknown>

/**
 * Turns libpg_query's JSON into {@link Node}s in place: names every node, gives versions 13 and 14 the field names of the later ones, and
 * bounds depth and size. Throws `sql.too_large`. Uses no recursion, so that it survives any tree the grammar lets through.
 */
export function normalise(statements: Json[], nodesMax: number): Normalised {
  const unknown = new Set<string>()
  const work: Json[] = []
  const depths: number[] = []
  let nodes = 0
  let parameters = 0
  const adopt = (value: Json, parent: string, field: string, depth: number): Json => {
    const [node, type] = unwrap(value, parent, field)
    if (type !== '' && !KNOWN_NODES.has(type)) unknown.add(type)
    node.nodeType = type
    if (++nodes > nodesMax) throw new SluiceError('sql.too_large', `more than ${nodesMax} grammar nodes`)
    if (depth > DEPTH_MAX) throw new SluiceError('sql.too_large', `nested deeper than ${DEPTH_MAX}`)
    if (type === 'ParamRef' && typeof node.number === 'number') parameters = Math.max(parameters, node.number)
    if (type === 'A_Const') constant(node)
    else if (type === 'String' && typeof node.str === 'string') node.sval = node.str
    else {
      work.push(node)
      depths.push(depth)
    }
    return node
  }
  for (const raw of statements) if (raw.stmt) raw.stmt = adopt(raw.stmt as Json, 'RawStmt', 'stmt', 0)
  while (work.length > 0) {
    const node = work.pop()!
    const depth = depths.pop()! + 1
    const parent = node.nodeType as string
    for (const field in node) {
      const value = node[field]
      if (typeof value !== 'object' || value === null) continue
      if (!Array.isArray(value)) node[field] = adopt(value as Json, parent, field, depth)
      else
        for (let i = 0; i < value.length; i++) {
          const item: unknown = value[i]
          if (typeof item === 'object' && item !== null) value[i] = adopt(item as Json, parent, field, depth)
          else unknown.add(`${parent}.${field}`)
        }
    }
  }
  return { unknown: [...unknown], nodes, parameters }
}

/** A node's own fields and its type. A wrapped node has one key, which starts with a capital; `{}` is a null pointer. */
function unwrap(value: Json, parent: string, field: string): [Json, string] {
  for (const key in value) {
    const first = key.charCodeAt(0)
    if (first >= 65 && first <= 90) return [value[key] as Json, key]
    return [value, STRUCT_FIELDS.get(field) ?? STRUCT_FIELDS.get(`${parent}.${field}`) ?? `${parent}.${field}`]
  }
  const struct = STRUCT_FIELDS.get(field) ?? STRUCT_FIELDS.get(`${parent}.${field}`)
  return [value, struct ?? '']
}

/** An A_Const becomes `{ type, value }` whatever the version. */
function constant(node: Json): void {
  const old = node.val as Json | undefined
  const [type, holder] = old ? olderConstant(old) : newerConstant(node)
  node.type = type
  node.value =
    holder === undefined
      ? null
      : (holder.ival ?? holder.fval ?? holder.boolval ?? holder.sval ?? holder.bsval ?? holder.str)
  if (type === 'integer') node.value ??= 0
  else if (type === 'boolean') node.value ??= false
  else if (type !== 'null') node.value ??= ''
  for (const field of ['val', 'ival', 'fval', 'boolval', 'sval', 'bsval']) delete node[field]
}

const OLDER: Readonly<Record<string, string>> = {
  Integer: 'integer',
  Float: 'float',
  String: 'string',
  BitString: 'bits',
  Null: 'null',
}

function olderConstant(val: Json): [string, Json | undefined] {
  for (const key in val) return [OLDER[key] ?? 'unknown', key === 'Null' ? undefined : (val[key] as Json)]
  return ['null', undefined]
}

function newerConstant(node: Json): [string, Json | undefined] {
  if (node.isnull === true) return ['null', undefined]
  if (node.ival) return ['integer', node.ival as Json]
  if (node.fval) return ['float', node.fval as Json]
  if (node.boolval) return ['boolean', node.boolval as Json]
  if (node.bsval) return ['bits', node.bsval as Json]
  return ['string', node.sval as Json | undefined]
}
