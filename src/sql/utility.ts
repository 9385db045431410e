import { type EffectSet, effects } from '../model/effects.ts'
import { type Analysis, createdBy } from './analysis.ts'
import { child, children, count, flag, names, stringOf, word } from './ast.ts'
import { bodyLabels, definedNames } from './definitions.ts'
import { labelsOf } from './expression.ts'
import { rangeVar } from './reading.ts'
import type { ResolvedStatement, TransactionVerb } from './resolved.ts'
import { setTransitions, settingName } from './settings.ts'
import { type Utility, utilityOf, utilityTag } from './statements.ts'

const READ = effects('read')
const WRITE = effects('write')
const DELETE = effects('delete')
const GRANT = effects('grant')
const DEFINE = effects('define')
const UNSEEN = effects('execute', 'unknown')

/** Reads every statement that is not a query, by the table of statements. What is not in the table is opaque. */
export function analyseUtility(a: Analysis): ResolvedStatement {
  const utility = utilityOf(a.node)
  if (!utility) {
    a.call(a.node.nodeType)
    a.reading.giveUp()
    a.result = { kind: 'opaque', labels: a.reading.everything }
    return a.finish(READ)
  }
  a.call(utilityTag(a.node, utility))
  a.reading.effects |= utility.effects
  a.deferred()
  DETAILS[a.node.nodeType]?.(a, utility)
  if (utility.redefines) a.transitions.push({ kind: 'redefined', names: definedNames(a.node) })
  const statement = a.finish(namedEffect(a))
  // A default, a check or a policy of the users' code puts what that code reads where no label follows it.
  const runsUnseen = (a.reading.callEffects & UNSEEN) !== 0 && (utility.effects & DEFINE) !== 0
  if (runsUnseen) a.reading.copy(a.reading.everything)
  if (SPREADS.has(a.node.nodeType)) a.reading.copy(a.reading.touched)
  return statement
}

/** What the statement does to relations its text merely names. */
function namedEffect(a: Analysis): EffectSet {
  const creates = a.node.nodeType === 'CreateStmt' || a.node.nodeType === 'CreateForeignTableStmt'
  return creates ? READ : a.reading.effects
}

/** Definitions through which values of the relations they name become readable elsewhere, or whose labels lose their column. */
const SPREADS: ReadonlySet<string> = new Set([
  'AlterTableStmt',
  'RenameStmt',
  'AlterObjectSchemaStmt',
  'RuleStmt',
  'CreateTrigStmt',
  'CreatePolicyStmt',
  'AlterPolicyStmt',
  'CreateStatsStmt',
  'ViewStmt',
  'CreatePublicationStmt',
  'AlterPublicationStmt',
])

type Detail = (a: Analysis, utility: Utility) => void

