import { effects } from '../../model/effects.ts'
import type { SqlFacts } from '../../model/facts.ts'
import type { SqlOperation } from '../../model/operation.ts'
import type { ParsedMessage, Resolved, ResolvedStatement } from '../../sql/postgres.ts'

/** What a client's text means now: ready to be judged. */
export interface Understood {
  readonly parsed: ParsedMessage
  readonly resolved: Resolved
}

function bareFacts(database: string, tag: string, functions: readonly string[], labels: readonly string[]): SqlFacts {
  return {
    kind: 'sql',
    dialect: 'postgres',
    database,
    statements: 1,
    tags: [tag],
    functions,
    tables: { read: [], written: [] },
    columns: [],
    labels,
    filters: [],
    hasWhere: true,
    vacuousWhere: false,
    settings: [],
    transaction: [],
  }
}

/** FunctionCall: an oid and bytes, no SQL text (A38, A60). It may do anything a function may. */
export function functionCallOperation(oid: number, database: string, labels: readonly string[]): SqlOperation {
  return {
    verb: 'FUNCTION CALL',
    effects: effects('execute', 'unknown'),
    objects: [],
    text: `FunctionCall ${oid}`,
    facts: bareFacts(database, 'FUNCTION CALL', [String(oid)], labels),
    shape: 'call',
    confidence: 'opaque',
  }
}

/** A replication session (A39): raw changes of every table, which nothing here decodes. */
export function replicationOperation(database: string, labels: readonly string[]): SqlOperation {
  return {
    verb: 'REPLICATION',
    effects: effects('connect', 'export', 'unknown'),
    objects: [],
    text: 'START-UP with replication',
    facts: bareFacts(database, 'REPLICATION', [], labels),
    shape: 'stream',
    confidence: 'opaque',
  }
}

const REPLICATION_COMMAND =
  /^\s*(IDENTIFY_SYSTEM|READ_REPLICATION_SLOT|CREATE_REPLICATION_SLOT|ALTER_REPLICATION_SLOT|DROP_REPLICATION_SLOT|START_REPLICATION|TIMELINE_HISTORY|BASE_BACKUP|UPLOAD_MANIFEST)\b/i

/** A command of the replication grammar (PostgreSQL documentation, "Streaming Replication Protocol"), which the SQL grammar does not know. */
export function replicationCommand(text: string, database: string, labels: readonly string[]): Resolved | undefined {
  const command = REPLICATION_COMMAND.exec(text)?.[1]?.toUpperCase()
  if (!command) return undefined
  const statement: ResolvedStatement = {
    tag: command,
    effects: effects('connect', 'export', 'unknown'),
    result: { kind: 'opaque', labels },
    labelsRead: labels,
    transitions: [],
    settingsSensitive: false,
  }
  return {
    operation: { ...replicationOperation(database, labels), verb: command, text: text.slice(0, 8192) },
    statements: [statement],
    copiesLabels: labels,
  }
}
