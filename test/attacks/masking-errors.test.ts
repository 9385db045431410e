/** ATTACKS B18–B22: what errors and notices say of values, in every field, at once or at the end of the transaction. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { bind, execute, parse, sync } from '../rig/wire.ts'
import { type Channel, shownToNobody, undone } from './attack.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const all = (...messages: readonly Buffer[]) => Buffer.concat(messages)
const extended = (sql: string) => all(parse('', sql), bind('', ''), execute(''), sync())

const CHANNELS: readonly Channel[] = [
  ...[
    'int',
    'bigint',
    'numeric',
    'float8',
    'date',
    'time',
    'timestamptz',
    'interval',
    'uuid',
    'json',
    'jsonb',
    'xml',
    'inet',
    'cidr',
    'macaddr',
    'bit(3)',
    'boolean',
    'bytea',
    'money',
    'point',
    'int4range',
    'daterange',
    'int[]',
    'text[]',
    'tsquery',
    'regclass',
    'regtype',
    'regproc',
    'oid',
    'pg_lsn',
    'jsonpath',
    'aclitem',
    'xid',
    'tid',
    'int2vector',
    '"char"',
    'box',
    'lseg',
    'path',
    'polygon',
    'circle',
    'txid_snapshot',
    'regrole',
    'regnamespace',
    'regconfig',
    'pair',
    'regoperator',
  ].map(
    (type): Channel => ({
      number: 'B18',
      said: [1, 4].map((id) => `select ssn::${type} from customers where id = ${id}`),
      shownToRaw: !/^("char"|text\[\]|boolean|bytea|tsquery|xml|bit\(3\)|jsonpath|xid|regoperator)$/.test(type),
    }),
  ),
  ...[
    "to_date(ssn, 'YYYY')",
    "to_timestamp(ssn, 'HH24')",
    "to_number(ssn, '9')",
    'make_interval(secs => ssn::float8)',
    "set_byte('a', ssn::int, 1)",
    "decode(ssn, 'hex')",
    "decode(ssn, 'base64')",
    "encode('a', ssn)",
    "convert('a', ssn, 'UTF8')",
    "normalize('a', ssn)",
    "('a' ~ ('(' || ssn))::text",
    "regexp_replace('a', 'a', 'b', ssn)",
    "regexp_match('a', ssn || '[')",
    "format('%' || ssn, 1)",
    "to_tsquery(ssn || '&')",
    "jsonb_path_query('{}', ('$.' || ssn || '[')::jsonpath)",
    "'{}'::jsonb #> array[ssn]",
    "jsonb_set('[1]', array[ssn], '1')",
    'date_trunc(ssn, now())',
    'date_part(ssn, now())',
    'now() at time zone ssn',
    'pg_size_bytes(ssn)',
    'xmlparse(document ssn)',
    "xmlparse(content '<' || ssn)",
    "xmlpi(name a, ssn || '?>')",
    "xpath(ssn || '[', '<a/>')",
    "parse_ident(ssn || '..')",
    "has_table_privilege(ssn, 'select')",
    "has_table_privilege('customers', ssn)",
    "to_char(1, ssn || 'SS')",
    'current_setting(ssn)',
    'json_object(array[ssn])',
    'makeaclitem(10, 10, ssn, false)',
    "pg_get_object_address(ssn, '{}', '{}')",
    'to_ascii(ssn, ssn)',
    'col_description(ssn::regclass, 1)',
    "pg_relation_size('customers', ssn)",
    'enum_range(null::text)',
    'ssn::varchar(3)::int',
    "unistr('\\' || ssn)",
    'overlay(ssn placing ssn from -1)',
    '(array[1])[ssn::int]',
    "json_populate_record(null::pair, json_build_object('n', ssn))",
    "jsonb_to_record(jsonb_build_object('n', ssn)) from customers c, jsonb_to_record(jsonb_build_object('n', c.ssn)) as x(n int)",
    "lower(('[' || ssn || ',')::int4range)",
  ].map(
    (call): Channel => ({
      number: 'B18',
      said: [`select ${call} ${call.includes(' from customers') ? '' : 'from customers'}`],
      shownToRaw: false,
    }),
  ),
  { number: 'B18', said: [extended('select ssn::int from customers')] },
  { number: 'B18', said: ['copy (select ssn::int from customers) to stdout'] },
  {
    number: 'B18',
    said: ['begin', 'declare c cursor for select ssn::int from customers', 'fetch all from c', 'rollback'],
  },
  { number: 'B18', said: ['select 1 from customers where ssn::int = 1'] },
  { number: 'B18', said: ['select id from customers order by ssn::int'] },
  { number: 'B19', said: undone('insert into customers (id, email) select 9, email from customers where id = 1') },
  {
    number: 'B19',
    said: undone('update customers set email = (select email from customers where id = 1) where id = 2'),
  },
  { number: 'B19', said: undone('alter table customers add check (length(ssn) < 3)'), shownToRaw: false },
  { number: 'B19', said: undone('alter table customers alter card set not null', 'update customers set card = null') },
  { number: 'B19', said: undone('create unique index on customers (substr(ssn, 1, 0), ssn)'), shownToRaw: false },
  {
    number: 'B19',
    said: ['begin', 'update strict_ssn set ssn = (select ssn from strict_ssn where id = 2) where id = 1', 'commit'],
  },
  {
    number: 'B19',
    said: [
      'begin',
      'update strict_ssn set ssn = (select ssn from strict_ssn where id = 2) where id = 1',
      'set constraints all immediate',
      'rollback',
    ],
  },
  {
    number: 'B19',
    said: [extended('update strict_ssn set ssn = (select ssn from strict_ssn where id = 2) where id = 1')],
  },
  {
    number: 'B19',
    said: ['begin; update strict_ssn set ssn = (select ssn from strict_ssn where id = 2) where id = 1; commit'],
  },
  { number: 'B20', said: ['select fail(ssn) from customers'] },
  {
    number: 'B20',
    said: [
      "do $$ declare s text; begin select ssn into s from customers; raise exception 'x' using column = s, constraint = s, table = s, schema = s, datatype = s; end $$",
    ],
  },
  { number: 'B21', said: ['select inner_fail()'] },
  { number: 'B21', said: [extended('select inner_fail()')] },
  { number: 'B22', said: ["do $$ begin raise notice 'it is %', (select ssn from customers where id = 1); end $$"] },
  { number: 'B22', said: ["update told set note = 'b'", "update told set note = 'a'"] },
  {
    number: 'B22',
    said: [
      'set client_min_messages = debug5; set debug_print_plan = on; set debug_print_parse = on; select ssn from customers where id = 1; set client_min_messages = notice',
      'reset all',
    ],
  },
]

describe('nothing crosses the client’s leg', () => {
  test.each(CHANNELS)('$number $said', (channel) => shownToNobody(stage, channel))
})