const DETAILS: Readonly<Record<string, Detail>> = {
  VariableSetStmt: setting,
  VariableShowStmt: show,
  TransactionStmt: transaction,
  DiscardStmt: discard,
  DeallocateStmt: (a) => {
    const all = flag(a.node, 'isall') || word(a.node, 'name') === ''
    if (all) a.call('DEALLOCATE ALL')
    a.transitions.push({ kind: 'deallocate', name: all ? undefined : word(a.node, 'name') })
  },
  ClosePortalStmt: (a) => {
    const name = word(a.node, 'portalname')
    if (name === '') a.call('CLOSE CURSOR ALL')
    a.transitions.push({ kind: 'close', name: name === '' ? undefined : name })
  },
  ListenStmt: (a) => a.transitions.push({ kind: 'listen', channel: word(a.node, 'conditionname') }),
  UnlistenStmt: (a) => {
    const channel = word(a.node, 'conditionname')
    a.transitions.push({ kind: 'unlisten', channel: channel === '' ? undefined : channel })
  },
  LockStmt: (a) => {
    // The server takes modes up to ROW EXCLUSIVE in a read-only transaction; stronger ones keep writers out.
    a.reading.effects |= count(a.node, 'mode') > ROW_EXCLUSIVE ? WRITE : READ
  },
  CreateStmt: createTable,
  CreateForeignTableStmt: foreignTable,
  // Another name for rows of some server, perhaps this one.
  ImportForeignSchemaStmt: (a) => a.reading.copy(a.reading.everything),
  CreateSchemaStmt: createSchema,
  AlterTableStmt: alterTable,
  DropStmt: drop,
  TruncateStmt: (a) => {
    a.reading.hasWhere = false
  },
  IndexStmt: createIndex,
  RenameStmt: (a) => {
    // Labels are bound to names: a schema takes those of all its tables with it.
    if (word(a.node, 'renameType') === 'OBJECT_SCHEMA') a.reading.copy(a.reading.everything)
  },
  CreateCastStmt: (a) => a.reading.copy(a.reading.everything),
  DefineStmt: (a) => {
    if (word(a.node, 'kind') === 'OBJECT_OPERATOR' || word(a.node, 'kind') === 'OBJECT_AGGREGATE')
      a.reading.copy(a.reading.everything)
  },
  CreateFunctionStmt: (a) => {
    if (flag(a.node, 'is_procedure')) a.call('CREATE PROCEDURE')
    // The names in a body that is text are looked up when it runs, along whatever path its caller has by then.
    if (!child(a.node, 'sql_body')) a.reading.copy(a.reading.everything)
    a.reading.copy(bodyLabels(a.reading, a.node, a.environment.parse))
    a.reading.copy(a.reading.touched)
  },
  CallStmt: (a) => {
    unseen(a)
    a.result = { kind: 'opaque', labels: a.reading.everything }
  },
  DoStmt: unseen,
  LoadStmt: (a) => {
    a.reading.files.set(word(a.node, 'filename'), effects('execute', 'import'))
    a.reading.sensitive = true
  },
  CreateExtensionStmt: (a) => {
    a.reading.sensitive = true
  },
  CreateEventTrigStmt: (a) => a.reading.copy(a.reading.everything),
  CreatedbStmt: (a) => a.reading.copy(a.reading.everything),
  CreatePublicationStmt: (a) => {
    if (flag(a.node, 'for_all_tables')) a.reading.copy(a.reading.everything)
  },
  GrantStmt: (a) => {
    if (!flag(a.node, 'is_grant')) a.call('REVOKE')
  },
  GrantRoleStmt: (a) => {
    if (!flag(a.node, 'is_grant')) a.call('REVOKE ROLE')
  },
  VacuumStmt: (a) => {
    if (!flag(a.node, 'is_vacuumcmd')) a.call('ANALYZE')
  },
}

const ROW_EXCLUSIVE = 3

/** Code that nobody sees runs: it may read, copy and change anything. */
function unseen(a: Analysis): void {
  a.reading.giveUp()
  a.reading.sensitive = true
  a.reading.copy(a.reading.everything)
}

function setting(a: Analysis): void {
  if (word(a.node, 'kind').startsWith('VAR_RESET')) a.call('RESET')
  a.transitions.push(...setTransitions(a.node))
}

function show(a: Analysis): void {
  const name = settingName(a.node)
  const columns = name === 'all' ? ['name', 'setting', 'description'] : [name]
  a.result = { kind: 'rows', columns: columns.map((one) => ({ name: one, labels: [] })) }
}

const TRANSACTIONS: Readonly<Record<string, readonly [tag: string, verb: TransactionVerb, fact: string]>> = {
  TRANS_STMT_BEGIN: ['BEGIN', 'begin', 'begin'],
  TRANS_STMT_START: ['START TRANSACTION', 'begin', 'begin'],
  TRANS_STMT_COMMIT: ['COMMIT', 'commit', 'commit'],
  TRANS_STMT_ROLLBACK: ['ROLLBACK', 'rollback', 'rollback'],
  TRANS_STMT_SAVEPOINT: ['SAVEPOINT', 'savepoint', 'savepoint'],
  TRANS_STMT_RELEASE: ['RELEASE', 'release', 'savepoint'],
  TRANS_STMT_ROLLBACK_TO: ['ROLLBACK', 'rollback to', 'rollback'],
  TRANS_STMT_PREPARE: ['PREPARE TRANSACTION', 'prepare', 'prepare'],
  TRANS_STMT_COMMIT_PREPARED: ['COMMIT PREPARED', 'commit prepared', 'commit'],
  TRANS_STMT_ROLLBACK_PREPARED: ['ROLLBACK PREPARED', 'rollback prepared', 'rollback'],
}

