import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { mustRun } from '../rig/child.ts'
import type { Login } from '../rig/postgres.ts'
import { canonicalPsql, loginEnvironment } from '../rig/psql.ts'
import { tempFolder } from '../rig/temp.ts'
import * as wire from '../rig/wire.ts'
import { WireClient } from '../rig/wire.ts'

/** What a client does while it is recorded. */
export interface RecordedSession {
  readonly name: string
  readonly regime: string
  readonly play: (login: Login) => Promise<unknown>
  /** Which of the held operations people reject, counted from 0; the others they approve. */
  readonly rejects?: readonly number[]
}

const PSQL = `
select * from customers order by id;
select email, substr(ssn, 1, 3) from customers where id = 1;
begin; select 1/0; select 2; rollback;
\\copy (select id, ssn from customers order by id) to pstdout csv header
create temp table pasted (a int, b text);
\\copy pasted from pstdin
1\tx
2\ty
\\.
\\copy pasted from pstdin
1\tnot\tthis
\\.
table pasted;
do $$ begin raise notice 'hello'; end $$;
delete from orders where id = 8;
\\set FETCH_COUNT 3
select note from orders order by id;
select repeat('x', 30000) as large;
listen ch; notify ch, 'payload';
set timezone to 'Asia/Tokyo';
select nothing;
select 'not a string
`

const psql = (login: Login) => canonicalPsql(login, PSQL)

const BENCH = `\\set id random(1, 3)
select name, email from customers where id = :id;
\\startpipeline
update orders set note = 'again' where id = :id;
select note from orders where id = :id;
\\endpipeline
`

async function pgbench(login: Login, mode: string): Promise<void> {
  const folder = tempFolder('pgbench')
  const script = join(folder.path, 'script')
  writeFileSync(script, mode === 'simple' ? BENCH.replaceAll(/^\\(start|end)pipeline\n/gm, '') : BENCH)
  const switches = ['-n', '-f', script, '-M', mode, '-t', '3', '--random-seed=7']
  await mustRun(['pgbench', ...switches], { env: loginEnvironment(login) })
  folder.remove()
}

async function nodePostgres({ host, port, user, database }: Login): Promise<void> {
  const client = new pg.Client({ host, port, user, database })
  await client.connect()
  const queries: (pg.QueryConfig & { rows?: number; binary?: boolean })[] = [
    { text: 'select $1::int as a, $2::text[] as b', values: [1, ['p', 'q"']] },
    { name: 'by-id', text: 'select email, ssn from customers where id = $1', values: [1] },
    { name: 'by-id', text: 'select email, ssn from customers where id = $1', values: [2] },
    { text: 'select note from orders order by id', rows: 3 },
    { text: 'select id, ssn from customers', values: [], binary: true },
    { text: 'select $1::int', values: ['not a number'] },
    { text: 'drop table orders', values: [] },
    { text: 'delete from orders where id = $1', values: [7] },
    { text: 'delete from orders where id = $1', values: [6] },
    { text: 'select $1::text as large', values: ['y'.repeat(20_000)] },
  ]
  // What a regime refuses is part of the recording.
  for (const query of queries) await client.query(query).catch(() => {})
  await client.end()
}

async function porsager({ host, port, user, database }: Login): Promise<void> {
  const sql = postgres({ host, port, user, database, max: 1, onnotice: () => {}, fetch_types: false })
  await Promise.allSettled([
    sql`select id, email from customers where id = ${2}`,
    sql`select note from orders order by id`.cursor(3, () => {}),
    sql`select 1 as a`,
    sql`select ssn from customers`,
    sql`select ${'z'} as c`,
    sql`select 1; select 2`.simple(),
  ])
  await Promise.allSettled([
    sql.begin((tx) => [tx`insert into orders values (100, 1, 'new')`, tx`select count(*) from orders`]),
  ])
  await sql.end()
}

const run = (statement: string, portal = '') => [wire.bind(portal, statement), wire.execute(portal)]
const batch = (text: string) => [wire.parse('', text), ...run('')]

