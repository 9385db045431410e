import type { ASTNode } from '@marcbachmann/cel-js'

export type { ASTNode }

/** Direct children of a node, in source order. */
export function children(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return []
    case '.':
    case '.?':
      return [node.args[0]]
    case 'call':
      return node.args[1]
    case 'rcall':
      return [node.args[1], ...node.args[2]]
    case 'map':
      return node.args.flat()
    case '!_':
    case '-_':
      return [node.args]
    default:
      return node.args as readonly ASTNode[]
  }
}

/** Calls `visit` on the node and everything below it; `parent` is the node above. */
export function walk(
  node: ASTNode,
  visit: (node: ASTNode, parent: ASTNode | undefined) => void,
  parent?: ASTNode,
): void {
  visit(node, parent)
  for (const child of children(node)) walk(child, visit, node)
}

/** The literal string of a node, or undefined. */
export function stringOf(node: ASTNode | undefined): string | undefined {
  return node?.op === 'value' && typeof node.args === 'string' ? node.args : undefined
}

/** The literal strings of a list of literals, or undefined when anything in it is computed. */
export function stringsOf(node: ASTNode | undefined): readonly string[] | undefined {
  if (node?.op !== 'list') return undefined
  const words = node.args.map(stringOf)
  return words.every((word) => word !== undefined) ? words : undefined
}

/** `principal.actor.id` as its dotted path; `["x"]` counts like `.x`. Undefined for anything but a chain of names. */
export function pathOf(node: ASTNode): string | undefined {
  if (node.op === 'id') return node.args
  const field = node.op === '.' ? node.args[1] : node.op === '[]' ? stringOf(node.args[1]) : undefined
  if (field === undefined || (node.op !== '.' && node.op !== '[]')) return undefined
  const parent = pathOf(node.args[0])
  return parent === undefined ? undefined : `${parent}.${field}`
}
