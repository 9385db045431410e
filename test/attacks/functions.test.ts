/** ATTACKS A.3: all of these are "just a SELECT". */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SAFE_FUNCTIONS, SET_RETURNING } from '../../src/sql/known-functions.ts'
import { type Attack, DENIED, hear, passes, refused } from './attack.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const XML = "'select ssn from customers', true, false, ''"
const calls = (number: string, list: string, more: Partial<Attack> = {}): Attack[] =>
  list
    .trim()
    .split('\n')
    .map((call) => ({ number, said: [`select ${call.trim()}`], code: DENIED, ...more }))

const ATTACKS: readonly Attack[] = [
  ...calls(
    'A30f',
    `query_to_xml(${XML})
     query_to_xml_and_xmlschema(${XML})
     pg_catalog.query_to_xml(${XML})
     "query_to_xml"(${XML})
     U&"query\\005fto\\005fxml"(${XML})
     cursor_to_xml('c', 1, true, false, '')
     table_to_xml('customers', true, false, '')
     schema_to_xml('public', true, false, '')
     database_to_xml(true, false, '')
     ts_stat('select to_tsvector(ssn) from customers')
     ts_rewrite('a'::tsquery, 'select ''a''::tsquery, ssn::tsquery from customers')
     crosstab('select ssn, ssn, ssn from customers')
     connectby('customers', 'ssn', 'ssn', '1', 0)
     xpath_table('id', 'ssn', 'customers', '/', 'true')
     * from query_to_xml(${XML})
     1 where query_to_xml(${XML}) is not null
     1 order by query_to_xml(${XML})::text`,
    { twin: ["select xmlelement(name a, 'b')"], shows: /<a>b/ },
  ),
  ...calls(
    'A31f',
    `* from dblink('dbname=postgres', 'select ssn from customers') as t(a text)
     dblink_exec('dbname=postgres', 'insert into audit_me values (9)')
     dblink_connect('dbname=postgres')
     dblink_send_query('x', 'select 1')`,
  ),
  {
    number: 'A31f',
    said: [
      'create extension postgres_fdw',
      "create server s foreign data wrapper postgres_fdw options (host 'localhost')",
    ],
    code: DENIED,
  },
  ...calls(
    'A32f',
    `pg_read_file('/etc/passwd')
     pg_read_binary_file('PG_VERSION')
     pg_ls_dir('/')
     * from pg_ls_dir('.')
     pg_stat_file('base')
     pg_ls_logdir()
     lo_import('/etc/passwd')
     lo_export(1, '/tmp/sluice-attack-file')
     lo_from_bytea(0, 'x')
     lo_put(1, 0, 'x')
     lo_create(0)
     lo_get(1)
     lo_unlink(1)
     * from pg_hba_file_rules
     * from pg_file_settings
     * from pg_catalog.pg_ident_file_mappings
     body from file_reader`,
    { twin: ["select 'pg_read_file'"], shows: /pg_read/ },
  ),
  ...calls(
    'A33f',
    `set_config('role', 'pg_monitor', false)
     set_config('session_authorization', 'postgres', true)
     set_config('ro' || 'le', 'pg_monitor', false)
     set_config((select 'role'), 'pg_monitor', false)
     set_config('session_replication_role', 'replica', false)
     count(set_config('role', 'pg_monitor', false))`,
    { twin: ["select set_config('work_mem', '4MB', false)"], shows: /4MB/ },
  ),
  ...calls(
    'A34f',
    `pg_terminate_backend(pg_backend_pid())
     pg_cancel_backend(1)
     pg_sleep(0)
     pg_advisory_lock(1)
     pg_try_advisory_lock(1)
     nextval('tickets')
     setval('tickets', 7)
     pg_notify('a', 'b')
     pg_switch_wal()
     pg_reload_conf()
     pg_rotate_logfile()
     pg_create_physical_replication_slot('s')
     pg_create_logical_replication_slot('s', 'test_decoding')
     pg_logical_emit_message(true, 'a', 'b')
     pg_create_restore_point('x')
     pg_promote()
     txid_current()
     pg_current_xact_id()
     pg_stat_reset()
     pg_log_backend_memory_contexts(1)
     pg_export_snapshot()
     lo_creat(1)
     pg_stat_get_activity(null)
     brin_summarize_new_values('audit_me_pkey')
     gin_clean_pending_list('audit_me_pkey')
     pg_import_system_collations('public')
     pg_get_wal_record_info('0/0')`,
    { twin: ['select now() is not null, length(version()) > 0'], shows: /D t \| t/ },
  ),
  ...calls(
    'A35f',
    `leak_plpgsql()
     leak_sql()
     shout('x')
     id ### 1 from orders
     1 operator(public.###) 2
     'ab'::short
     cast('ab' as public.short)
     * from file_reader
     ('x'::text).shout
     (orders).shout from orders`,
    { twin: ["select upper('x')"], shows: /D X/ },
  ),
  ...calls(
    'A36f',
    `lower('X'::varchar)
     lower(note) from orders
     public.lower('X')
     id from orders group by id order by lower(id::text)`,
    { twin: ["select pg_catalog.lower('X')"], shows: /D x/ },
  ),
  // A held secret is no data: the verifiers of the account the gateway logs in with.
  ...calls(
    'A32f',
    `rolpassword from pg_authid
     passwd from pg_shadow
     * from pg_authid
     umoptions from pg_user_mapping`,
    { twin: ['select rolname from pg_roles limit 1'], shows: /D \w/ },
  ),
]