/** Several batches at once, errors and refusals in their midst; names made, closed and made again. */
const PIPELINE = [
  ...batch('insert into orders values (200, 1, $$a$$)'),
  ...batch('select ssn from customers order by id'),
  wire.sync(),
  wire.parse('s1', 'select email from customers order by id'),
  wire.describe('S', 's1'),
  ...run('s1'),
  ...batch('select 1/0'),
  wire.close('S', 's1'),
  wire.parse('s1', 'select 1 as other'),
  wire.sync(),
  ...run('s1'),
  wire.sync(),
  wire.close('S', 's1'),
  wire.parse('s1', 'select ssn, id from customers'),
  ...run('s1'),
  wire.flush(),
  ...batch('create table made (a int)'),
  ...batch('select 3'),
  wire.sync(),
  ...batch('delete from orders where id > 100'),
  ...batch('select count(*) from orders'),
  wire.sync(),
]

const PORTALS = [
  wire.query('begin'),
  wire.parse('n', 'select id, ssn from customers order by id'),
  ...[wire.bind('a', 'n', [], [1]), wire.bind('b', 'n')],
  ...[wire.execute('a', 1), wire.execute('b', 2), wire.execute('a', 9), wire.execute('b', 9)],
  wire.sync(),
  wire.query('declare cc cursor for select email from customers order by id'),
  ...[wire.describe('P', 'cc'), wire.execute('cc', 2), wire.sync()],
  wire.query('fetch 1 from cc'),
  ...[wire.bind('c', 'n'), wire.execute('c', 1), wire.close('P', 'c'), wire.sync()],
  wire.query('rollback'),
  ...[wire.execute('a'), wire.sync()],
]

const COPIES = [
  wire.query('copy customers to stdout'),
  wire.query('copy (select ssn, id from customers) to stdout binary'),
  wire.query('copy orders from stdin'),
  ...[wire.copyData('301\t1\ta\n302\t1'), wire.copyData('\tb\n'), wire.copyDone()],
  wire.query('copy orders from stdin'),
  ...[wire.copyData('303\t1\ta\n'), wire.copyFail('changed my mind')],
  ...[wire.copyData('stray'), wire.copyDone()],
  ...[wire.parse('', 'copy orders from stdin'), ...run(''), wire.sync()],
  ...[wire.copyData('301\t1\tagain\n'), wire.copyDone(), wire.sync()],
  wire.query('copy nowhere from stdin'),
  ...[wire.copyData('1\n'), wire.copyDone()],
  wire.query('copy customers (id, email) to stdout csv; select email from customers'),
]

/** Says all of it at once, and hears all of it. */
function atOnce(messages: readonly Buffer[], times: number): RecordedSession['play'] {
  return async (login) => {
    using client = await WireClient.open(login)
    await client.exchange(messages, times)
    client.send(wire.frame('X'))
    await client.until(() => false)
  }
}

const ALL = ['open', 'masked', 'guarded', 'limited']
const PLAYS: readonly { name: string; regimes: readonly string[]; play: RecordedSession['play'] }[] = [
  { name: 'psql', regimes: ALL, play: psql },
  { name: 'pgbench', regimes: ['masked'], play: (login) => pgbench(login, 'simple') },
  { name: 'pgbench-extended', regimes: ['open', 'masked'], play: (login) => pgbench(login, 'extended') },
  { name: 'pgbench-prepared', regimes: ['open', 'masked'], play: (login) => pgbench(login, 'prepared') },
  // Not under limits: it never syncs after an error in a result it reads by and by.
  { name: 'node-postgres', regimes: ['open', 'masked', 'guarded'], play: nodePostgres },
  { name: 'porsager', regimes: ALL, play: porsager },
  { name: 'pipeline', regimes: ALL, play: atOnce(PIPELINE, 5) },
  { name: 'portals', regimes: ALL, play: atOnce(PORTALS, 7) },
  { name: 'copies', regimes: ALL, play: atOnce(COPIES, 7) },
]

export const SESSIONS: readonly RecordedSession[] = PLAYS.flatMap(({ name, regimes, play }) =>
  regimes.map((regime) => ({ name: `${name}-${regime}`, regime, play, rejects: [1] })),
)
