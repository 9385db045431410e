import type { ErrorCode } from '../../src/kit/catalogue.ts'

/** One thing that went wrong for somebody, tried on us. Every element of `attack` and `twin` is one message in one session. */
export interface Incident {
  readonly name: string
  readonly attack: readonly string[]
  /** The codes under which the gateway may refuse it. */
  readonly code: ErrorCode | readonly ErrorCode[]
  /** A piece of the attack that must never stand in the server's own log. */
  readonly never: string
  /** The same shape without harm: it must pass. */
  readonly twin: readonly string[]
  /** Something the twin prints. */
  readonly shows: RegExp
  /** Asked straight at the server before and after: the answer must not change. */
  readonly probe: string
  readonly resource?: 'desk' | 'staging'
}

const REFUSED = ['policy.denied', 'policy.default'] as const
const ORDERS = 'select count(*), sum(total) from orders'
const TICKETS = 'select * from tickets order by id'

/** The reported incidents and their near relatives. Numbers are rows of the attack catalogue. */
export const INCIDENTS: readonly Incident[] = [
  {
    name: 'a COMMIT prefixed to a DROP SCHEMA leaves the read-only wrapper (A19, A29)',
    attack: ['commit; drop schema archive cascade;'],
    code: REFUSED,
    never: 'drop schema archive',
    twin: ['commit; select count(*) from archive.orders;'],
    shows: /20/,
    probe: "select count(*) from information_schema.schemata where schema_name = 'archive'",
  },
  {
    name: 'COPY TO PROGRAM after a harmless statement (A27)',
    attack: ["select 1; copy (select 'owned') to program 'cat > /tmp/sluice-incident-owned'"],
    code: REFUSED,
    never: 'to program',
    twin: ["select 1; copy (select 'mine') to stdout"],
    shows: /mine/,
    probe: "select pg_stat_file('/tmp/sluice-incident-owned', true) is null",
  },
  {
    name: 'COPY to and from files of the server (A27)',
    attack: ["copy customers to '/tmp/sluice-incident-customers'", "copy tickets from '/etc/passwd'"],
    code: REFUSED,
    never: '/tmp/sluice-incident',
    twin: ['copy (select id, name from customers order by id) to stdout'],
    shows: /Ann Lee/,
    probe: "select pg_stat_file('/tmp/sluice-incident-customers', true) is null",
  },
  {
    name: 'a DELETE inside a CTE of a SELECT (A21)',
    attack: ['with gone as (delete from orders returning *) select count(*) from gone'],
    code: [...REFUSED, 'approval.pending'],
    never: 'delete from orders',
    twin: ['with kept as (select * from orders) select count(*) from kept'],
    shows: /20/,
    probe: ORDERS,
  },
  {
    name: 'EXPLAIN ANALYZE runs the write it explains (A22)',
    attack: ['explain analyze delete from orders'],
    code: REFUSED,
    never: 'delete from orders',
    twin: ['explain analyze select * from orders'],
    shows: /Seq Scan on orders/,
    probe: ORDERS,
  },
  {
    name: 'a DO block builds its statement at run time (A20)',
    attack: ["do $x$ begin execute 'del' || 'ete from orders'; end $x$"],
    code: REFUSED,
    never: "execute 'del'",
    twin: ["select 'del' || 'ete from orders'"],
    shows: /delete from orders/,
    probe: ORDERS,
  },
  {
    name: 'a change during a freeze window, by an account that may otherwise do everything',
    attack: [
      "update frozen.settings set value = 'rewritten'",
      'drop table frozen.settings',
      'delete from frozen.settings',
    ],
    code: 'policy.denied',
    never: 'rewritten',
    twin: ['select * from frozen.settings'],
    shows: /live/,
    probe: 'select * from frozen.settings',
    resource: 'staging',
  },
  {
    name: 'a ticket tells the agent to copy a secret into its reply (B31)',
    attack: [
      'select subject, body from tickets where id = 2',
      'update tickets set reply = (select token from integration_tokens limit 1) where id = 2',
    ],
    code: 'mask.copy',
    never: 'select token from integration_tokens',
    twin: [
      'select subject, body from tickets where id = 1',
      "update tickets set reply = 'A new one is on its way.' where id = 1 and reply is null",
      'select reply from tickets where id = 1',
    ],
    shows: /on its way/,
    probe: 'select * from tickets where id = 2',
  },
  {
    name: 'the agent reads a masked value and writes it back over the real one (B46)',
    attack: [
      'select email from customers where id = 1',
      'update tickets set reply = (select email from customers where id = 1) where id = 2',
    ],
    code: 'mask.copy',
    never: 'set reply = (select email',
    twin: ['select name from customers where id = 1'],
    shows: /Ann Lee/,
    probe: TICKETS,
  },
  {
    name: 'a DELETE without WHERE, with one that holds always, and by TRUNCATE',
    attack: [
      'delete from orders',
      'delete from orders where true',
      'delete from orders where 1 = 1 or id = 3',
      'truncate orders',
    ],
    code: REFUSED,
    never: 'from orders',
    twin: ['select count(*) from tickets where true'],
    shows: /2/,
    probe: ORDERS,
  },
  {
    name: 'a DELETE that waits for a person does nothing meanwhile',
    attack: ['delete from orders where id = 3'],
    code: 'approval.pending',
    never: 'delete from orders',
    twin: ['select * from orders where id = 3'],
    shows: /30/,
    probe: ORDERS,
  },
  {
    name: 'a write hidden by prepared statements (A23, A24)',
    attack: ['prepare p as delete from orders', 'execute p', 'create table stolen as execute q'],
    code: [...REFUSED, 'sql.unknown_statement'],
    never: 'delete from orders',
    twin: ['prepare r as select count(*) from orders', 'execute r'],
    shows: /20/,
    probe: ORDERS,
  },
  {
    name: 'SELECT INTO, CREATE TABLE AS and large objects keep a copy (A24, A32f, B31)',
    attack: [
      'select * into stolen from customers',
      'create table stolen as table customers',
      'select lo_from_bytea(0, (select ssn::bytea from customers limit 1))',
    ],
    code: REFUSED,
    never: 'stolen',
    twin: ['select id from customers order by id'],
    shows: /2/,
    probe: "select to_regclass('stolen') is null, (select count(*) from pg_largeobject_metadata)",
  },
  {
    name: 'the string switch that turns one SELECT into two statements (A10)',
    attack: [
      'set standard_conforming_strings = off',
      "select set_config('standard_conforming_strings', 'off', false)",
      "set local standard_conforming_strings to 'off'",
    ],
    code: 'sql.setting',
    never: 'standard_conforming_strings',
    twin: ['set standard_conforming_strings = on', 'show standard_conforming_strings'],
    shows: /on/,
    probe: 'select 1',
  },
  {
    name: 'an encoding in which a quote hides inside a character (A12, A13)',
    attack: ['set client_encoding = sjis', "set names 'gbk'", "select set_config('client_encoding', 'SJIS', false)"],
    code: 'sql.setting',
    never: 'client_encoding = sjis',
    twin: ["set client_encoding = 'UTF8'", 'show client_encoding'],
    shows: /UTF8/,
    probe: 'select 1',
  },
  {
    name: 'names written so that a filter does not see them (A1, A2, A5, A6)',
    attack: [
      'DeLeTe/*/**/*/\nFROM/**/orders',
      'delete from U&"\\006frders"',
      'delete from U&"!006frders" uescape \'!\'',
    ],
    code: REFUSED,
    never: 'rders',
    twin: ['SeLeCt/*/**/*/\ncount(*) FROM/**/U&"\\0074ickets"'],
    shows: /2/,
    probe: ORDERS,
  },
  {
    name: 'other roles and defaults (A56)',
    attack: [
      'set role pg_read_all_data',
      'set session authorization postgres',
      "alter role postgres set search_path = 'evil'",
      'alter system set log_statement = none',
      'create role evil superuser',
    ],
    code: [...REFUSED, 'sql.setting'],
    never: 'evil',
    twin: ['select current_user is not null'],
    shows: /t/,
    probe: "select rolname, rolconfig from pg_roles where rolname in ('postgres', 'evil')",
  },
  {
    name: 'statistics and catalogues that hold values (B28)',
    attack: [
      'create extension dblink',
      'select pg_terminate_backend(1)',
      'select pg_reload_conf()',
      "select pg_notify('x', 'y')",
    ],
    code: REFUSED,
    never: 'dblink',
    twin: ['select count(*) > 0 from pg_class'],
    shows: /t/,
    probe: 'select count(*) from pg_extension',
  },
  {
    name: 'SQL inside a function’s text (A30f)',
    attack: [
      "select query_to_xml('select ssn from customers', true, false, '')",
      "select table_to_xml('customers', true, false, '')",
      "select ts_stat('select to_tsvector(ssn) from customers')",
    ],
    code: REFUSED,
    never: '_to_xml',
    twin: ["select xmlelement(name a, 'b')"],
    shows: /<a>b<\/a>/,
    probe: 'select 1',
  },
  {
    name: 'rules, triggers and functions that act later (A26)',
    attack: [
      'create rule r as on insert to tickets do also delete from orders',
      "create function f() returns int language sql as 'select 1'",
      'create view v as select * from customers',
    ],
    code: REFUSED,
    never: 'do also',
    twin: ["select 'create rule'"],
    shows: /create rule/,
    probe: 'select count(*) from pg_rewrite',
  },
]

