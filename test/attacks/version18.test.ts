/** The rows of ATTACKS that need a newer server: its grammar knows more, and so must ours. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DENIED, heardIn, refused } from './attack.ts'
import { letters } from './canaries.ts'
import { type Stage, startStage, type Who } from './stage.ts'

const SCHEMA = `
create table customers (id int primary key, note text, ssn text, turned text generated always as (reverse(ssn)) virtual);
insert into customers values (1, 'note 1', '${letters('18.ssn.1')}'), (2, 'note 2', '${letters('18.ssn.2')}');
create table audit_me (id int primary key, what text);
insert into audit_me values (1, 'kept');
create view v_json as select t.v as harmless from customers c, json_table(jsonb_build_array(c.ssn), '$[*]' columns (v text path '$')) t;
`

let stage: Stage
beforeAll(async () => {
  stage = await startStage({ major: 18, schema: SCHEMA })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

test('A3 since 16 a vertical tab separates words', async () => {
  await refused(stage, {
    number: 'A3',
    said: ['delete\vfrom\vaudit_me'],
    code: DENIED,
    twin: ['select\v1'],
    shows: /D 1/,
  })
})

test.each([
  ['merge into audit_me a using customers c on a.id = c.id when matched then delete returning *'],
  ['merge into audit_me a using customers c on a.id = c.id when not matched by source then delete'],
  [
    'with m as (merge into audit_me a using customers c on a.id = c.id when matched then do nothing returning 1) delete from audit_me',
  ],
  ["select pg_get_wal_summarizer_state(), pg_replication_slot_advance('a', '0/0')"],
  ['create table x (id int) partition by range (id)'],
  ["alter table audit_me alter what set expression as ('x')"],
  ["copy audit_me from '/etc/hostname' (on_error ignore)"],
  ["select pg_restore_relation_stats('relation', 'audit_me')"],
  ["select lo_import('/etc/hostname')"],
])('A25 refused: %s', async (sql) => {
  await refused(stage, { number: 'A25', said: [sql], code: [...DENIED, 'sql.syntax', '42601'] })
})

describe('rows are masked', () => {
  test.each([
    'select turned from customers',
    'select * from customers',
    'select harmless from v_json',
    "select t.v from customers c, json_table(jsonb_build_array(c.ssn), '$[*]' columns (n for ordinality, v text path '$')) t",
    "select t.w from customers c, json_table(jsonb_build_object('a', jsonb_build_array(c.ssn)), '$' columns (nested path '$.a[*]' columns (w text path '$'))) t",
    "select json_value(to_jsonb(ssn), '$') from customers",
    "select json_query(jsonb_build_array(ssn), '$' with wrapper) from customers",
    'select json_object(ssn : id) from customers',
    "select json_object('a' value ssn returning text) from customers",
    'select json_array(ssn, note) from customers',
    'select json_array(select ssn from customers)',
    'select json_objectagg(id : ssn) from customers',
    'select json_arrayagg(ssn order by id returning jsonb) from customers',
    'select json_scalar(ssn) from customers',
    'select json_serialize(json_array(ssn) returning bytea) from customers',
    'select any_value(ssn) from customers',
    'select ssn from (select ssn from customers)',
    'select array_shuffle(array[ssn, ssn]) from customers',
    "select casefold(ssn), reverse(ssn::bytea) from customers where ssn not like '%\\%'",
    "update customers set ssn = 'x' returning old.ssn, new.note",
    'update customers set note = ssn returning with (old as o, new as n) o, n.note',
    'delete from customers returning old.*',
    'insert into customers (id, ssn) select id + 10, reverse(ssn) from customers returning new.ssn, new.turned',
    "merge into customers c using (values (1)) v(i) on c.id = v.i when matched then update set note = 'x' returning merge_action(), old.ssn, c.*",
    'copy (merge into customers c using (values (1)) v(i) on c.id = v.i when matched then delete returning c.ssn) to stdout',
    'copy customers to stdout',
    'select * from customers where id = 1 for update',
  ])('%s', async (sql) => {
    expect((await heardIn(stage, 'human:raw', ['begin', sql])).leaks).not.toEqual([])
    for (const who of ['agent:analyst', 'human:open', 'agent:writer'] as const satisfies readonly Who[])
      expect((await heardIn(stage, who, ['begin', sql])).leaks, who).toEqual([])
  })
})
