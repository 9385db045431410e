import { type EffectSet, effects } from '../model/effects.ts'
import { child, children, flag, type Node, word } from './ast.ts'
import { labelsOf, type Place, readPredicate } from './expression.ts'
import { type FromElement, readFrom } from './from.ts'
import { type LabelSet, NO_LABELS, within } from './labels.ts'
import { type Outer, readQuery, readTargets, readValues, tablesOf } from './query.ts'
import { aliasOf, type Reading, rangeVar } from './reading.ts'
import { type Column, FromItem, NO_COLUMNS, type Relation, type Scope } from './scope.ts'
import { isVacuous } from './vacuous.ts'

const READ = effects('read')
const WRITE = effects('write')
const DELETE = effects('delete')

/** A modification while it is read: the target, and the names its expressions see. */
interface Modification {
  readonly reading: Reading
  readonly node: Node
  readonly outer: Outer
  readonly target: FromItem
}

/** Reads INSERT, UPDATE, DELETE or MERGE; the relation is what RETURNING gives. */
export function readModification(reading: Reading, node: Node, around: Outer): Relation {
  reading.seen.add(node)
  const outer = { parent: around.parent, tables: tablesOf(reading, node, around) }
  const relation = child(node, 'relation')
  if (!relation) {
    reading.giveUp()
    return { columns: undefined, labels: reading.everything }
  }
  const only = !flag(relation, 'inh')
  const named = rangeVar(reading, relation)
  reading.touch(named, effectOf(node), only)
  const target = reading.names.item(named, aliasOf(relation), only)
  // Whoever writes the system's own tables moves names, and the labels with them.
  const unlisted = named.relations.length === 0 && named.name.startsWith('pg_')
  if (named.system || unlisted || named.relations.some(({ schema }) => schema === 'pg_catalog')) {
    reading.giveUp()
    reading.copy(reading.everything)
  }
  const modification = { reading, node, outer, target }
  switch (node.nodeType) {
    case 'InsertStmt':
      return readInsert(modification)
    case 'UpdateStmt':
      return readUpdate(modification)
    case 'DeleteStmt':
      return readDelete(modification)
    default:
      return readMerge(modification)
  }
}

function effectOf(node: Node): EffectSet {
  if (node.nodeType === 'DeleteStmt') return DELETE
  if (node.nodeType !== 'MergeStmt') return WRITE
  let set = 0
  for (const clause of children(node, 'mergeWhenClauses')) {
    const command = word(clause, 'commandType')
    if (command === 'CMD_DELETE') set |= DELETE
    else if (command !== 'CMD_NOTHING') set |= WRITE
  }
  return set === 0 ? READ : set
}

function placeOf(m: Modification, items: readonly FromItem[]): Place {
  const scope: Scope = { items, parent: m.outer.parent, tables: m.outer.tables }
  return { reading: m.reading, scope }
}

/** The target's labels for one of its columns; undefined when it is not known to have that column. */
function targetLabels(target: FromItem, name: string): LabelSet {
  if (target.open) return NO_LABELS
  const column = target.columns.find((one) => one.name === name)
  // Labels of paths protect what lies at these paths, not what is written anywhere in the document.
  return column && !column.partly ? column.labels : NO_LABELS
}

/** A value flows into a column. Into one that carries the same labels it stays as protected as it was. */
function flow(m: Modification, column: string, labels: LabelSet): void {
  if (!within(labels, targetLabels(m.target, column))) m.reading.copy(labels)
}

function readInsert(m: Modification): Relation {
  const { reading, node, target } = m
  const select = child(node, 'selectStmt')
  const source = select ? readSource(m, select) : NO_COLUMNS
  const given = children(node, 'cols').map((one) => word(one, 'name'))
  const columns = given.length > 0 ? given : target.columns.map((one) => one.name)
  if (source.columns) {
    for (const [i, one] of source.columns.entries()) flow(m, columns[i] ?? '', one.labels)
  } else reading.copy(source.labels)
  const conflict = child(node, 'onConflictClause')
  if (conflict) readConflict(m, conflict, excluded(columns, source))
  return readReturning(m, [{ items: [target], columns: target.open ? undefined : target.columns }])
}

/** VALUES are no read of their own; anything else that feeds an INSERT is. */
function readSource(m: Modification, select: Node): Relation {
  if (children(select, 'valuesLists').length === 0) return readQuery(m.reading, select, m.outer)
  m.reading.seen.add(select)
  return readValues(m.reading, select, { parent: m.outer.parent, tables: tablesOf(m.reading, select, m.outer) })
}

/** The row that was proposed for insertion: it carries what its source carried. */
function excluded(names: readonly string[], source: Relation): FromItem {
  const columns: Column[] = names.map((name, i) => ({ name, labels: source.columns?.[i]?.labels ?? source.labels }))
  return new FromItem('excluded', columns, { open: { labels: source.labels } })
}

