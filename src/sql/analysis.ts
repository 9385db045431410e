import { effects } from '../model/effects.ts'
import { child, children, type Node, word } from './ast.ts'
import { type CopyReading, readCopy } from './copy.ts'
import { deferredParts, readDeferred } from './definitions.ts'
import { labelsOfAll } from './expression.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import type { ParsedMessage } from './message.ts'
import type { SessionMirror } from './mirror.ts'
import { Names } from './names.ts'
import { boundedText } from './operation.ts'
import { readQuery } from './query.ts'
import { Reading } from './reading.ts'
import {
  outputColumn,
  type Portal,
  type Resolved,
  type ResolvedStatement,
  type ResultShape,
  type Transition,
} from './resolved.ts'
import type { Relation } from './scope.ts'
import { configTransition } from './settings.ts'
import type { Snapshot } from './snapshot.ts'
import { Sweep } from './sweep.ts'

/** What the analysis of one statement may ask for. */
export interface Environment {
  readonly major: number
  readonly snapshot: Snapshot
  /** The message holds node types that the table does not know. */
  readonly unknown: boolean
  /** The session as it will be when the statement runs. */
  readonly mirror: SessionMirror
  parse(text: string): ParsedMessage
  /** A part of a statement (the query of PREPARE or DECLARE) as a message of its own. */
  inner(query: Node): ParsedMessage
  resolve(parsed: ParsedMessage): Resolved
  /** Statement or cursor names were looked up: the result depends on them. */
  usesObjects(): void
}

/** One statement while it is analysed. */
export class Analysis {
  readonly environment: Environment
  readonly reading: Reading
  readonly node: Node
  /** The protocol's word for it, where it says more than the tag. */
  verb: string
  tag: string
  result: ResultShape = { kind: 'none' }
  stream = false
  readonly transitions: Transition[] = []
  /** Texts that run though they are not in the statement: what EXECUTE and FETCH stand for. */
  readonly behind: string[] = []
  readonly #skip: Node[] = []

  constructor(environment: Environment, node: Node) {
    this.environment = environment
    this.node = node
    this.reading = new Reading(new Names(environment.snapshot, environment.mirror))
    this.verb = ''
    this.tag = ''
    if (environment.unknown) this.reading.giveUp()
  }

  /** Names both the tag and the verb. */
  call(tag: string, verb = tag): void {
    this.tag = tag
    this.verb = verb
  }

  /** Reads a query that is part of the statement. */
  query(query: Node | undefined): Relation {
    if (!query) {
      this.reading.giveUp()
      return { columns: undefined, labels: this.reading.everything }
    }
    return readQuery(this.reading, query, { parent: undefined, tables: undefined })
  }

  /** The result of a statement that gives these rows. */
  rows(relation: Relation): void {
    this.result = relation.columns
      ? { kind: 'rows', columns: relation.columns.map(outputColumn) }
      : { kind: 'opaque', labels: relation.labels }
  }

  /** Runs `read`, then takes back the effects the statement itself has: it only plans or defines what was read. Returns those effects. */
  withoutEffects(read: () => void): number {
    const before = this.reading.effects
    const hasWhere = this.reading.hasWhere
    read()
    const taken = this.reading.effects
    this.reading.effects = before | (taken & UNKNOWN)
    this.reading.hasWhere = hasWhere
    return taken
  }

  /** Parts that run later, if at all. */
  deferred(): void {
    const parts = deferredParts(this.node)
    readDeferred(this.reading, parts)
    this.#skip.push(...parts)
  }

  copyStatement(): void {
    const copy: CopyReading = readCopy(this.reading, this.node)
    this.call('COPY', copy.verb)
    this.result = copy.result
    this.stream = copy.result.kind !== 'none'
  }

