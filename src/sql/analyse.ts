import { effects } from '../model/effects.ts'
import { Analysis, createdBy, type Environment } from './analysis.ts'
import { child, children, count, flag, type Node, word } from './ast.ts'
import { optionText } from './copy.ts'
import { type LabelSet, union } from './labels.ts'
import type { ParsedMessage } from './message.ts'
import type { ResolvedStatement, ResultShape } from './resolved.ts'
import { analyseUtility } from './utility.ts'

const READ = effects('read')
const WRITE = effects('write')
const SESSION = effects('session')
const DEFINE = effects('define')
const UNKNOWN = effects('unknown')

/** A statement's meaning, and the analysis it came from. */
export interface Analysed {
  readonly statement: ResolvedStatement
  readonly analysis: Analysis
}

/** Finds out what one statement does. Throws `sql.setting`, `sql.too_large`. */
export function analyse(environment: Environment, node: Node): Analysed {
  const analysis = new Analysis(environment, node)
  const statement = HANDLERS[node.nodeType]?.(analysis) ?? analyseUtility(analysis)
  return { statement, analysis }
}

type Handler = (analysis: Analysis) => ResolvedStatement

const HANDLERS: Readonly<Record<string, Handler>> = {
  SelectStmt: (a) => query(a, 'SELECT'),
  InsertStmt: (a) => query(a, 'INSERT'),
  UpdateStmt: (a) => query(a, 'UPDATE'),
  DeleteStmt: (a) => query(a, 'DELETE'),
  MergeStmt: (a) => query(a, 'MERGE'),
  CreateTableAsStmt: createTableAs,
  ExplainStmt: explain,
  PrepareStmt: prepare,
  ExecuteStmt: execute,
  DeclareCursorStmt: declare,
  FetchStmt: fetchCursor,
  CopyStmt: (a) => {
    a.copyStatement()
    return a.finish(READ)
  },
}

function query(a: Analysis, tag: string): ResolvedStatement {
  a.call(tag)
  const relation = a.query(a.node)
  const returning = tag === 'SELECT' || children(a.node, 'returningList').length > 0 || child(a.node, 'returningClause')
  if (a.reading.into.length > 0) into(a, relation.labels)
  else if (returning) a.rows(relation)
  return a.finish(READ)
}

/** SELECT … INTO makes a table. */
function into(a: Analysis, labels: readonly string[]): void {
  a.call('SELECT', 'SELECT INTO')
  a.reading.effects |= WRITE | DEFINE
  a.reading.copy(labels)
  for (const clause of a.reading.into) create(a, child(clause, 'rel'))
}

/** A new relation, which the catalogue does not have yet. */
function create(a: Analysis, relation: Node | undefined): void {
  if (relation) a.reading.seen.add(relation)
  const created = createdBy(relation)
  if (created?.kind !== 'created') return
  a.transitions.push(created)
  const name = created.schema === undefined ? created.relation : `${created.schema}.${created.relation}`
  a.reading.relations.set(name, { effects: WRITE | DEFINE, labels: [], kind: 'table' })
}

function createTableAs(a: Analysis): ResolvedStatement {
  const clause = child(a.node, 'into')
  const materialized = (word(a.node, 'objtype') || word(a.node, 'relkind')) === 'OBJECT_MATVIEW'
  const verb = materialized ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS'
  a.call(clause && flag(clause, 'skipData') ? verb : 'SELECT', verb)
  a.reading.effects |= WRITE | DEFINE
  const source = child(a.node, 'query')
  if (source?.nodeType === 'ExecuteStmt') {
    const labels = resultLabels(executed(a, source))
    a.reading.copy(labels)
  } else a.reading.copy(a.query(source).labels)
  create(a, clause && child(clause, 'rel'))
  return a.finish(READ)
}

function resultLabels(statement: ResolvedStatement | undefined): readonly string[] {
  const result = statement?.result
  if (result?.kind === 'rows' || result?.kind === 'copyOut') return result.columns.flatMap((column) => column.labels)
  return result?.kind === 'opaque' ? result.labels : []
}

/** EXPLAIN plans, and planning may call functions; ANALYZE runs. */
function explain(a: Analysis): ResolvedStatement {
  a.call('EXPLAIN')
  const source = child(a.node, 'query')
  const runs = analyzes(a.node)
  const read = () => {
    if (source?.nodeType === 'ExecuteStmt') executed(a, source)
    else if (source?.nodeType === 'CreateTableAsStmt') explainCreate(a, source)
    else if (source?.nodeType === 'DeclareCursorStmt') a.query(child(source, 'query'))
    else a.query(source)
  }
  if (runs) read()
  else a.withoutEffects(read)
  a.reading.effects |= READ | SESSION
  const statement = a.finish(READ)
  // The plan shows constants and conditions, never rows; which labels it may echo is what the statement and its views refer to.
  const labels = union(a.reading.referenced, a.reading.plans)
  return { ...statement, result: { kind: 'rows', columns: [{ name: 'QUERY PLAN', labels }] } }
}

