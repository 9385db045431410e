import type { EffectSet } from '../model/effects.ts'
import { child, eachChild, type Node, names, word } from './ast.ts'
import { KNOWN_NODES } from './nodes.ts'
import { readQuery } from './query.ts'
import { type Reading, rangeVar } from './reading.ts'
import { readConfigCall, readSet } from './settings.ts'

const EQUALS: readonly string[] = ['=']

/**
 * Visits every node of a statement, whatever its place in the grammar: calls, operators, casts and settings count wherever they stand, and a
 * query or relation that no reader has seen is read here without names in sight. What is not known makes the statement opaque.
 */
export class Sweep {
  readonly #reading: Reading
  /** What the statement does to a relation that is merely named in it. */
  readonly #effect: EffectSet
  /** Parts that another reading covers. */
  readonly #skip: ReadonlySet<Node>
  /** Calls of set_config, which a simple SELECT may consist of. */
  readonly configCalls: Node[] = []

  constructor(reading: Reading, effect: EffectSet, skip: ReadonlySet<Node> = new Set()) {
    this.#reading = reading
    this.#effect = effect
    this.#skip = skip
  }

  /** Visits a node and everything below it. */
  visit(node: Node): void {
    if (this.#skip.has(node)) return
    this.#meet(node)
    eachChild(node, (one) => this.visit(one))
  }

  #meet(node: Node): void {
    const reading = this.#reading
    switch (node.nodeType) {
      case '':
        return
      case 'FuncCall':
        return this.#call(node)
      case 'A_Expr':
        return this.#operators(node)
      case 'SubLink':
        if (node.operName) reading.operator(names(node, 'operName'))
        else if (node.testexpr) reading.operator(EQUALS)
        return
      case 'CaseExpr':
        if (node.arg) reading.operator(EQUALS)
        return
      case 'JoinExpr':
        if (node.isNatural || node.usingClause) reading.operator(EQUALS)
        return
      case 'SortBy':
        if (node.useOp) reading.operator(names(node, 'useOp'))
        return
      case 'TypeCast':
      case 'XmlSerialize':
      case 'JsonOutput':
      case 'JsonTableColumn':
      case 'RangeTableFuncCol':
        reading.cast(child(node, 'typeName'))
        return
      case 'VariableSetStmt':
        return readSet(reading, node)
      case 'RangeVar':
        if (!reading.seen.has(node)) reading.touch(rangeVar(reading, node), this.#effect)
        return
      case 'SelectStmt':
      case 'InsertStmt':
      case 'UpdateStmt':
      case 'DeleteStmt':
      case 'MergeStmt':
        if (!reading.seen.has(node))
          reading.refer(readQuery(reading, node, { parent: undefined, tables: undefined }).labels)
        return
      default:
        if (!KNOWN_NODES.has(node.nodeType)) reading.giveUp()
    }
  }

  /** Some constructs stand for operators they do not name. */
  #operators(node: Node): void {
    const kind = word(node, 'kind')
    if (!kind.includes('BETWEEN')) this.#reading.operator(names(node, 'name'))
    else for (const name of ['<=', '>=', '<', '>']) this.#reading.operator([name])
  }

  #call(node: Node): void {
    const path = names(node, 'funcname')
    this.#reading.call(path)
    if (path[path.length - 1] !== 'set_config') return
    this.configCalls.push(node)
    readConfigCall(this.#reading, node)
  }
}
