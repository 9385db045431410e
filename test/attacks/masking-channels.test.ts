/** ATTACKS B12–B31, B37–B46: every way from the server to the client carries results, and what is kept of a session is a result too. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalPsql } from '../rig/psql.ts'
import { bind, describe as describeMessage, execute, parse, query, sync } from '../rig/wire.ts'
import { type Channel, hear, shownToNobody, undone } from './attack.ts'
import { leaks } from './oracle.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const all = (...messages: readonly Buffer[]) => Buffer.concat(messages)
const extended = (sql: string) => all(parse('', sql), bind('', ''), execute(''), sync())

const CHANNELS: readonly Channel[] = [
  { number: 'B12', said: undone("update customers set note = 'x' returning ssn") },
  {
    number: 'B12',
    said: undone('delete from orders using customers c where c.id = customer_id returning reverse(c.ssn)'),
  },
  { number: 'B12', said: undone('insert into products select id + 10, reverse(ssn), note from customers returning *') },
  {
    number: 'B12',
    said: undone(
      'insert into customers (id, ssn) values (9, (select reverse(ssn) from customers where id = 1)) returning ssn',
    ),
  },
  {
    number: 'B12',
    said: undone(
      'insert into customers (id, email) select 9, email from customers where id = 1 on conflict (email) do update set note = excluded.email returning note',
    ),
  },
  {
    number: 'B12',
    said: undone(
      'merge into products p using customers c on p.id = c.id when matched then update set note = c.ssn',
      'table products',
    ),
  },
  {
    number: 'B13',
    said: [
      'begin',
      'declare c scroll cursor for select reverse(ssn) from customers',
      'move 1 in c',
      'fetch prior from c',
      'fetch absolute 2 from c',
      'fetch all from c',
      'commit',
    ],
  },
  {
    number: 'B13',
    said: ['prepare p (int) as select reverse(ssn) from customers where id = $1', 'execute p (1)', 'execute p (2)'],
  },
  {
    number: 'B13',
    said: ['prepare p (xml) as select $1', "execute p (query_to_xml('select ssn from customers', true, false, ''))"],
  },
  { number: 'B14', said: ['copy customers to stdout'] },
  { number: 'B14', said: ['copy customers (ssn, id) to stdout'] },
  { number: 'B14', said: ['copy (select reverse(ssn), id from customers) to stdout'] },
  {
    number: 'B14',
    said: [
      "copy customers to stdout (format csv, header, delimiter ';', quote '''', escape '\\', null 'x', force_quote *)",
    ],
  },
  { number: 'B14', said: ["copy (select reverse(ssn) from customers) to stdout csv quote 'k' escape 'W'"] },
  { number: 'B14', said: ["copy customers to stdout with delimiter '|' null '?'"] },
  { number: 'B14', said: ["copy (select ssn from customers where id = 4) to stdout csv quote '\"' escape '\\'"] },
  { number: 'B14', said: ['copy customers to stdout (header)'] },
  { number: 'B14', said: [extended('copy (select reverse(ssn) from customers) to stdout')] },
  { number: 'B14', said: ['copy gen to stdout'] },
  { number: 'B14', said: ['copy letters to stdout'] },
  { number: 'B14', said: ['copy vault to stdout'] },
  { number: 'B14', said: ['copy (values ((select ssn from customers where id = 1))) to stdout'] },
  {
    number: 'B14',
    said: undone("copy (insert into products select id + 10, reverse(ssn), 'x' from customers returning *) to stdout"),
  },
  { number: 'B15', said: ['copy customers to stdout binary'] },
  {
    number: 'B15',
    said: ['copy (select tags, doc, pair, span, blob, pin, amount from vault) to stdout (format binary)'],
  },
  { number: 'B15', said: ['copy letters to stdout (format binary)'] },
  {
    number: 'B16',
    said: [
      'select note from products; copy (select reverse(ssn) from customers) to stdout; select reverse(ssn) from customers; select note from products',
    ],
  },
  {
    number: 'B16',
    said: [
      'copy (select note from products) to stdout; copy (select reverse(ssn) from customers) to stdout binary; copy (select note from products) to stdout csv',
    ],
  },
  {
    number: 'B16',
    said: [
      'select 1, note from products; select id, reverse(ssn) from customers; select id, note from products; select reverse(ssn), id from customers',
    ],
  },
  {
    number: 'B23',
    said: ['listen watch', "update sent set note = 'b'", 'select 1', "update sent set note = 'a'", 'unlisten *'],
  },
  {
    number: 'B23',
    said: ['listen watch', "select pg_notify('watch', ssn) from customers where id = 1", 'select 1', 'unlisten *'],
  },
  {
    number: 'B24',
    said: [
      "select set_config('application_name', ssn, false) from customers where id = 1",
      'show application_name',
      'reset application_name',
    ],
  },
  {
    number: 'B24',
    said: [
      "do $$ begin perform set_config('application_name', (select ssn from customers where id = 1), false); end $$",
      'select application_name from pg_stat_activity',
      'reset application_name',
    ],
  },
  { number: 'B25', said: ['begin', 'select leak_cursor()', 'fetch all from ref', 'rollback'] },
  { number: 'B25', said: ['begin; select leak_cursor(); fetch all from ref; rollback'] },
  {
    number: 'B25',
    said: ['begin', 'select leak_cursor()', extended('fetch all from ref'), 'rollback'],
    shownToRaw: false,
  },
  {
    number: 'B25',
    said: [
      'begin',
      'select leak_cursor()',
      all(
        parse('', 'fetch all from ref'),
        describeMessage('S', ''),
        bind('', ''),
        describeMessage('P', ''),
        execute(''),
        sync(),
      ),
      'rollback',
    ],
  },
  {
    number: 'B25',
    said: ['begin', 'select leak_cursor()', all(describeMessage('P', 'ref'), execute('ref'), sync()), 'rollback'],
    shownToRaw: false,
  },
  {
    number: 'B26',
    said: undone(
      "do $$ begin execute format('create temp table %I (x int)', (select ssn from customers where id = 1)); end $$",
      "select relname from pg_class where relkind = 'r' and relnamespace = pg_my_temp_schema()",
    ),
  },
  {
    number: 'B26',
    said: undone(
      "do $$ begin execute format('comment on table orders is %L', (select ssn from customers where id = 1)); end $$",
      "select obj_description('orders'::regclass)",
    ),
  },
  {
    number: 'B27',
    said: [
      "select setval('tickets', pin) from vault",
      'select last_value from tickets',
      "select currval('tickets')",
      "select setval('tickets', 1, false)",
    ],
  },
  {
    number: 'B27',
    said: [
      "begin; select pg_advisory_xact_lock(pin) from vault; select objid from pg_locks where locktype = 'advisory'; rollback",
    ],
  },
  {
    number: 'B27',
    said: undone(
      'select lo_from_bytea(4711, ssn::bytea) from customers where id = 1',
      'select lo_get(4711)',
      'select data from pg_largeobject',
    ),
  },
  { number: 'B28', said: ["select * from pg_stats where schemaname = 'public'"] },
  {
    number: 'B28',
    said: ['select m.values from pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) m'],
    shownToRaw: false,
  },
  { number: 'B28', said: ['select stxdmcv, stxdexpr from pg_statistic_ext_data'], shownToRaw: false },
  { number: 'B28', said: ['select * from pg_stats_ext', 'select * from pg_stats_ext_exprs'] },
  { number: 'B28', said: ["select * from pg_stats where tablename like '%_reverse_idx'"] },
  { number: 'B28', said: ["select histogram_bounds::text from pg_stats where tablename = 'customers'"] },
  { number: 'B28', said: ["select (s).histogram_bounds, s::text from pg_stats s where tablename = 'customers'"] },
  { number: 'B28', said: ['select stavalues1, stavalues2 from pg_statistic'] },
  { number: 'B28', said: ["select * from pg_catalog.pg_statistic where starelid = 'customers'::regclass"] },
  { number: 'B28', said: ["copy (select histogram_bounds from pg_stats where tablename = 'customers') to stdout"] },
  {
    number: 'B29',
    said: ['explain verbose select * from v_guess', 'explain (analyze, verbose, format json) select * from v_guess'],
  },
  { number: 'B31', said: undone('create table leak as select * from customers', 'select reverse(ssn) from leak') },
  {
    number: 'B31',
    said: undone('create temp view products as select ssn as note from customers', 'select note from products'),
  },
  {
    number: 'B31',
    said: undone("insert into products select id + 10, reverse(ssn), 'x' from customers", 'select ssn from products'),
  },
  {
    number: 'B31',
    said: undone('update products p set note = c.ssn from customers c where c.id = p.id', 'select note from products'),
  },
  { number: 'B31', said: undone('alter table customers rename column ssn to plain', 'select plain from customers') },
  { number: 'B31', said: undone('alter table customers rename to others', 'select reverse(ssn) from others') },
  { number: 'B31', said: undone('alter table customers set schema s2'), shownToRaw: false },
  {
    number: 'B31',
    said: undone(
      "do $$ begin execute 'create table leak as select * from customers'; end $$",
      'select reverse(ssn) from leak',
    ),
  },
  {
    number: 'B31',
    said: undone(
      "create function f() returns setof text language sql as 'select reverse(ssn) from customers'",
      'select f()',
    ),
  },
  {
    number: 'B31',
    said: undone(
      "with i as (insert into products select 10, reverse(ssn), 'x' from customers where id = 1 returning *) select * from i",
    ),
  },
]

describe('nothing crosses the client’s leg', () => {
  test.each(CHANNELS)('$number $said', (channel) => shownToNobody(stage, channel))
})

test('B23 what others notify is masked as well', async () => {
  using client = await stage.open('agent:reader')
  await client.exchange([query('listen watch')])
  stage.tap.taken()
  await stage.direct.query("update sent set note = 'c'")
  const lines = [...(await client.exchange([query('select 1')])), ...(await client.exchange([query('select 2')]))]
  expect(lines).toContain('A watch=*masked*')
  expect(leaks(Buffer.concat(stage.tap.taken()))).toEqual([])
})

test('B38 what looks like a value is one, however it is written', async () => {
  const seen = await hear(stage, 'agent:scrubbed', ['select body from mails'])
  expect(seen.data).toEqual(['D from *masked* to *masked*, card *masked*, no *masked*'])
  // No label, no detector: nothing is touched.
  expect((await hear(stage, 'agent:reader', ['select body from mails'])).data.join()).toContain('ann.lee@example.com')
})

test('B39 a mask tells nothing of what it stands for', async () => {
  const seen = await hear(stage, 'agent:reader', [
    'select ssn, card, email from customers',
    'select body from letters',
    "select rpad(ssn, 40, 'x'), '' || null || ssn from customers",
  ])
  expect(new Set(seen.data.flatMap((row) => row.slice(2).split(' | ')))).toEqual(new Set(['*masked*']))
})

test('B31 what a second connection was told to copy', async () => {
  const { port, password } = stage.server
  const run = `select dblink_exec('host=127.0.0.1 port=${port} user=postgres dbname=postgres password=${password}', 'create table leak as select * from customers')`
  const seen = await hear(stage, 'human:open', [run])
  expect(seen.codes).toEqual(['mask.copy'])
  expect((await stage.direct.query("select to_regclass('leak') as leak")).rows).toEqual([{ leak: null }])
})

describe('B37 values of any size, in any pieces', () => {
  test('a field of megabytes', async () => {
    await stage.direct.query(
      "insert into letters select 2, string_agg(body, '') from letters, generate_series(1, 60) where id = 1",
    )
    for (const said of [
      'select body from letters',
      { text: 'select id, body, id from letters order by id' },
      { binary: 'select body from letters' },
      'copy letters to stdout',
      'copy letters to stdout (format csv)',
      'copy (select body from letters) to stdout (format binary)',
    ] as const) {
      const seen = await hear(stage, 'agent:reader', [said])
      expect(seen.leaks).toEqual([])
      expect(seen.bytes.length).toBeLessThan(10_000)
    }
    await stage.direct.query('delete from letters where id = 2')
  })

  test('a value spread over columns and rows', async () => {
    const seen = await hear(stage, 'agent:analyst', [
      'select substr(ssn, 1, 5), substr(ssn, 6, 5), substr(ssn, 11, 5), substr(ssn, 16) from customers where id = 1',
      'select substr(ssn, n, 3) from customers, generate_series(1, 20, 3) n where id = 1 order by n',
    ])
    expect(seen.leaks).toEqual([])
    expect(seen.data).toHaveLength(8)
  })
})

describe('B45 B46 what the client brings', () => {
  test('a parameter is not echoed by an error of ours', async () => {
    const secret = 'sent-by-the-client-4711'
    const seen = await hear(stage, 'agent:reader', [
      all(parse('', 'insert into bait values ($1::int)'), bind('', '', [secret]), execute(''), sync()),
    ])
    expect(seen.lines.join()).not.toContain(secret)
    expect(stage.gateway.log()).not.toContain(secret)
  })

  test.each([
    ["update customers set ssn = '*masked*' where id = 1"],
    ["update customers set note = 'was *masked* before' where id = 1"],
    [all(parse('', 'update customers set ssn = $1 where id = 1'), bind('', '', ['*masked*']), execute(''), sync())],
    ["insert into products values (9, '*masked*', 'x')"],
    ['prepare p (text) as update customers set ssn = $1', "execute p ('*masked*')"],
  ] as [string | Buffer, ...string[]][])('masked text is not written back: %s', async (...said) => {
    const before = await stage.state()
    const seen = await hear(stage, 'human:open', said)
    expect(seen.codes).toContain('mask.write')
    expect(await stage.state()).toBe(before)
  })
})

test('B46 what psql copied out masked it cannot copy back in', async () => {
  const before = await stage.state()
  const { stdout, stderr } = await canonicalPsql(
    stage.login('human:open'),
    "\\copy customers to '/dev/null'\n\\copy products from stdin\n9\t*masked*\tx\n\\.\nselect 'goes on';\n",
  )
  expect(stderr).toContain('mask.write')
  expect(stdout).toContain('goes on')
  expect(await stage.state()).toBe(before)
})

describe('stock clients see masks only', () => {
  test('psql', async () => {
    const { stdout, stderr } = await canonicalPsql(
      stage.login('agent:reader'),
      '\\d customers\nselect * from customers;\n\\copy customers to stdout csv header\nselect * from customers \\gx\nselect ssn from customers \\bind \\g\n',
    )
    expect(stderr.replace(/.*\\bind.*\n?/g, '')).toBe('')
    expect(stdout).toContain('*masked*')
    expect(leaks(Buffer.from(stdout + stderr))).toEqual([])
  })

  test('node-postgres and postgres.js', async () => {
    const login = stage.login('agent:reader')
    const client = new pg.Client({ ...login, ssl: false })
    await client.connect()
    const one = await client.query({ name: 'x', text: 'select * from customers where id = $1', values: [1] })
    await client.end()
    const sql = postgres({ ...login, username: login.user, ssl: false, max: 1, fetch_types: false })
    const other = await sql`select id, ssn, reverse(card) as c from customers where id = ${1}`
    await sql.end()
    expect(one.rows[0].ssn).toBe('*masked*')
    expect(other[0]).toMatchObject({ id: 1, ssn: '*masked*', c: '*masked*' })
    expect(leaks(Buffer.from(JSON.stringify([one.rows, other])))).toEqual([])
  })
})

/** Runs last: everything above has been recorded by now. */
test('B44 G47 nothing that was masked stands in what is kept: ledger, transcripts, store, log', async () => {
  const raw = await hear(stage, 'human:raw', ['select ssn from customers where id = 2'])
  expect(raw.leaks).not.toEqual([])
  await stage.gateway.kill()
  const files = readdirSync(stage.gateway.dataDir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(stage.gateway.dataDir, name))
    .filter((path) => statSync(path).isFile())
  expect(files.length).toBeGreaterThan(3)
  const rawSessions = new Set<string>()
  const found: string[] = []
  for (const path of files) {
    const bytes = readFileSync(path)
    if (bytes.includes('human:raw')) rawSessions.add(path)
    const hits = leaks(bytes)
    // Who may see everything is recorded with it: that proves that these files can be read for it at all.
    if (hits.length > 0 && !(path.includes('transcripts') && rawSessions.has(path)))
      found.push(`${path}: ${hits.slice(0, 3).join(', ')}`)
  }
  expect(found).toEqual([])
  expect(leaks(Buffer.from(stage.gateway.log()))).toEqual([])
})