function explainCreate(a: Analysis, source: Node): void {
  a.reading.effects |= WRITE | DEFINE
  const made = child(source, 'query')
  if (made?.nodeType === 'ExecuteStmt') a.reading.copy(resultLabels(executed(a, made)))
  else a.reading.copy(a.query(made).labels)
  const relation = child(child(source, 'into') ?? source, 'rel')
  if (relation) a.reading.seen.add(relation)
}

/** defGetBoolean of the server; any doubt means that it runs. */
function analyzes(node: Node): boolean {
  return children(node, 'options').some((option) => {
    if (word(option, 'defname').toLowerCase() !== 'analyze') return false
    return !/^(false|off|0)$/i.test(optionText(option) ?? 'true')
  })
}

function prepare(a: Analysis): ResolvedStatement {
  a.call('PREPARE')
  const source = child(a.node, 'query')
  a.query(source)
  a.reading.effects |= SESSION
  if (source) {
    const parsed = a.environment.inner(source)
    const inner = a.environment.resolve(parsed)
    const parameters = Math.max(children(a.node, 'argtypes').length, parsed.parameters)
    a.transitions.push({ kind: 'prepare', name: word(a.node, 'name'), prepared: { parsed }, inner, parameters })
  }
  return a.finish(READ)
}

function execute(a: Analysis): ResolvedStatement {
  a.call('EXECUTE')
  const inner = executed(a, a.node)
  a.reading.effects |= SESSION
  const statement = a.finish(READ)
  return inner ? { ...statement, tag: inner.tag, result: inner.result } : statement
}

/** A result into which parameters may flow. */
function withLabels(result: ResultShape, labels: LabelSet): ResultShape {
  if (labels.length === 0) return result
  if (result.kind === 'opaque') return { kind: 'opaque', labels: union(result.labels, labels) }
  if (result.kind !== 'rows') return result
  return { kind: 'rows', columns: result.columns.map((one) => ({ name: one.name, labels: union(one.labels, labels) })) }
}

/** What EXECUTE stands for, by the mirrored name. A name the mirror does not know may have been prepared by a function: opaque. */
function executed(a: Analysis, node: Node): ResolvedStatement | undefined {
  const name = word(node, 'name')
  a.environment.usesObjects()
  const prepared = a.environment.mirror.getStatement(name)
  if (!prepared) return unmirrored(a)
  const inner = a.environment.resolve(prepared.parsed)
  const given = a.parameters(node)
  a.reading.copy(inner.copiesLabels)
  for (const statement of inner.statements) {
    a.absorb({ operation: inner.operation, statement, ...(prepared.text === undefined ? {} : { text: prepared.text }) })
    a.transitions.push(...statement.transitions)
  }
  const first = inner.statements[0]
  return first && { ...first, result: withLabels(first.result, given) }
}

/** CURSOR_OPT_HOLD moved when version 14 added ASENSITIVE. */
function isHoldable(options: number, major: number): boolean {
  return (options & (major >= 14 ? 0x20 : 0x10)) !== 0
}

function declare(a: Analysis): ResolvedStatement {
  a.call('DECLARE CURSOR')
  const source = child(a.node, 'query')
  a.query(source)
  a.reading.effects |= SESSION
  if (source) {
    const inner = a.environment.resolve(a.environment.inner(source))
    const holdable = isHoldable(count(a.node, 'options'), a.environment.major)
    const statement = inner.statements[0]
    const portal = statement && { statement, operation: inner.operation, holdable }
    if (portal) a.transitions.push({ kind: 'declare', name: word(a.node, 'portalname'), portal })
    else a.reading.effects |= UNKNOWN
  }
  return a.finish(READ)
}

/** A cursor or statement made where the gateway could not see it (a function's refcursor): it may do and return anything. */
function unmirrored(a: Analysis): ResolvedStatement {
  a.reading.effects |= READ | SESSION | UNKNOWN
  a.reading.sensitive = true
  a.reading.copy(a.reading.everything)
  const statement = a.finish(READ)
  return { ...statement, result: { kind: 'opaque', labels: a.reading.everything } }
}

function fetchCursor(a: Analysis): ResolvedStatement {
  const move = flag(a.node, 'ismove')
  a.call(move ? 'MOVE' : 'FETCH')
  const name = word(a.node, 'portalname')
  a.environment.usesObjects()
  const portal = a.environment.mirror.getPortal(name)
  if (!portal) return unmirrored(a)
  a.absorb(portal)
  a.reading.effects |= READ | SESSION
  const statement = a.finish(READ)
  return move ? statement : { ...statement, result: portal.statement.result }
}

/** The query of a PREPARE or DECLARE as a message of its own. */
export function innerMessage(node: Node, text: string, parameters: number): ParsedMessage {
  return { text, statements: [{ node, text }], parameters, unknown: [], meanings: [] }
}