function transaction(a: Analysis): void {
  const found = TRANSACTIONS[word(a.node, 'kind')]
  if (!found) return a.reading.giveUp()
  const [tag, verb, fact] = found
  a.call(tag)
  a.reading.transaction.add(fact)
  for (const option of children(a.node, 'options')) a.reading.settings.add(word(option, 'defname'))
  // A prepared transaction outlives its session and keeps its locks; whoever ends one decides over another session's work.
  if (verb.includes('prepare')) a.reading.effects |= WRITE
  a.transitions.push({ kind: 'transaction', verb })
  // AND CHAIN opens the next block at once.
  if (flag(a.node, 'chain')) a.transitions.push({ kind: 'transaction', verb: 'begin' })
}

function discard(a: Analysis): void {
  const what = word(a.node, 'target').replace('DISCARD_', '').toLowerCase()
  if (what !== 'all' && what !== 'plans' && what !== 'sequences' && what !== 'temp') return a.reading.giveUp()
  a.call(`DISCARD ${what.toUpperCase()}`)
  a.transitions.push({ kind: 'discard', what })
  if (what === 'all') a.transitions.push({ kind: 'unlisten', channel: undefined })
}

function createTable(a: Analysis): void {
  const relation = child(a.node, 'relation')
  if (relation) a.reading.seen.add(relation)
  const created = createdBy(relation)
  if (created?.kind === 'created') {
    a.transitions.push(created)
    const name = created.schema === undefined ? created.relation : `${created.schema}.${created.relation}`
    a.reading.relations.set(name, { effects: effects('define'), labels: [], kind: 'table' })
  }
  // A child holds rows of its parent's kind under another name.
  for (const parent of children(a.node, 'inhRelations')) {
    const named = rangeVar(a.reading, parent)
    a.reading.touch(named, READ)
    a.reading.copy(a.reading.names.item(named, undefined, false).row)
  }
}

/** A foreign table may show another table's rows under a name that has no labels: it is not taken for an empty new one. */
function foreignTable(a: Analysis): void {
  const relation = child(child(a.node, 'base') ?? a.node, 'relation')
  if (relation) a.reading.seen.add(relation)
  a.reading.copy(a.reading.everything)
}

function createSchema(a: Analysis): void {
  if (child(a.node, 'authrole')) a.reading.effects |= GRANT
  for (const element of children(a.node, 'schemaElts')) {
    const utility = utilityOf(element)
    if (utility) a.reading.effects |= utility.effects
    else a.reading.giveUp()
  }
  // Views and triggers among the elements name relations.
  if (children(a.node, 'schemaElts').length > 0) a.reading.copy(a.reading.everything)
}

const RIGHTS = /Owner|RowSecurity|EnableRule|DisableRule|EnableTrig|DisableTrig|EnableAlwaysTrig|EnableReplicaTrig/

function alterTable(a: Analysis): void {
  for (const command of children(a.node, 'cmds')) {
    const subtype = word(command, 'subtype')
    if (RIGHTS.test(subtype)) a.reading.effects |= GRANT
    if (subtype === 'AT_DropColumn') a.reading.effects |= DELETE
  }
}

const RELATION_KINDS = /^OBJECT_(TABLE|VIEW|MATVIEW|FOREIGN_TABLE|SEQUENCE|INDEX)$/

function drop(a: Analysis, utility: Utility): void {
  const isRelation = RELATION_KINDS.test(word(a.node, 'removeType'))
  for (const object of children(a.node, 'objects')) {
    const path = object.nodeType === 'List' ? names(object, 'items') : [stringOf(object)]
    if (!isRelation) continue
    a.reading.touch(a.reading.names.relation(path.at(-2), path.at(-1) ?? ''), utility.effects)
  }
}

/** An index keeps the values of its columns, and a unique one answers guesses. */
function createIndex(a: Analysis): void {
  const relation = child(a.node, 'relation')
  if (!relation) return a.reading.giveUp()
  const named = rangeVar(a.reading, relation)
  a.reading.touch(named, a.reading.effects)
  const item = a.reading.names.item(named, undefined, false)
  const place = { reading: a.reading, scope: { items: [item], parent: undefined, tables: undefined } }
  for (const field of ['indexParams', 'indexIncludingParams']) {
    for (const element of children(a.node, field)) {
      const column = item.find(word(element, 'name'))
      if (column) a.reading.copy(a.reading.referTo({ labels: column.labels, column, found: true }))
      a.reading.copy(labelsOf(place, child(element, 'expr')))
    }
  }
  a.reading.copy(labelsOf(place, child(a.node, 'whereClause')))
}