  /** Takes over what another operation does: the one an EXECUTE or FETCH stands for. */
  absorb(inner: Pick<Portal, 'operation' | 'statement' | 'text'>): void {
    const { reading } = this
    const { facts } = inner.operation
    reading.effects |= inner.operation.effects
    reading.callEffects |= inner.operation.effects & BEYOND_DATA
    for (const object of inner.operation.objects) {
      if (object.kind === 'file') reading.files.set(object.name, object.effect)
      if (object.kind !== 'table' && object.kind !== 'view' && object.kind !== 'sequence') continue
      reading.relations.set(object.name, { effects: object.effect, labels: object.labels, kind: object.kind })
    }
    for (const name of facts.tables.read) addRelation(reading, name, READ)
    for (const name of facts.tables.written) addRelation(reading, name, WRITE)
    for (const column of facts.columns) reading.columns.add(column)
    for (const name of facts.functions) reading.functions.set(name, inner.operation.effects & ~(READ | SESSION))
    for (const setting of facts.settings) reading.settings.add(setting)
    for (const verb of facts.transaction) reading.transaction.add(verb)
    reading.refer(facts.labels)
    reading.filter(facts.filters)
    reading.touched = union(reading.touched, inner.statement.labelsRead)
    reading.hasWhere &&= facts.hasWhere
    reading.vacuousWhere ||= facts.vacuousWhere
    reading.sensitive ||= inner.statement.settingsSensitive
    this.behind.push(inner.text === undefined ? inner.operation.text : boundedText(inner.text))
  }

  /** Parameters of EXECUTE. */
  parameters(execute: Node): LabelSet {
    return labelsOfAll({ reading: this.reading, scope: undefined }, children(execute, 'params'))
  }

  /** Sweeps the whole statement and gives its meaning. `named`: what it does to relations that are merely named in it. */
  finish(named: number): ResolvedStatement {
    const { reading } = this
    const sweep = new Sweep(reading, named, new Set(this.#skip))
    sweep.visit(this.node)
    for (const call of sweep.configCalls) {
      const transition = configTransition(call, this.#isBareCall(call))
      if (transition) this.transitions.push(transition)
    }
    const all = reading.effects | reading.callEffects
    const sensitive = reading.sensitive || (all & (EXECUTE | UNKNOWN)) !== 0
    // Code that was not seen may set the search path and tell nobody.
    if (reading.sensitive) this.transitions.push({ kind: 'searchPath', path: 'uncertain', local: false })
    return {
      tag: this.tag,
      effects: all,
      result: this.result,
      labelsRead: reading.touched,
      transitions: this.transitions,
      settingsSensitive: sensitive,
    }
  }

  /** `SELECT set_config(…)` and nothing else: then it will have run, once. */
  #isBareCall(call: Node): boolean {
    if (this.node.nodeType !== 'SelectStmt') return false
    for (const field of [
      'fromClause',
      'whereClause',
      'withClause',
      'havingClause',
      'groupClause',
      'limitCount',
      'limitOffset',
      'larg',
    ]) {
      if (this.node[field] !== undefined) return false
    }
    const targets = children(this.node, 'targetList')
    return targets.length === 1 && child(targets[0]!, 'val') === call
  }
}

const READ = effects('read')
const WRITE = effects('write')
const SESSION = effects('session')
const EXECUTE = effects('execute')
const UNKNOWN = effects('unknown')
/** Effects that a query has by its calls only. */
const BEYOND_DATA = effects('grant', 'execute', 'connect', 'unknown')

function addRelation(reading: Reading, name: string, effect: number): void {
  if (!reading.relations.has(name)) reading.relations.set(name, { effects: effect, labels: NO_LABELS, kind: 'table' })
}

/** A relation's name out of a RangeVar, for `created`. */
export function createdBy(relation: Node | undefined): Transition | undefined {
  if (!relation) return undefined
  const schema = word(relation, 'schemaname')
  const temporary = word(relation, 'relpersistence') === 't' || schema === 'pg_temp'
  return { kind: 'created', schema: schema === '' ? undefined : schema, relation: word(relation, 'relname'), temporary }
}