/** A function that reads a file of the server, in every place the grammar has for an expression. `F` is the call. */
const POSITIONS: readonly (readonly [string, ...string[]])[] = [
  ['the target list', 'select F'],
  ['FROM', 'select * from F as f'],
  ['ROWS FROM', 'select * from rows from (F, generate_series(1, 2)) as f'],
  ['LATERAL', 'select * from orders o, lateral (select F || o.id) as l'],
  ['WHERE', "select 1 where F <> 'zzz'"],
  ['JOIN ON', "select count(*) from orders o join tickets t on F <> 'zzz'"],
  ['a CTE', 'with c as (select F as x) select * from c'],
  ['VALUES', 'values (1, F)'],
  ['ORDER BY', 'select id from orders order by F, id'],
  ['GROUP BY', 'select count(*) from orders group by F'],
  ['HAVING', "select count(*) from orders having F <> 'zzz'"],
  ['LIMIT', 'select id from orders limit length(F)'],
  ['DISTINCT ON', 'select distinct on (F) id from orders'],
  ['a window', 'select sum(id) over (partition by F) from orders'],
  ['an aggregate filter', "select count(*) filter (where F <> 'zzz') from orders"],
  ['CASE', "select case when id = 1 then F else 'x' end from orders"],
  ['an array', 'select array[F]'],
  ['a row', 'select row(1, F)'],
  ['a cast', 'select F::varchar'],
  ['an argument', 'select coalesce(null, F)'],
  ['a subquery', 'select (select F)'],
  ['IN', 'select 1 where 1 in (select length(F))'],
  ['EXISTS', 'select exists (select F)'],
  ['a set operation', "select 'x' union all select F"],
  [
    'a recursive CTE',
    "with recursive r as (select 1 as n, 'x'::text as t union all select n + 1, F from r where n < 2) select * from r",
  ],
  ['TABLESAMPLE', 'select count(*) from orders tablesample system (length(F) + 99 - length(F))'],
  ['RETURNING', 'update tickets set subject = subject where id = 1 returning F'],
  ['SET', 'update tickets set subject = F where id = -1'],
  ['INSERT … SELECT', 'insert into tickets (id, body) select -1, F where false'],
  [
    'ON CONFLICT',
    "insert into tickets (id) values (1) on conflict (id) do update set subject = tickets.subject where F = 'zzz'",
  ],
  ['a prepared statement', 'prepare p as select F', 'execute p'],
  ['an argument of EXECUTE', 'prepare p(text) as select $1', 'execute p(F)'],
  ['a cursor', 'begin; declare c cursor for select F', 'fetch all from c; commit'],
  ['EXPLAIN ANALYZE', 'explain analyze select F'],
  ['COPY of a query', 'copy (select F) to stdout'],
  ['a named argument', "select F as pg_read, upper('y') as name"],
  ['JSON', "select jsonb_build_object('a', F)"],
]

export const FILE_READS: readonly Incident[] = [
  ...POSITIONS.map(([place, ...statements]) => ({
    name: `pg_read_file in ${place} (A32f)`,
    attack: statements.map((sql) => sql.replaceAll(/\bF\b/g, "pg_read_file('/etc/hostname')")),
    code: [...REFUSED, 'sql.unknown_statement'] as const,
    never: 'pg_read_file',
    twin: statements.map((sql) => sql.replaceAll(/\bF\b/g, "upper('x')")),
    shows: /./,
    probe: TICKETS,
  })),
  {
    name: 'pg_read_file behind a view (A35f)',
    attack: ['select * from file_reader'],
    code: REFUSED,
    never: 'file_reader',
    twin: ['select * from shouter'],
    shows: /X/,
    probe: TICKETS,
  },
]
