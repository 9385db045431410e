/** ATTACKS A.2 and the session's rows of A.4: what a statement does, whatever it looks like. */
import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bind, execute, parse, query, sync } from '../rig/wire.ts'
import { type Attack, DENIED, hear, hearFrom, passes, refused } from './attack.ts'
import { decide, type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const ONE = /D 1/
const FILE = `/tmp/sluice-attack-${process.pid}`

const ATTACKS: readonly Attack[] = [
  { number: 'A19', said: ['select 1; delete from audit_me'], code: DENIED, twin: ['select 1; select 2'], shows: ONE },
  { number: 'A19', said: ['select 1;;;-- x\n;delete from audit_me;'], code: DENIED },
  { number: 'A19', said: ['commit; drop table audit_me'], code: DENIED, twin: ['commit; select 1'], shows: ONE },
  {
    number: 'A20',
    said: ["do $x$ begin execute 'INS'||'ERT into audit_me values (9)'; end $x$"],
    code: DENIED,
    twin: ["select 'INS'||'ERT into audit_me'"],
    shows: /INSERT/,
  },
  { number: 'A20', said: ['call do_write()'], code: DENIED },
  {
    number: 'A20',
    said: ["create function f() returns int language sql as 'delete from audit_me returning 1'"],
    code: DENIED,
  },
  { number: 'A20', said: ['create procedure f() language sql begin atomic delete from audit_me; end'], code: DENIED },
  {
    number: 'A21',
    said: ['with d as (delete from audit_me returning 1) select * from d'],
    code: DENIED,
    twin: ['with d as (select 1) select * from d'],
    shows: ONE,
  },
  { number: 'A21', said: ['with d as (delete from audit_me) select 1'], code: DENIED },
  {
    number: 'A21',
    said: ['with a as (select 1), b as (insert into audit_me values (9) returning id) select * from a'],
    code: DENIED,
  },
  {
    number: 'A21',
    said: ["table orders; with u as (update audit_me set what = 'x' returning *) table u"],
    code: DENIED,
  },
  {
    number: 'A22',
    said: ['explain analyze delete from audit_me'],
    code: DENIED,
    twin: ['explain analyze select 1'],
    shows: /Result/,
  },
  { number: 'A22', said: ['explain (analyze on, costs off) delete from audit_me'], code: DENIED },
  { number: 'A22', said: ['explain (costs off, analyze 1) insert into audit_me values (9)'], code: DENIED },
  { number: 'A22', said: ['explain (analyze "true") create table x as select 1'], code: DENIED },
  { number: 'A22', said: ['explain (analyze false, analyze true) delete from audit_me'], code: [...DENIED, '42601'] },
  {
    number: 'A23',
    said: ['prepare p as delete from audit_me', 'execute p'],
    code: DENIED,
    twin: ['prepare p as select 1', 'execute p'],
    shows: ONE,
  },
  { number: 'A23', said: ['execute nobody'], code: DENIED },
  { number: 'A23', said: ['explain analyze execute nobody'], code: DENIED },
  { number: 'A24', said: ['prepare s as select * from customers', 'create table stolen as execute s'], code: DENIED },
  { number: 'A24', said: ['select * into stolen from orders'], code: DENIED, twin: ['select 1 as into_x'], shows: ONE },
  { number: 'A24', said: ['select 1 as a into temp stolen'], code: DENIED },
  { number: 'A24', said: ['create materialized view stolen as select * from customers'], code: DENIED },
  {
    number: 'A25',
    said: ['merge into audit_me a using orders o on a.id = o.id when matched then delete'],
    code: DENIED,
  },
  {
    number: 'A25',
    said: ["merge into audit_me a using orders o on a.id = o.id when matched then update set what = ''"],
    code: DENIED,
  },
  { number: 'A26', said: ['create rule r as on insert to bait do also delete from audit_me'], code: DENIED },
  {
    number: 'A26',
    said: ['create trigger t before insert on bait for each row execute function tell()'],
    code: DENIED,
  },
  { number: 'A26', said: ['create event trigger t on ddl_command_start execute function tell()'], code: DENIED },
  { number: 'A27', said: [`copy audit_me from program 'echo 9'`], code: DENIED },
  { number: 'A27', said: [`copy (select 'x') to program 'cat > ${FILE}'`], code: DENIED },
  {
    number: 'A27',
    said: [`copy orders to '${FILE}'`],
    code: DENIED,
    twin: ['copy (select 1) to stdout'],
    shows: /d 1/,
  },
  { number: 'A27', said: [`copy (select 1) to stdout; copy orders to '${FILE}'`], code: DENIED },
  { number: 'A27', said: ["copy audit_me (what) from '/etc/hostname'"], code: DENIED },
  { number: 'A27', said: ['copy audit_me from stdin'], code: DENIED },
  // Rules name files: a file may not hide behind more objects than an operation lists.
  {
    number: 'A27',
    said: [`${Array.from({ length: 300 }, (_, i) => `set a.b${i} = 1;`).join('')}copy orders to '${FILE}'`],
    code: DENIED,
  },
  {
    number: 'A27',
    said: [`copy orders to '${FILE}';${Array.from({ length: 300 }, (_, i) => `set a.b${i} = 1;`).join('')}`],
    code: DENIED,
  },
  {
    number: 'A29',
    said: ['begin read only', 'set transaction read write', 'insert into audit_me values (9)'],
    code: DENIED,
  },
  { number: 'A29', said: ['begin read only', "commit; insert into audit_me values (9, 'x')"], code: DENIED },
  { number: 'A54', said: ["notify ch, 'x'"], code: DENIED, twin: ['listen ch'], shows: /LISTEN/ },
  { number: 'A54', said: ["select pg_notify('ch', 'x')"], code: DENIED },
  { number: 'A56', said: ['set role pg_read_all_data'], code: DENIED },
  { number: 'A56', said: ['set session authorization postgres'], code: DENIED },
  { number: 'A56', said: ['reset role'], code: DENIED },
  { number: 'A56', said: ["alter role postgres set search_path = 'evil'"], code: DENIED },
  { number: 'A56', said: ['alter system set log_statement = none'], code: DENIED },
  { number: 'A56', said: ['create role evil superuser'], code: DENIED },
  { number: 'A56', said: ['grant pg_read_all_data to postgres'], code: DENIED },
  { number: 'A56', said: ['set session_replication_role = replica'], code: DENIED },
  {
    number: 'A56',
    said: ["update pg_settings set setting = 'postgres' where name = 'role'"],
    code: [...DENIED, 'sql.setting'],
  },
  { number: 'A58', said: ['create temp table orders as select 1 as id'], code: DENIED },
  { number: 'A58', said: ['create temp view orders as select * from customers'], code: DENIED },
  { number: 'A58', said: ['create table pg_temp.orders (id int)'], code: DENIED },
  { number: 'A23', said: ['lock table audit_me in access exclusive mode'], code: DENIED },
  { number: 'A23', said: ['begin', "prepare transaction 'x'"], code: DENIED },
  { number: 'A23', said: ["commit prepared 'x'"], code: DENIED },
  {
    number: 'A23',
    said: [
      'truncate audit_me',
      'vacuum',
      'cluster',
      'checkpoint',
      'reindex table audit_me',
      "load '$libdir/auto_explain'",
    ],
    code: DENIED,
  },
  {
    number: 'A23',
    said: [
      'drop owned by postgres',
      'reassign owned by postgres to postgres',
      "comment on table audit_me is 'x'",
      'security label on table audit_me is null',
    ],
    code: DENIED,
  },
  {
    number: 'A23',
    said: [
      'import foreign schema x from server y into z',
      'create extension hstore',
      "create subscription s connection 'host=localhost' publication p",
    ],
    code: DENIED,
  },
]

describe('A.2 what a statement does', () => {
  test.each(ATTACKS)('$number is refused: $said.0', async (attack) => {
    await refused(stage, attack)
    expect(existsSync(FILE)).toBe(false)
  })
})

describe('A28 reads that do not begin with SELECT are reads, and masked', () => {
  test.each([
    'values ((select ssn from customers where id = 1))',
    'table customers',
    'select ssn from only customers',
    '(select ssn from customers)',
    '((table customers) limit 1)',
    'with a as (table customers) table a',
  ])('%s', async (sql) => {
    const seen = await passes(stage, { said: [sql] })
    expect(seen.data.join()).toContain('*masked*')
    expect((await hear(stage, 'human:raw', [sql])).leaks).not.toEqual([])
  })
})

describe('A57 names mean what the search path says', () => {
  test('and the mask follows the path', async () => {
    const sql = 'select reverse(ssn) from customers'
    const seen = await hear(stage, 'agent:reader', ['set search_path = s2', sql, 'set search_path = public', sql])
    expect(seen.codes).toEqual([])
    expect(seen.leaks).toEqual([])
    expect(seen.data[0]).toContain('ereh dellebal ton')
    expect(seen.data.slice(1).every((row) => row === 'D *masked*')).toBe(true)
  })

  test('a statement prepared before is read anew', async () => {
    const seen = await hear(stage, 'agent:reader', [
      'set search_path = s2',
      'prepare p as select reverse(ssn) from customers',
      'execute p',
      'set search_path = public',
      'execute p',
    ])
    expect(seen.leaks).toEqual([])
    expect(seen.data[0]).toContain('ereh dellebal ton')
  })

  test('also when the path is brought to the session’s start (A40)', async () => {
    await stage.direct.query('create schema hr; create table hr.products as select id, ssn from customers')
    const sql = 'select reverse(ssn) from products'
    for (const parameters of [{ search_path: 'hr' }, { options: '-c search_path=hr,public' }]) {
      using client = await stage.open('agent:reader', parameters)
      const seen = await hearFrom(stage, client, [sql, 'set search_path = public', sql, 'reset search_path', sql])
      expect(seen.codes).toEqual([])
      // Nothing labels hr.products, so its values show: what matters is that they are not taken for those of public.products.
      expect(seen.data[0]).not.toContain('sselmrah')
      expect(seen.data[4]).toContain('sselmrah')
    }
    await stage.direct.query('drop schema hr cascade')
  })

  test('a table of the system’s own schemas is not excused by its name (toast)', async () => {
    const { rows } = await stage.direct.query<{ name: string }>(
      "select relname as name from pg_class where oid = (select reltoastrelid from pg_class where oid = 'letters'::regclass)",
    )
    const sql = `select chunk_data from ${rows[0]!.name}`
    const seen = await hear(stage, 'agent:reader', [
      `select chunk_data from pg_toast.${rows[0]!.name}`,
      'set search_path = pg_toast',
      sql,
      { binary: sql },
    ])
    expect(seen.leaks).toEqual([])
    expect((await hear(stage, 'human:raw', ['set search_path = pg_toast', sql])).leaks).not.toEqual([])
  })
})

describe('R2: a change waits for a person, who agrees to that change alone', () => {
  const remaining = async () =>
    (await stage.direct.query('select id from audit_me order by id')).rows.map(({ id }) => id)

  test.each([
    ['DELETE', 'delete from audit_me where id = 1'],
    ['UPDATE', "update audit_me set what = 'x' where id = 1"],
    ['DELETE in a CTE', 'with d as (delete from audit_me where id = 1 returning 1) select * from d'],
  ])('%s', async (_, sql) => {
    await refused(stage, { number: 'R2', who: 'agent:writer', said: [sql], code: 'approval.pending' })
    await decide(stage.gateway, 'approve')
    // Not the same statement.
    await refused(stage, { number: 'G31', who: 'agent:writer', said: [`${sql} `], code: 'approval.pending' })
    await decide(stage.gateway, 'reject')
  })

  test('A59 what it names is changed in between: it is asked for anew', async () => {
    await stage.direct.query('create table old_rows as table audit_me; create view doomed as select * from old_rows')
    const attempt = {
      number: 'A59',
      who: 'agent:writer',
      said: ['delete from doomed where id = 1'],
      code: 'approval.pending',
    } as const
    // A definition committed through the gateway makes it look again.
    const look = () =>
      hear(stage, 'human:raw', ['create table look_again (id int)', 'drop table look_again', 'select 1'])
    await look()
    await refused(stage, attempt)
    await decide(stage.gateway, 'approve')
    await stage.direct.query('create or replace view doomed as select * from audit_me')
    await look()
    await refused(stage, attempt)
    await decide(stage.gateway, 'reject')
    await stage.direct.query('drop view doomed; drop table old_rows')
  })

  test('A59 changed by somebody else after the yes: the yes is not for this', async () => {
    await stage.direct.query('create table old_rows as table audit_me; create view doomed as select * from old_rows')
    const attempt = { number: 'A59', who: 'agent:writer', said: ['delete from doomed where id = 1'] } as const
    await hear(stage, 'human:raw', ['create table look_again (id int)', 'drop table look_again', 'select 1'])
    await refused(stage, { ...attempt, code: 'approval.pending' })
    await decide(stage.gateway, 'approve')
    await stage.direct.query('create or replace view doomed as select * from audit_me')
    await refused(stage, { ...attempt, code: 'approval.expired' })
    await stage.direct.query('drop view doomed; drop table old_rows')
  })

  test.each([
    ['a setting', "set datestyle = 'German'", 77],
    ['a setting of the users’ own', "set my.tenant = '7'", 78],
  ])('A59 %s made since is another state', async (_, setting, id) => {
    using client = await stage.open('agent:writer')
    const sql = `delete from audit_me where id = ${id}`
    expect((await hearFrom(stage, client, [sql])).codes).toEqual(['approval.pending'])
    await decide(stage.gateway, 'approve')
    expect((await hearFrom(stage, client, [setting, sql])).codes).toEqual(['approval.pending'])
    await decide(stage.gateway, 'reject')
  })

  test('A33 WHERE CURRENT OF is approved for the row the cursor stands on', async () => {
    using client = await stage.open('agent:writer')
    const declared = (id: number) => [
      'begin',
      `declare c cursor for select * from audit_me where id = ${id}`,
      'fetch 1 from c',
    ]
    const sql = "update audit_me set what = 'x' where current of c"
    expect((await hearFrom(stage, client, [...declared(1), sql])).codes).toEqual(['approval.pending'])
    await decide(stage.gateway, 'approve')
    expect((await hearFrom(stage, client, ['rollback', ...declared(2), sql])).codes).toEqual(['approval.pending'])
    await decide(stage.gateway, 'reject')
  })

  test('A31 EXECUTE is approved for what it runs', async () => {
    using client = await stage.open('agent:writer')
    const prepared = (sql: string) => client.exchange([parse('p', sql), sync()])
    await prepared('delete from audit_me where id = 99')
    expect((await hearFrom(stage, client, ['execute p'])).codes).toEqual(['approval.pending'])
    expect((await decide(stage.gateway, 'approve')).shown).toContain('where id = 99')
    await client.exchange([query('deallocate p')])
    await prepared('delete from audit_me where id = 1')
    expect((await hearFrom(stage, client, ['execute p'])).codes).toEqual(['approval.pending'])
    expect(await remaining()).toEqual([1, 2])
    await decide(stage.gateway, 'approve')
    expect((await hearFrom(stage, client, ['execute p'])).codes).toEqual([])
    expect(await remaining()).toEqual([2])
    await stage.direct.query("insert into audit_me values (1, 'kept')")
  })

  test('other values of a bound parameter are another change', async () => {
    using client = await stage.open('agent:writer')
    const message = (id: string) =>
      Buffer.concat([parse('', 'delete from audit_me where id = $1'), bind('', '', [id]), execute(''), sync()])
    expect((await hearFrom(stage, client, [message('1')])).codes).toEqual(['approval.pending'])
    await decide(stage.gateway, 'approve')
    expect((await hearFrom(stage, client, [message('2')])).codes).toEqual(['approval.pending'])
    await decide(stage.gateway, 'reject')
    expect(await remaining()).toEqual([1, 2])
  })
})
