import { type EffectSet, effectBit } from '../../model/effects.ts'
import { type ASTNode, pathOf, stringOf, stringsOf, walk } from './tree.ts'

/** What a condition's truth says before it is evaluated. All of it errs on the side of evaluating. */

/** True when the answer may differ between two calls of one operation by one principal on one resource. */
export function isVolatile(root: ASTNode): boolean {
  let found = false
  walk(root, (node, parent) => {
    if (node.op !== 'id') return
    if (node.args === 'now' || node.args === 'session') found = true
    // `op` used whole (bound to a name, put in a list, indexed by a computed key) may have its text read out of sight.
    if (node.args === 'op' && !usesFieldOf(parent, node)) found = true
  })
  return found
}

function usesFieldOf(parent: ASTNode | undefined, op: ASTNode): boolean {
  if (parent?.op === '.') return parent.args[1] !== 'text'
  return parent?.op === 'rcall' && parent.args[1] === op
}

/** Stands for "true whatever the effects". */
export const ANY_EFFECTS: EffectSet = -1

/** Effects of which an operation must have at least one for the condition to be true. */
export function neededEffects(node: ASTNode): EffectSet {
  if (node.op === '&&') return narrower(neededEffects(node.args[0]), neededEffects(node.args[1]))
  if (node.op === '||') return neededEffects(node.args[0]) | neededEffects(node.args[1])
  if (node.op !== 'rcall' || node.args[0] !== 'has') return ANY_EFFECTS
  const [, receiver, args] = node.args
  if (receiver.op !== 'id' || receiver.args !== 'op') return ANY_EFFECTS
  const word = stringOf(args[0])
  const words = word === undefined ? stringsOf(args[0]) : [word]
  return words === undefined ? ANY_EFFECTS : words.reduce((set, each) => set | effectBit(each), 0)
}

function narrower(a: EffectSet, b: EffectSet): EffectSet {
  if (a === ANY_EFFECTS) return b
  if (b === ANY_EFFECTS) return a
  return bits(a) <= bits(b) ? a : b
}

function bits(set: EffectSet): number {
  let count = 0
  for (let rest = set; rest !== 0; rest &= rest - 1) count += 1
  return count
}

/** `path=value`, or `path~value` for membership in a list: one of a condition's keys must hold for it to be true. */
export interface IndexKeys {
  readonly keys: readonly string[]
  /** The higher, the fewer requests hold one. */
  readonly worth: number
}

const WORTH: Readonly<Record<string, number>> = {
  'principal.kind': 1,
  'resource.protocol': 1,
  'principal.groups': 3,
  'resource.name': 4,
  'principal.id': 5,
}

/** Keys by which a rule can be found without evaluating it, or undefined. */
export function indexKeys(node: ASTNode): IndexKeys | undefined {
  if (node.op === '&&') {
    const [a, b] = [indexKeys(node.args[0]), indexKeys(node.args[1])]
    return a === undefined || (b !== undefined && b.worth > a.worth) ? b : a
  }
  if (node.op === '||') {
    const [a, b] = [indexKeys(node.args[0]), indexKeys(node.args[1])]
    return a && b && { keys: [...a.keys, ...b.keys], worth: Math.min(a.worth, b.worth) }
  }
  if (node.op === '==') return equality(node.args[0], node.args[1]) ?? equality(node.args[1], node.args[0])
  if (node.op === 'in') return membership(node.args[0], node.args[1])
  return undefined
}

function equality(field: ASTNode, literal: ASTNode): IndexKeys | undefined {
  const value = stringOf(literal)
  return value === undefined ? undefined : keysFor(field, [value])
}

function membership(left: ASTNode, right: ASTNode): IndexKeys | undefined {
  const value = stringOf(left)
  if (value !== undefined)
    return pathOf(right) === 'principal.groups' ? { keys: [`principal.groups~${value}`], worth: 3 } : undefined
  const values = stringsOf(right)
  return values && keysFor(left, values)
}

function keysFor(field: ASTNode, values: readonly string[]): IndexKeys | undefined {
  const path = pathOf(field)
  // "" is what a missing label reads as: no request carries a key for what it has not.
  if (path === undefined || values.includes('')) return undefined
  const worth = path === 'principal.groups' ? undefined : path.startsWith('resource.labels.') ? 2 : WORTH[path]
  return worth === undefined ? undefined : { keys: values.map((value) => `${path}=${value}`), worth }
}
