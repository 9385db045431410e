/**
 * What is asked of a target's catalogue. Every name is qualified and the search path is emptied first, so that no object of the target's
 * users can stand in for one of these. Objects up to oid 16383 came with the server and are read once; the rest is read again where it changed.
 */

const FIRST_USER_OID = 16_384
/** System views that show values of other tables' rows: their definitions are wanted although they came with the server. */
const ECHOING = `'pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs'`
/** Toast tables and their indexes cannot be named in a statement that reads anything. */
const NAMED = `relkind <> 't' AND relnamespace <> 'pg_toast'::pg_catalog.regnamespace`
const WITH_COLUMNS = `('r', 'p', 'v', 'm', 'f', 'S', 'c')`

/** The parts of a catalogue that are compared by checksum and read again as a whole when it differs. */
export const PARTS = ['namespace', 'class', 'inherits', 'trigger', 'rewrite', 'proc', 'operator', 'type'] as const
export type Part = (typeof PARTS)[number]

/** What a catalogue was last compared with. */
export interface Fingerprint {
  /** Database and start of the server: another one means that nothing known before counts. */
  readonly identity: string
  /** Every transaction below this id had ended. */
  readonly horizon: string
  readonly sums: Readonly<Record<Part, string>>
}

/**
 * Contrib extensions whose functions, operators and types only compute with their arguments. Their `=` or `lower` beside the built-in one must not
 * make every comparison a call of code nobody knows. Only their C functions count: one replaced by SQL is a user's.
 */
const TAME_EXTENSIONS = `'btree_gin', 'btree_gist', 'citext', 'cube', 'earthdistance', 'fuzzystrmatch', 'hstore', 'intarray', 'isn', 'ltree', 'pg_trgm',
  'pgcrypto', 'seg', 'unaccent', 'uuid-ossp', 'vector', 'postgis'`
const inTame = (
  table: string,
  oid: string,
) => `EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.${table}'::pg_catalog.regclass AND d.objid = ${oid} AND d.deptype = 'e'
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.extname IN (${TAME_EXTENSIONS}))`
/** prolang of functions written in C and of the server's own: fixed oids. */
const COMPILED = '(12, 13)'
const TAME = {
  function: `(prolang IN ${COMPILED} AND ${inTame('pg_proc', 'pg_proc.oid')})`,
  operator: `(EXISTS (SELECT FROM pg_catalog.pg_proc f WHERE f.oid = oprcode AND f.prolang IN ${COMPILED} AND ${inTame('pg_proc', 'f.oid')})
    AND ${inTame('pg_operator', 'pg_operator.oid')})`,
  type: `(typtype = 'b' AND ${inTame('pg_type', 'pg_type.oid')})`,
} as const

const USER_TYPES = `oid >= ${FIRST_USER_OID} AND typrelid = 0 AND (typcategory <> 'A' OR typtype = 'd')`
const CHECKED: Readonly<Record<Part, string>> = {
  namespace: checksum('pg_namespace', 'true'),
  class: checksum('pg_class', `oid >= ${FIRST_USER_OID} AND ${NAMED}`),
  inherits: checksum('pg_inherits', 'true', 'inhrelid', 'inhparent'),
  trigger: checksum('pg_trigger', 'NOT tgisinternal'),
  rewrite: checksum('pg_rewrite', `oid >= ${FIRST_USER_OID}`),
  proc: checksum('pg_proc', `oid >= ${FIRST_USER_OID}`),
  operator: checksum('pg_operator', `oid >= ${FIRST_USER_OID}`),
  type: checksum('pg_type', USER_TYPES),
}

/** Count and sum of a hash over identity and version of each row: cheap, and no change by accident leaves it as it was. */
function checksum(table: string, where: string, id = 'oid', version = 'xmin::pg_catalog.text'): string {
  const hash = `pg_catalog.hashoidextended(${id}, (${version})::pg_catalog.int8)`
  return `(SELECT pg_catalog.concat(pg_catalog.count(*), '.', pg_catalog.sum(${hash})) FROM pg_catalog.${table} WHERE ${where})`
}

/** Sections: 0 the search path of a fresh session; 1 the fingerprint: identity, horizon, one column per part. Leaves the transaction open. */
export function fingerprintQuery(): string {
  return `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_catalog.unnest(pg_catalog.current_schemas(true));
SET LOCAL search_path = '';
SELECT pg_catalog.concat((SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()), '/',
    pg_catalog.pg_postmaster_start_time()),
  pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid,
  ${PARTS.map((part) => CHECKED[part]).join(',\n  ')}`
}

/**
 * Relations with a column changed since `horizon`, one oid per row. A row counts as changed when its transaction is not older than the
 * horizon; some are then read again for nothing, none is missed.
 */
