import { child, children, flag, type Node, names, word } from './ast.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import { RECURSION_ROUNDS } from './limits.ts'
import { type Outer, readQuery, unite } from './query.ts'
import type { Reading } from './reading.ts'
import type { Column, CommonTables, Relation } from './scope.ts'

interface Entry {
  readonly node: Node
  readonly name: string
  state: 'new' | 'busy' | 'done'
  relation: Relation | undefined
}

/** One WITH clause: its queries by name. Recursive ones may refer to each other and to themselves, others only to those before them. */
export class WithTables implements CommonTables {
  readonly parent: CommonTables | undefined
  readonly #reading: Reading
  readonly #outer: Outer
  readonly #entries: Entry[]
  readonly #recursive: boolean
  #visible: number

  constructor(reading: Reading, clause: Node, outer: Outer) {
    this.parent = outer.tables
    this.#reading = reading
    this.#outer = { parent: outer.parent, tables: this }
    this.#recursive = flag(clause, 'recursive')
    this.#entries = children(clause, 'ctes').map((node) => ({
      node,
      name: word(node, 'ctename'),
      state: 'new',
      relation: undefined,
    }))
    this.#visible = this.#recursive ? this.#entries.length : 0
    // All are read, used or not: one that writes runs in any case.
    for (const entry of this.#entries) {
      if (entry.state === 'new') this.#read(entry)
      if (!this.#recursive) this.#visible++
    }
  }

  find(name: string): Relation | undefined {
    for (let i = 0; i < this.#visible; i++) {
      const entry = this.#entries[i]!
      if (entry.name !== name) continue
      if (entry.state === 'new') this.#read(entry)
      return entry.relation ?? { columns: undefined, labels: this.#reading.everything }
    }
    return undefined
  }

  #read(entry: Entry): void {
    entry.state = 'busy'
    const query = child(entry.node, 'ctequery')
    if (!query) {
      this.#reading.giveUp()
      entry.relation = { columns: undefined, labels: this.#reading.everything }
    } else if (this.#recursive && child(query, 'larg')) this.#settle(entry, query)
    else entry.relation = this.#named(entry.node, readQuery(this.#reading, query, this.#outer))
    entry.state = 'done'
  }

  /** A recursive query: its first branch gives the columns, then rounds add labels until nothing changes. */
  #settle(entry: Entry, query: Node): void {
    entry.relation = this.#named(entry.node, readQuery(this.#reading, child(query, 'larg')!, this.#outer))
    for (let round = 0; round < RECURSION_ROUNDS; round++) {
      const before: Relation = entry.relation
      const after = unite(before, this.#named(entry.node, readQuery(this.#reading, query, this.#outer)))
      entry.relation = after
      if (after.labels === before.labels && sameColumns(after, before)) return
    }
    entry.relation = { columns: undefined, labels: this.#reading.everything }
  }

  /** Column aliases, and the columns SEARCH and CYCLE add. */
  #named(node: Node, relation: Relation): Relation {
    const aliases = names(node, 'aliascolnames')
    const columns = relation.columns?.map((column, i) => ({ ...column, name: aliases[i] ?? column.name }))
    const added = addedColumns(node, columns, relation.labels)
    return { columns: columns && [...columns, ...added], labels: relation.labels }
  }
}

function sameColumns(a: Relation, b: Relation): boolean {
  if (a.columns?.length !== b.columns?.length) return false
  return a.columns?.every((column, i) => column.labels === b.columns![i]!.labels) ?? true
}

/** SEARCH adds a column that holds the values it orders by; CYCLE adds a mark and the path of values seen. */
function addedColumns(node: Node, columns: readonly Column[] | undefined, all: LabelSet): Column[] {
  const added: Column[] = []
  const search = child(node, 'search_clause')
  if (search) {
    const labels = labelsOfNames(columns, names(search, 'search_col_list'), all)
    added.push({ name: word(search, 'search_seq_column'), labels })
  }
  const cycle = child(node, 'cycle_clause')
  if (cycle) {
    const labels = labelsOfNames(columns, names(cycle, 'cycle_col_list'), all)
    added.push({ name: word(cycle, 'cycle_mark_column'), labels }, { name: word(cycle, 'cycle_path_column'), labels })
  }
  return added
}

function labelsOfNames(columns: readonly Column[] | undefined, wanted: readonly string[], all: LabelSet): LabelSet {
  if (!columns) return all
  let labels = NO_LABELS
  for (const column of columns) if (wanted.includes(column.name)) labels = union(labels, column.labels)
  return labels
}
