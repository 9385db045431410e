import type { CatalogueRelation } from '../model/catalogue.ts'
import { effects } from '../model/effects.ts'
import { eachChild, type Node, names } from './ast.ts'
import { labelSet, NO_LABELS, union } from './labels.ts'
import { VIEW_DEPTH_MAX, VIEW_TEXT_MAX } from './limits.ts'
import type { ParsedMessage } from './message.ts'
import { Names } from './names.ts'
import { readQuery } from './query.ts'
import { Reading } from './reading.ts'
import type { Snapshot, ViewReading } from './snapshot.ts'
import { Sweep } from './sweep.ts'

const UNKNOWN = effects('unknown')
const READ = effects('read')

/**
 * Reads a view's definition with the server's own grammar. A definition that is missing, too long, too deep or not understood carries
 * everything. Views of the system are the server's own code: what they echo is known by name. The definition's names are expected to be
 * qualified, as `pg_get_viewdef` prints them under an empty search_path; bare ones are looked up along the fresh session's.
 */
export function readView(
  view: CatalogueRelation,
  depth: number,
  snapshot: Snapshot,
  parse: (text: string) => ParsedMessage,
): ViewReading {
  if (view.schema === 'pg_catalog' || view.schema === 'information_schema') return trusted(view)
  const definition = view.definition
  if (definition === undefined || definition.length > VIEW_TEXT_MAX || depth > VIEW_DEPTH_MAX) return opaque(snapshot)
  try {
    return readDefinition(parse(definition), snapshot)
  } catch {
    // A definition the grammar refuses or that is too large is as good as none: it carries everything.
    return opaque(snapshot)
  }
}

/** Names of the columns an expression uses; undefined for one that cannot be read, or that uses a whole row. */
export function columnsOf(expression: string, parse: (text: string) => ParsedMessage): readonly string[] | undefined {
  try {
    const parsed = parse(`SELECT ${expression}`)
    const found: string[] = []
    const visit = (node: Node): void => {
      if (node.nodeType === 'ColumnRef') found.push(...names(node, 'fields'))
      eachChild(node, visit)
    }
    for (const { node } of parsed.statements) visit(node)
    return parsed.unknown.length > 0 || found.includes('') ? undefined : found
  } catch {
    return undefined
  }
}

function readDefinition(parsed: ParsedMessage, snapshot: Snapshot): ViewReading {
  const node = parsed.statements[0]?.node
  if (parsed.statements.length !== 1 || !node || parsed.unknown.length > 0) return opaque(snapshot)
  const reading = new Reading(new Names(snapshot, undefined))
  const relation = readQuery(reading, node, { parent: undefined, tables: undefined })
  new Sweep(reading, READ).visit(node)
  return {
    columns: relation.columns?.map((column) => column.labels),
    plain: relation.columns?.map((column) => column.plain === true) ?? [],
    labels: labelSet([...relation.labels]),
    referenced: union(reading.referenced, reading.plans),
    relations: [...reading.relations.keys()],
    columnsRead: [...reading.columns],
    functions: [...reading.functions.keys()],
    effects: reading.callEffects | (reading.effects & UNKNOWN),
  }
}

function opaque(snapshot: Snapshot): ViewReading {
  const labels = snapshot.everything
  return { columns: undefined, labels, referenced: labels, relations: [], columnsRead: [], functions: [], effects: 0 }
}

function trusted(view: CatalogueRelation): ViewReading {
  const columns = view.columns.map(() => NO_LABELS)
  return {
    columns,
    labels: NO_LABELS,
    referenced: NO_LABELS,
    relations: [],
    columnsRead: [],
    functions: [],
    effects: 0,
  }
}