describe('A.3 side effects', () => {
  test.each(ATTACKS)('$number is refused: $said.0', (attack) => refused(stage, attack))
})

test('A35f a default and a trigger are not in the text of a read', async () => {
  await passes(stage, { said: ['select * from with_default'] })
  await refused(stage, { number: 'A35f', said: ['insert into with_default (id) values (1)'], code: DENIED })
})

describe('the list of safe functions', () => {
  test('holds no function that writes, reads files or is somebody’s, in any of its overloads', async () => {
    const { rows } = await stage.direct.query<{ proname: string; what: string }>(
      `select distinct proname, case when provolatile = 'v' then 'volatile' else '' end as what from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and proname = any($1) and provolatile = 'v'`,
      [[...SAFE_FUNCTIONS]],
    )
    // Volatile alone because they tell the time, chance or the state of the server; each was read before it was listed.
    const read = `clock_timestamp gen_random_uuid random timeofday currval lastval pg_column_compression pg_conf_load_time pg_is_in_recovery pg_sequence_last_value
      pg_database_size pg_indexes_size pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_relation_size
      pg_table_size pg_tablespace_size pg_total_relation_size pg_current_wal_lsn pg_blocking_pids pg_safe_snapshot_blocking_pids
      pg_available_extension_versions pg_available_extensions pg_extension_update_paths pg_collation_actual_version
      pg_database_collation_actual_version pg_timezone_names pg_xact_commit_timestamp pg_last_committed_xact pg_xact_status txid_status
      pg_partition_ancestors pg_tablespace_databases pg_input_error_info pg_current_xact_id_if_assigned xmltext ts_debug pg_partition_tree current_query pg_jit_available array_sample array_shuffle`
    expect(rows.map(({ proname }) => proname).filter((name) => !read.split(/\s+/).includes(name))).toEqual([])
  })

  test('knows which of them give several rows: how many is a value (B8)', async () => {
    const { rows } = await stage.direct.query<{ proname: string }>(
      `select distinct proname from pg_proc where pronamespace = 'pg_catalog'::regnamespace and proretset and pronargs > 0 and proname = any($1)
         and exists (select from unnest(proargtypes) t where t in (select oid from pg_type where typname in
           ('text', 'json', 'jsonb', 'int4', 'int8', 'anyarray', 'anyelement', 'anycompatible', 'jsonpath', 'tsvector', 'pg_mcv_list', 'timestamp', 'numeric')))`,
      [[...SAFE_FUNCTIONS]],
    )
    expect(
      rows
        .map(({ proname }) => proname)
        .filter((name) => !SET_RETURNING.has(name))
        .sort(),
    ).toEqual([])
  })
})

test('A35f extensions that only compute do not make every comparison somebody’s code', async () => {
  await passes(stage, {
    said: ["select max(note), replace('a', 'a', 'b') from orders where id = 3 and note <> 'x' and note like 'o%'"],
    shows: /order 3/,
  })
  await refused(stage, { number: 'A35f', said: ['select id from orders where id ### 1 = 1'], code: DENIED })
})

test('nothing of a refused call reaches the server’s log', async () => {
  const logged = stage.server.log().length
  await hear(stage, 'agent:reader', ["select pg_read_file('/etc/hostname') as sluice_marker"])
  expect(stage.server.log().slice(logged)).not.toContain('sluice_marker')
})
