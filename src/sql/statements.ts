import { type Effect, type EffectSet, effects } from '../model/effects.ts'
import { type Node, word } from './ast.ts'

/** A statement that is not a query: the tag the server answers with and what the statement itself does. */
export interface Utility {
  /** `{}` stands for the object's kind, taken from `kindField`. */
  readonly tag: string
  readonly effects: EffectSet
  /** Names may mean something else afterwards. */
  readonly redefines: boolean
  readonly kindField?: string
}

const table = new Map<string, Utility>()

function define(list: Readonly<Record<string, string>>, redefines: boolean, ...names: Effect[]): void {
  for (const [nodeType, tag] of Object.entries(list)) {
    const [text, kindField] = tag.split('@')
    table.set(nodeType, { tag: text!, effects: effects(...names), redefines, ...(kindField ? { kindField } : {}) })
  }
}

// A change of definitions after which names may stand for something else.
define(
  {
    AlterTableStmt: 'ALTER {}@objtype',
    RenameStmt: 'ALTER {}@renameType',
    AlterObjectSchemaStmt: 'ALTER {}@objectType',
    AlterObjectDependsStmt: 'ALTER {}@objectType',
    AlterDomainStmt: 'ALTER DOMAIN',
    AlterTypeStmt: 'ALTER TYPE',
    AlterEnumStmt: 'ALTER TYPE',
    AlterOperatorStmt: 'ALTER OPERATOR',
    AlterFunctionStmt: 'ALTER {}@objtype',
    AlterOpFamilyStmt: 'ALTER OPERATOR FAMILY',
    AlterTSDictionaryStmt: 'ALTER TEXT SEARCH DICTIONARY',
    AlterTSConfigurationStmt: 'ALTER TEXT SEARCH CONFIGURATION',
    CreateFunctionStmt: 'CREATE FUNCTION',
    DefineStmt: 'CREATE {}@kind',
    CreateDomainStmt: 'CREATE DOMAIN',
    CompositeTypeStmt: 'CREATE TYPE',
    CreateEnumStmt: 'CREATE TYPE',
    CreateRangeStmt: 'CREATE TYPE',
    CreateOpClassStmt: 'CREATE OPERATOR CLASS',
    CreateOpFamilyStmt: 'CREATE OPERATOR FAMILY',
    CreateCastStmt: 'CREATE CAST',
    CreateConversionStmt: 'CREATE CONVERSION',
    CreateTransformStmt: 'CREATE TRANSFORM',
    CreateAmStmt: 'CREATE ACCESS METHOD',
    CreateSchemaStmt: 'CREATE SCHEMA',
    ViewStmt: 'CREATE VIEW',
    AlterExtensionContentsStmt: 'ALTER EXTENSION',
  },
  true,
  'define',
)
define(
  {
    CreateExtensionStmt: 'CREATE EXTENSION',
    AlterExtensionStmt: 'ALTER EXTENSION',
    CreatePLangStmt: 'CREATE LANGUAGE',
  },
  true,
  'define',
  'execute',
)
define(
  { RuleStmt: 'CREATE RULE', CreateTrigStmt: 'CREATE TRIGGER', CreateEventTrigStmt: 'CREATE EVENT TRIGGER' },
  true,
  'define',
  'execute',
)
define({ AlterEventTrigStmt: 'ALTER EVENT TRIGGER' }, false, 'define', 'execute')
define({ ImportForeignSchemaStmt: 'IMPORT FOREIGN SCHEMA' }, true, 'define', 'connect', 'import')
define({ DropStmt: 'DROP {}@removeType' }, true, 'delete', 'define')

// Definitions that leave names as they are.
define(
  {
    CreateStmt: 'CREATE TABLE',
    CreateForeignTableStmt: 'CREATE FOREIGN TABLE',
    CreateSeqStmt: 'CREATE SEQUENCE',
    AlterSeqStmt: 'ALTER SEQUENCE',
    IndexStmt: 'CREATE INDEX',
    CreateStatsStmt: 'CREATE STATISTICS',
    AlterStatsStmt: 'ALTER STATISTICS',
    AlterCollationStmt: 'ALTER COLLATION',
    CommentStmt: 'COMMENT',
    SecLabelStmt: 'SECURITY LABEL',
    CreateTableSpaceStmt: 'CREATE TABLESPACE',
    AlterTableSpaceOptionsStmt: 'ALTER TABLESPACE',
    AlterTableMoveAllStmt: 'ALTER {}@objtype',
    CreatedbStmt: 'CREATE DATABASE',
    AlterDatabaseStmt: 'ALTER DATABASE',
    AlterDatabaseRefreshCollStmt: 'ALTER DATABASE',
    VacuumStmt: 'VACUUM',
    ClusterStmt: 'CLUSTER',
    ReindexStmt: 'REINDEX',
    CheckPointStmt: 'CHECKPOINT',
  },
  false,
  'define',
)
define({ DropTableSpaceStmt: 'DROP TABLESPACE', DropdbStmt: 'DROP DATABASE' }, false, 'delete', 'define')
define({ TruncateStmt: 'TRUNCATE TABLE' }, false, 'delete')
define({ RefreshMatViewStmt: 'REFRESH MATERIALIZED VIEW' }, false, 'write', 'read')