export function changedColumnsQuery(horizon: string): string {
  return `SELECT DISTINCT attrelid FROM pg_catalog.pg_attribute WHERE attrelid >= ${FIRST_USER_OID} AND ${since(horizon)}`
}

function since(horizon: string | undefined): string {
  return horizon === undefined ? 'true' : `pg_catalog.age(xmin) <= pg_catalog.age('${horizon}'::pg_catalog.xid)`
}

/** The rest of the transaction: the parts that changed, one section each, in the order of the returned names. `columns` are relations whose columns changed. */
export function partsQuery(changed: ReadonlySet<Part>, horizon: string | undefined, columns: readonly number[]) {
  const sections: string[] = []
  const queries: string[] = []
  const add = (name: string, sql: string) => {
    sections.push(name)
    queries.push(sql)
  }
  const range =
    horizon === undefined
      ? `${NAMED} AND (oid >= ${FIRST_USER_OID} OR relkind NOT IN ('i', 'I'))`
      : `oid >= ${FIRST_USER_OID} AND ${NAMED}`
  if (changed.has('namespace')) add('namespace', 'SELECT oid, nspname FROM pg_catalog.pg_namespace')
  if (changed.has('class')) {
    add('present', `SELECT oid FROM pg_catalog.pg_class WHERE ${range}`)
    add(
      'class',
      `SELECT oid, relnamespace, relkind, relname FROM pg_catalog.pg_class WHERE ${range} AND ${since(horizon)}`,
    )
  }
  if (changed.has('class') || columns.length > 0) add('attribute', attributes(range, horizon, columns))
  if (changed.has('inherits'))
    add('inherits', 'SELECT inhrelid, inhparent FROM pg_catalog.pg_inherits ORDER BY inhrelid, inhseqno')
  if (changed.has('trigger'))
    add('trigger', 'SELECT DISTINCT tgrelid FROM pg_catalog.pg_trigger WHERE NOT tgisinternal')
  if (changed.has('rewrite')) add('rewrite', rewrites(horizon))
  if (changed.has('proc')) add('proc', names('proname', 'pg_proc', `oid >= ${FIRST_USER_OID} AND NOT ${TAME.function}`))
  if (changed.has('operator'))
    add('operator', names('oprname', 'pg_operator', `oid >= ${FIRST_USER_OID} AND NOT ${TAME.operator}`))
  if (changed.has('type')) add('type', names('typname', 'pg_type', `${USER_TYPES} AND NOT ${TAME.type}`))
  queries.push('COMMIT')
  return { sections, sql: queries.join(';\n') }
}

function attributes(range: string, horizon: string | undefined, columns: readonly number[]): string {
  const changed = `SELECT oid FROM pg_catalog.pg_class WHERE ${range} AND relkind IN ${WITH_COLUMNS} AND ${since(horizon)}`
  const also = columns.length > 0 ? ` UNION ALL SELECT pg_catalog.unnest('{${columns.join()}}'::pg_catalog.oid[])` : ''
  return `SELECT attrelid, attnum, atttypid, attname, pg_catalog.format_type(atttypid, NULL),
      CASE WHEN attgenerated <> '' THEN pg_catalog.pg_get_expr(adbin, adrelid) END
    FROM pg_catalog.pg_attribute LEFT JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND attrelid IN (${changed}${also}) ORDER BY attrelid, attnum`
}

/** Per rule: its relation, whether it is a view's query, whether it is new. */
function rewrites(horizon: string | undefined): string {
  return `SELECT ev_class, (rulename = '_RETURN')::pg_catalog.int4, (${since(horizon)})::pg_catalog.int4 FROM pg_catalog.pg_rewrite
    WHERE ev_class >= ${FIRST_USER_OID} OR ev_class IN (SELECT oid FROM pg_catalog.pg_class
      WHERE relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND relname IN (${ECHOING}))`
}

function names(column: string, table: string, where: string): string {
  return `SELECT DISTINCT ${column} FROM pg_catalog.${table} WHERE ${where}`
}

/** Views that name one of `relations` in their query, one oid per row: a renamed column is printed anew there, although the view did not change. */
export function dependentViewsQuery(relations: readonly number[]): string {
  return `BEGIN READ ONLY; SET LOCAL search_path = '';
SELECT DISTINCT r.ev_class FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = ANY ('{${relations.join()}}'::pg_catalog.oid[]) AND r.rulename = '_RETURN'; COMMIT`
}

/**
 * Oid and definition of each view. The server locks what a view reads to print it: a lock held by a transaction that may itself be waiting for
 * us is waited for only briefly.
 */
export function definitionsQuery(views: readonly number[]): string {
  return `BEGIN READ ONLY; SET LOCAL search_path = ''; SET LOCAL lock_timeout = '100ms';
SELECT v, pg_catalog.pg_get_viewdef(v) FROM pg_catalog.unnest('{${views.join()}}'::pg_catalog.oid[]) AS v; COMMIT`
}
