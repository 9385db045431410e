import { effects } from '../model/effects.ts'
import { child, children, type Node, names, stringOf, word } from './ast.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import type { ParsedMessage } from './message.ts'
import { readQuery } from './query.ts'
import { Reading } from './reading.ts'
import { Sweep } from './sweep.ts'

const READ = effects('read')

/** Parts of a definition that run later, if at all: their effects are not the statement's, but what they name is. */
export function deferredParts(node: Node): Node[] {
  switch (node.nodeType) {
    case 'ViewStmt':
      return present([child(node, 'query')])
    case 'RuleStmt':
      return present([...children(node, 'actions'), child(node, 'whereClause')])
    case 'CreateTrigStmt':
      return present([child(node, 'whenClause')])
    case 'CreateFunctionStmt':
      return present([child(node, 'sql_body')])
    default:
      return []
  }
}

function present(nodes: readonly (Node | undefined)[]): Node[] {
  return nodes.filter((node) => node !== undefined)
}

/** Reads deferred parts apart from the statement: relations, columns and functions they name become facts, their effects do not. */
export function readDeferred(reading: Reading, parts: readonly Node[]): void {
  const [before, calls, sensitive] = [reading.effects, reading.callEffects, reading.sensitive]
  const hasWhere = reading.hasWhere
  for (const part of parts) new Sweep(reading, READ).visit(part)
  const unknown = (reading.effects | reading.callEffects) & UNKNOWN
  reading.effects = before | unknown
  reading.callEffects = calls
  reading.sensitive = sensitive
  reading.hasWhere = hasWhere
}

const UNKNOWN = effects('unknown')

/** Labels a function's body text refers to. Only SQL can be read; any other language may touch everything. */
export function bodyLabels(reading: Reading, node: Node, parse: (text: string) => ParsedMessage): LabelSet {
  if (child(node, 'sql_body')) return NO_LABELS
  const options = new Map(children(node, 'options').map((option) => [word(option, 'defname'), child(option, 'arg')]))
  const language = stringOf(options.get('language')).toLowerCase()
  const body = options.get('as')
  const text = body?.nodeType === 'List' ? stringOf(children(body, 'items')[0]) : stringOf(body)
  if (language !== 'sql') return reading.everything
  try {
    return textLabels(reading, parse(text))
  } catch {
    // What the grammar refuses, the server may check later or never: it may touch everything.
    return reading.everything
  }
}

function textLabels(reading: Reading, parsed: ParsedMessage): LabelSet {
  let labels = parsed.unknown.length > 0 ? reading.everything : NO_LABELS
  for (const { node } of parsed.statements) {
    const inner = new Reading(reading.names)
    if (node.nodeType === 'SelectStmt') readQuery(inner, node, { parent: undefined, tables: undefined })
    new Sweep(inner, READ).visit(node)
    labels = union(labels, inner.touched)
    for (const name of inner.functions.keys()) reading.functions.set(name, inner.functions.get(name)!)
  }
  return labels
}

/** Bare names of functions, operators and types a statement defines or renames to. */
export function definedNames(node: Node): string[] {
  const last = (field: string) => names(node, field).slice(-1)
  switch (node.nodeType) {
    case 'CreateFunctionStmt':
      return last('funcname')
    case 'DefineStmt':
      return last('defnames')
    case 'CreateDomainStmt':
      return last('domainname')
    case 'CreateEnumStmt':
    case 'CreateRangeStmt':
      return last('typeName')
    case 'CompositeTypeStmt':
      return [word(child(node, 'typevar') ?? node, 'relname')]
    case 'RenameStmt':
      return [word(node, 'newname')]
    case 'AlterObjectSchemaStmt': {
      const object = child(node, 'object')
      const path = object && (object.nodeType === 'List' ? names(object, 'items') : names(object, 'objname'))
      return path ? path.slice(-1) : []
    }
    default:
      return []
  }
}