// Other servers.
define(
  {
    CreateFdwStmt: 'CREATE FOREIGN DATA WRAPPER',
    AlterFdwStmt: 'ALTER FOREIGN DATA WRAPPER',
    CreateForeignServerStmt: 'CREATE SERVER',
    AlterForeignServerStmt: 'ALTER SERVER',
    CreateUserMappingStmt: 'CREATE USER MAPPING',
    AlterUserMappingStmt: 'ALTER USER MAPPING',
    DropUserMappingStmt: 'DROP USER MAPPING',
  },
  false,
  'define',
  'connect',
)
define(
  { CreatePublicationStmt: 'CREATE PUBLICATION', AlterPublicationStmt: 'ALTER PUBLICATION' },
  false,
  'define',
  'export',
)
define(
  {
    CreateSubscriptionStmt: 'CREATE SUBSCRIPTION',
    AlterSubscriptionStmt: 'ALTER SUBSCRIPTION',
    DropSubscriptionStmt: 'DROP SUBSCRIPTION',
  },
  false,
  'define',
  'connect',
  'import',
)

// Rights.
define(
  { GrantStmt: 'GRANT', GrantRoleStmt: 'GRANT ROLE', AlterDefaultPrivilegesStmt: 'ALTER DEFAULT PRIVILEGES' },
  false,
  'grant',
)
define(
  {
    CreateRoleStmt: 'CREATE ROLE',
    AlterRoleStmt: 'ALTER ROLE',
    CreatePolicyStmt: 'CREATE POLICY',
    AlterPolicyStmt: 'ALTER POLICY',
    AlterOwnerStmt: 'ALTER {}@objectType',
    ReassignOwnedStmt: 'REASSIGN OWNED',
  },
  false,
  'define',
  'grant',
)
define({ DropRoleStmt: 'DROP ROLE', DropOwnedStmt: 'DROP OWNED' }, true, 'delete', 'define', 'grant')
define(
  { AlterRoleSetStmt: 'ALTER ROLE', AlterDatabaseSetStmt: 'ALTER DATABASE', AlterSystemStmt: 'ALTER SYSTEM' },
  false,
  'define',
  'session',
  'grant',
)

// The session.
define(
  {
    VariableSetStmt: 'SET',
    TransactionStmt: 'BEGIN',
    DiscardStmt: 'DISCARD ALL',
    ListenStmt: 'LISTEN',
    UnlistenStmt: 'UNLISTEN',
    ConstraintsSetStmt: 'SET CONSTRAINTS',
    ClosePortalStmt: 'CLOSE CURSOR',
    DeallocateStmt: 'DEALLOCATE',
    LockStmt: 'LOCK TABLE',
  },
  false,
  'session',
)
define({ VariableShowStmt: 'SHOW' }, false, 'read')
// A notification reaches other sessions: it is data that leaves this one.
define({ NotifyStmt: 'NOTIFY' }, false, 'write')

// Code.
define({ DoStmt: 'DO', CallStmt: 'CALL' }, true, 'execute', 'unknown')
define({ LoadStmt: 'LOAD' }, true, 'execute', 'import')

/** What a statement that is not a query does; undefined for a query and for what is not known. */
export function utilityOf(node: Node): Utility | undefined {
  return table.get(node.nodeType)
}

const KINDS: Readonly<Record<string, string>> = {
  MATVIEW: 'MATERIALIZED VIEW',
  TABCONSTRAINT: 'TABLE',
  DOMCONSTRAINT: 'DOMAIN',
  COLUMN: 'TABLE',
  ATTRIBUTE: 'TYPE',
  FDW: 'FOREIGN DATA WRAPPER',
  FOREIGN_SERVER: 'SERVER',
  OPCLASS: 'OPERATOR CLASS',
  OPFAMILY: 'OPERATOR FAMILY',
  STATISTIC_EXT: 'STATISTICS',
  TSCONFIGURATION: 'TEXT SEARCH CONFIGURATION',
  TSDICTIONARY: 'TEXT SEARCH DICTIONARY',
  TSPARSER: 'TEXT SEARCH PARSER',
  TSTEMPLATE: 'TEXT SEARCH TEMPLATE',
  LARGEOBJECT: 'LARGE OBJECT',
}

/** The tag of a statement of the table. */
export function utilityTag(node: Node, utility: Utility): string {
  if (!utility.kindField) return utility.tag
  const kind = (word(node, utility.kindField) || word(node, 'relkind')).replace('OBJECT_', '')
  return utility.tag.replace('{}', KINDS[kind] ?? kind.replaceAll('_', ' '))
}
