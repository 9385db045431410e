import { SluiceError } from '../kit/errors.ts'
import { type EffectSet, effects } from '../model/effects.ts'
import { child, flag, type Node, stringOf, word } from './ast.ts'
import { type FunctionVerdict, isNotableFunction, isUsers, judgeFunction } from './functions.ts'
import { ROW_ATTRIBUTES } from './known-functions.ts'
import { type LabelSet, NO_LABELS, union } from './labels.ts'
import { STEPS_MAX } from './limits.ts'
import type { NamedRelation, Names } from './names.ts'
import type { FromItem, Reference } from './scope.ts'
import { qualifiedName, systemEffects } from './snapshot.ts'

const EXECUTE = effects('execute')
const UNKNOWN = effects('unknown')
const SECOND_CONNECTION = effects('connect', 'unknown')

/** Everything found out about one statement while it is read. Written by the walkers, turned into facts at the end. */
export class Reading {
  readonly names: Names
  /** Effects of statements and clauses. */
  effects: EffectSet = 0
  /** Effects of functions, operators and casts: these hold even where the statement around them does not run (EXPLAIN plans, and planning may call). */
  callEffects: EffectSet = 0
  /** Something may have run that changes how text is read. */
  sensitive = false
  /** Relations read, with the effects on each relation and its labels. */
  readonly relations = new Map<string, { effects: EffectSet; labels: LabelSet; kind: 'table' | 'view' | 'sequence' }>()
  readonly columns = new Set<string>()
  readonly functions = new Map<string, EffectSet>()
  readonly files = new Map<string, EffectSet>()
  readonly settings = new Set<string>()
  readonly transaction = new Set<string>()
  /** Labels of columns that are named or expanded anywhere. */
  referenced: LabelSet = NO_LABELS
  /** Labels of all columns of relations touched. */
  touched: LabelSet = NO_LABELS
  /** Labels of what views are made of beyond their columns: a plan shows their conditions. */
  plans: LabelSet = NO_LABELS
  filters: LabelSet = NO_LABELS
  copies: LabelSet = NO_LABELS
  hasWhere = true
  vacuousWhere = false
  /** Tables a SELECT INTO makes. */
  readonly into: Node[] = []
  /** Relation and statement nodes that were understood; the sweep takes the rest as unknown. */
  readonly seen = new Set<Node>()

  #steps = 0

  constructor(names: Names) {
    this.names = names
  }

  /** Counts work: what a few bytes of text can ask for must end (nested recursive queries multiply). Throws `sql.too_large`. */
  step(work = 1): void {
    this.#steps += work
    if (this.#steps > STEPS_MAX) throw new SluiceError('sql.too_large', 'the query takes too long to trace')
  }

  get everything(): LabelSet {
    return this.names.snapshot.everything
  }

  get unknown(): boolean {
    return ((this.effects | this.callEffects) & UNKNOWN) !== 0
  }

  /** Something that cannot be understood was met. */
  giveUp(): void {
    this.effects |= UNKNOWN
    this.#anything()
  }

  /** Code nobody sees may read anything. */
  #anything(): void {
    this.referenced = union(this.referenced, this.everything)
    this.touched = union(this.touched, this.everything)
  }

  /** A predicate, an ordering, a grouping. */
  filter(labels: LabelSet): void {
    this.filters = union(this.filters, labels)
  }

  /** Values flow into something written, defined or sent elsewhere. */
  copy(labels: LabelSet): void {
    this.copies = union(this.copies, labels)
  }

  refer(labels: LabelSet): void {
    this.referenced = union(this.referenced, labels)
  }

  /** A name in an expression was looked up. */
  referTo(reference: Reference): LabelSet {
    this.referenced = union(this.referenced, reference.labels)
    if (reference.column?.origin) this.columns.add(reference.column.origin)
    if (reference.row) this.referRow(reference.row)
    return reference.labels
  }

  /** Every column of an entry is used. */
  referRow(item: FromItem): void {
    this.referenced = union(this.referenced, item.row)
    for (const column of item.columns) if (column.origin) this.columns.add(column.origin)
  }

  /** A relation is used with some effect. Views bring what their definitions read and call. */
  touch(named: NamedRelation, effect: EffectSet, only = false): void {
    this.effects |= effect
    if (this.names.uncertain) this.touched = union(this.touched, this.everything)
    for (const relation of named.relations) {
      const reading = this.names.snapshot.read(relation, only)
      const isView = relation.kind === 'view' || relation.kind === 'matview'
      const kind = isView ? 'view' : relation.kind === 'sequence' ? 'sequence' : 'table'
      // Code behind a table's triggers is a fact about the object; a view whose rules run instead of the statement has no other meaning.
      const runs = relation.runsCode && (effect & ~READ) !== 0 ? EXECUTE : 0
      this.#touchOne(qualifiedName(relation), effect | runs, reading.labels, kind)
      if (runs !== 0) this.#runsCode(isView)
      this.callEffects |= systemEffects(relation.schema, relation.name)
      for (const name of reading.alsoRead) this.#touchOne(name, effect, NO_LABELS, 'table')
      if (!reading.view) continue
      this.plans = union(this.plans, reading.view.referenced)
      this.callEffects |= reading.view.effects
      if ((reading.view.effects & (EXECUTE | UNKNOWN)) !== 0) this.sensitive = true
      for (const name of reading.view.functions) this.functions.set(name, this.functions.get(name) ?? EXECUTE)
      if ((effect & READ) !== 0) for (const column of reading.view.columnsRead) this.columns.add(column)
    }
    if (named.relations.length > 0) return
    if (named.system) this.callEffects |= systemEffects('pg_catalog', named.name)
    const labels = named.system || named.created ? NO_LABELS : this.everything
    this.#touchOne(named.names[0]!, effect, labels, 'table')
  }