function readConflict(m: Modification, clause: Node, proposed: FromItem): void {
  const own = placeOf(m, [m.target])
  const infer = child(clause, 'infer')
  if (infer) {
    for (const element of children(infer, 'indexElems')) {
      const column = m.target.find(word(element, 'name'))
      if (column) m.reading.filter(m.reading.referTo({ labels: column.labels, column, found: true }))
      readPredicate(own, child(element, 'expr'))
    }
    readPredicate(own, child(infer, 'whereClause'))
  }
  const both = placeOf(m, [m.target, proposed])
  readAssignments(m, both, children(clause, 'targetList'))
  // A name of the proposed row alone is ambiguous to the server, so seeing both rows adds nothing to an unqualified name.
  readPredicate(both, child(clause, 'whereClause'))
}

function readAssignments(m: Modification, place: Place, targets: readonly Node[]): void {
  for (const target of targets) {
    for (const step of children(target, 'indirection')) if (step.nodeType !== 'String') labelsOf(place, step)
    flow(m, word(target, 'name'), labelsOf(place, child(target, 'val')))
  }
}

/** The other relations of UPDATE … FROM and DELETE … USING. */
function readOthers(m: Modification, field: string): FromElement[] {
  const elements: FromElement[] = []
  const left: FromItem[] = [m.target]
  for (const from of children(m.node, field)) {
    const element = readFrom({ reading: m.reading, outer: m.outer, left }, from)
    elements.push(element)
    left.push(...element.items)
  }
  return elements
}

function readWhere(m: Modification, place: Place): void {
  const where = child(m.node, 'whereClause')
  if (!where) m.reading.hasWhere = false
  else if (isVacuous(where)) m.reading.vacuousWhere = true
  readPredicate(place, where)
}

function readUpdate(m: Modification): Relation {
  const others = readOthers(m, 'fromClause')
  const place = placeOf(m, [m.target, ...others.flatMap((one) => one.items)])
  readAssignments(m, place, children(m.node, 'targetList'))
  readWhere(m, place)
  return readReturning(m, [elementOf(m.target), ...others])
}

function readDelete(m: Modification): Relation {
  const others = readOthers(m, 'usingClause')
  readWhere(m, placeOf(m, [m.target, ...others.flatMap((one) => one.items)]))
  return readReturning(m, [elementOf(m.target), ...others])
}

function readMerge(m: Modification): Relation {
  const from = child(m.node, 'sourceRelation')
  const source = from
    ? readFrom({ reading: m.reading, outer: m.outer, left: [] }, from)
    : { items: [], columns: undefined }
  const place = placeOf(m, [m.target, ...source.items])
  readPredicate(place, child(m.node, 'joinCondition'))
  for (const clause of children(m.node, 'mergeWhenClauses')) {
    readPredicate(place, child(clause, 'condition'))
    if (word(clause, 'commandType') === 'CMD_INSERT') readMergeInsert(m, place, clause)
    else readAssignments(m, place, children(clause, 'targetList'))
  }
  // The server gives the source's columns first.
  return readReturning(m, [source, elementOf(m.target)])
}

function readMergeInsert(m: Modification, place: Place, clause: Node): void {
  const given = children(clause, 'targetList').map((one) => word(one, 'name'))
  const columns = given.length > 0 ? given : m.target.columns.map((one) => one.name)
  for (const [i, value] of children(clause, 'values').entries()) flow(m, columns[i] ?? '', labelsOf(place, value))
}

function elementOf(item: FromItem): FromElement {
  return { items: [item], columns: item.open ? undefined : item.columns }
}

/** RETURNING: a read of the rows it changed. Since version 18 they are also there as they were before (`old`) and after (`new`). */
function readReturning(m: Modification, elements: readonly FromElement[]): Relation {
  const clause = child(m.node, 'returningClause')
  const targets = children(clause ?? m.node, clause ? 'exprs' : 'returningList')
  if (targets.length === 0) return NO_COLUMNS
  m.reading.effects |= READ
  const items = elements.flatMap((one) => one.items)
  if (clause) items.push(...oldAndNew(m.target, clause))
  return readTargets(placeOf(m, items), targets, elements)
}

function oldAndNew(target: FromItem, clause: Node): FromItem[] {
  const aliases = { RETURNING_OPTION_OLD: 'old', RETURNING_OPTION_NEW: 'new' }
  for (const option of children(clause, 'options')) {
    const which = word(option, 'option')
    if (which in aliases) aliases[which as keyof typeof aliases] = word(option, 'value')
  }
  return Object.values(aliases).map(
    (alias) => new FromItem(alias, target.columns, { open: target.open, relation: true }),
  )
}