  /** Triggers and rules may say anything the database holds, as notices or errors. */
  #runsCode(isView: boolean): void {
    this.sensitive = true
    this.touched = union(this.touched, this.everything)
    if (isView) this.callEffects |= EXECUTE
  }

  #touchOne(name: string, effect: EffectSet, labels: LabelSet, kind: 'table' | 'view' | 'sequence'): void {
    // An UPDATE of it, itself or through a view, is a SET of whatever its rows name.
    if (name === 'pg_catalog.pg_settings' && (effect & WRITE) !== 0) throw new SluiceError('sql.setting', 'pg_settings')
    this.touched = union(this.touched, labels)
    const known = this.relations.get(name)
    if (known) {
      known.effects |= effect
      known.labels = union(known.labels, labels)
    } else this.relations.set(name, { effects: effect, labels, kind })
  }

  /** A function is called, in whatever position or notation. */
  call(path: readonly string[]): FunctionVerdict {
    const verdict = judgeFunction(path, this.names)
    if (verdict.safe) return verdict
    this.functions.set(verdict.name, verdict.effects)
    this.callEffects |= verdict.effects
    if ((verdict.effects & (EXECUTE | UNKNOWN)) !== 0) this.sensitive = true
    if (verdict.opaque) this.#anything()
    // What it is told to run elsewhere may copy anything.
    if ((verdict.effects & SECOND_CONNECTION) === SECOND_CONNECTION) this.copy(this.everything)
    return verdict
  }

  /**
   * A field that is no known column: `(x).f` and `r.f` call the function `f` when there is no such attribute, so the name must not hide one.
   * Returns what the value may carry beyond `x` itself. `open`: the row may well have columns that are not known.
   */
  attribute(name: string, open = false): LabelSet {
    const { snapshot } = this.names
    const known = open || snapshot.catalogue === undefined || ROW_ATTRIBUTES.has(name) || snapshot.isAttribute(name)
    if (known && !isNotableFunction(name, this.names)) return NO_LABELS
    return this.call([name]).safe ? NO_LABELS : this.everything
  }

  /** Operators of the users run their code. `path` as written: `OPERATOR(pg_catalog.=)` cannot be shadowed. True when it is safe. */
  operator(path: readonly string[]): boolean {
    const name = path[path.length - 1] ?? ''
    const schema = path.length > 1 ? path[path.length - 2] : undefined
    if (schema === 'pg_catalog') return true
    if (schema === undefined && !isUsers(name, 'operator', this.names)) return true
    return this.#userCode(schema === undefined ? `operator ${name}` : `operator ${schema}.${name}`)
  }

  /** A cast to a type of the users runs their code. True when it is safe. */
  cast(typeName: Node | undefined): boolean {
    if (!typeName) return true
    const path = (typeName.names as readonly Node[] | undefined)?.map(stringOf) ?? []
    const name = path[path.length - 1] ?? ''
    const schema = path.length > 1 ? path[path.length - 2] : undefined
    if (schema === 'pg_catalog' || schema === 'information_schema') return true
    if (flag(typeName, 'pct_type')) return true
    if (schema === undefined && !isUsers(name, 'type', this.names)) return true
    if (this.#isPlainRow(schema, name)) return true
    return this.#userCode(schema === undefined ? `type ${name}` : `type ${schema}.${name}`)
  }

  /** A relation's row type of which every column has a type of the server's own: reading it runs their code only. */
  #isPlainRow(schema: string | undefined, name: string): boolean {
    const { relations } = this.names.relation(schema, name)
    const types = this.names.snapshot.catalogue?.userTypes
    if (relations.length === 0 || !types) return false
    return relations.every((one) => one.columns.every((column) => !isUserType(column.typeName, types)))
  }

  #userCode(name: string): boolean {
    this.functions.set(name, EXECUTE)
    this.callEffects |= EXECUTE
    this.sensitive = true
    this.#anything()
    return false
  }
}

const READ = effects('read')
const WRITE = effects('write')

/** True for the name of a type that is not the server's: qualified, or one the users defined. */
function isUserType(typeName: string, types: ReadonlySet<string>): boolean {
  const bare = typeName.replace(/(\[\])+$/, '').replaceAll('"', '')
  return bare.includes('.') || types.has(bare)
}

/** The relation a RangeVar names. */
export function rangeVar(reading: Reading, node: Node): NamedRelation {
  reading.seen.add(node)
  return reading.names.relation(word(node, 'schemaname'), word(node, 'relname'))
}

/** A RangeVar's alias, undefined when it has none. */
export function aliasOf(node: Node): string | undefined {
  const alias = child(node, 'alias')
  return alias ? word(alias, 'aliasname') : undefined
}
