/** Stock clients, unchanged: what they print through the gateway is what they print straight at the server. */
import { join } from 'node:path'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { mustRun, run } from '../rig/child.ts'
import type { Login } from '../rig/postgres.ts'
import { canonicalPsql, loginEnvironment } from '../rig/psql.ts'
import { tempFolder } from '../rig/temp.ts'
import { SHOP } from './shop.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

const PSQL = `
\\d
\\d orders
\\d+ open_orders
\\df
\\dn
\\l postgres
select * from orders order by id limit 3;
\\x
select * from customers where id = 1;
\\x
select id as picked from orders order by id limit 1 \\gset
\\echo :picked
selec broken;
\\set VERBOSITY verbose
select nothing;
\\errverbose
select 'select 1 as x', 'select 2 as y' \\gexec
\\set FETCH_COUNT 7
select * from orders order by id;
\\set AUTOCOMMIT off
insert into orders values (1000, 1, 9.99, 'new', now());
rollback;
\\set AUTOCOMMIT on
\\copy orders to pstdout csv header
create temp table pasted (a int, b text);
\\copy pasted from pstdin
1\tx
2\ty
\\.
table pasted;
begin; declare c scroll cursor for select id from orders order by id; fetch 3 from c; fetch backward 1 from c; close c; commit;
\\crosstabview
select status, status, count(*) from orders group by 1, 2 \\crosstabview
\\timing off
\\encoding
`

test('psql: meta commands, variables, cursors, COPY, errors', async () => {
  const { stdout } = await stage.same((login) => canonicalPsql(login, PSQL), SHOP)
  expect(stdout).toMatch(/open_orders.*view/)
  expect(stdout).toContain('1\tx'.replace('\t', ' | '))
})

test('pg_dump and pg_restore: what was dumped through it and restored through it dumps the same', async () => {
  const folder = tempFolder('dump')
  const schema = await stage.same(async (login) => withoutNonce(await dump(login, ['--format=plain'])), SHOP)
  expect(schema).toContain('CREATE VIEW public.open_orders')
  const restored = await stage.same(async (login, way) => {
    const from = await stage.login(way, SHOP)
    const file = join(folder.path, `${way}.dump`)
    await dump(from, ['--format=custom', '-f', file])
    const outcome = await run(['pg_restore', '--no-owner', '-d', login.database, file], {
      env: loginEnvironment(login),
    })
    return [outcome.stderr, withoutNonce(await dump({ ...stage.server, database: login.database }, ['--format=plain']))]
  }, 'select 1')
  expect(restored[0]).toBe('')
  expect(restored[1]).toBe(schema)
  folder.remove()
})

const dump = (login: Login, switches: readonly string[]) =>
  mustRun(['pg_dump', ...switches], { env: loginEnvironment(login) })

/** Newer pg_dump guards its script with a random key (\\restrict). */
const withoutNonce = (script: string) => script.replaceAll(/^\\(un)?restrict .*$/gm, '')

test.each(['simple', 'extended', 'prepared'])('pgbench -M %s', async (mode) => {
  const printed = await stage.same(async (login) => {
    await mustRun(['pgbench', '-i', '-q', '-s', '1'], { env: loginEnvironment(login) })
    const output = await mustRun(['pgbench', '-n', '-c', '4', '-j', '2', '-t', '50', '-M', mode], {
      env: loginEnvironment(login),
    })
    return output.split('\n').filter((line) => /processed|failed/.test(line))
  }, '')
  expect(printed.join()).toMatch(/200\/200.*: 0 \(0\.000%\)/s)
})

test('node-postgres: parameters, types, named statements, errors, notices, notifications', async () => {
  await stage.same(async (login) => {
    const { host, port, user, password, database } = login
    const client = new pg.Client({ host, port, user, password, database })
    const heard: unknown[] = []
    client.on('notice', ({ severity, message }) => heard.push([severity, message]))
    const notified = new Promise((resolve) =>
      client.once('notification', ({ channel, payload }) => resolve([channel, payload])),
    )
    await client.connect()
    const seen: unknown[] = []
    seen.push(
      (
        await client.query('select $1::int as a, $2::jsonb as b, $3::text[] as c, $4::bytea as d', [
          1,
          { x: null },
          ['p', 'q"'],
          Buffer.from([0, 255]),
        ])
      ).rows,
    )
    for (let i = 0; i < 3; i++)
      seen.push(
        (await client.query({ name: 'by-id', text: 'select status, total from orders where id = $1', values: [i + 1] }))
          .rows,
      )
    seen.push(
      (await client.query({ text: 'select id, created from orders order by id limit 4', rowMode: 'array' })).rows,
    )
    seen.push((await client.query('select 1 as a; select 2 as b')) as unknown)
    for (const bad of ['select nope', 'insert into orders values (1)', "select 'x'::int", 'selec 1'])
      seen.push(await client.query(bad).catch(errorFields))
    seen.push(await client.query('select $1::int', ['not a number']).catch(errorFields))
    await client.query("do $$ begin raise warning 'careful'; end $$")
    await client.query("listen news; notify news, 'paper'")
    seen.push(await notified, heard)
    await client.end()
    return neutralResults(seen)
  }, SHOP)
})

test('porsager/postgres: transactions, savepoints, cursors, COPY streams, listen', async () => {
  await stage.same(async (login) => {
    const { host, port, user, password, database } = login
    const sql = postgres({ host, port, user, password, database, max: 2, onnotice: () => {} })
    const seen: unknown[] = []
    seen.push(await sql`select ${1}::int as a, ${sql.json({ b: [1, 2] })}::jsonb as b, ${[1, 2]}::int[] as c`)
    seen.push(await sql`select * from ${sql('orders')} where id in ${sql([1, 2, 3])} order by id`)
    await sql.begin(async (tx) => {
      await tx`insert into orders ${tx({ id: 2000, customer_id: 1, total: 5, status: 'new' })}`
      await tx.savepoint((inner) => inner`select 1/0`).catch((error) => seen.push(error.code))
      seen.push(await tx`select count(*)::int from orders`)
    })
    await sql
      .begin((tx) => tx`delete from orders`.then(() => Promise.reject(new Error('no'))))
      .catch((error) => seen.push(error.message))
    for await (const rows of sql`select id from orders order by id`.cursor(9)) seen.push(rows.length)
    const out: string[] = []
    for await (const chunk of await sql`copy (select id, status from orders order by id limit 3) to stdout`.readable())
      out.push(String(chunk))
    seen.push(out.join(''))
    const into = await sql`copy orders (id, customer_id, total, status) from stdin`.writable()
    await new Promise<void>((resolve, reject) =>
      into.once('error', reject).once('finish', resolve).end('3000\t1\t1.5\tnew\n'),
    )
    seen.push(await sql`select total from orders where id = 3000`)
    const heard = Promise.withResolvers<string>()
    const listening = await sql.listen('news', heard.resolve)
    await sql.notify('news', 'hi')
    seen.push(await heard.promise)
    await listening.unlisten()
    seen.push(await sql.unsafe('select 1 as x; select 2 as y'))
    seen.push(await Promise.all(Array.from({ length: 50 }, (_, i) => sql`select ${i}::int as i`)))
    await sql.end()
    return seen
  }, SHOP)
})

test.each(['psycopg2_scene.py', 'psycopg3_scene.py'])('%s', async (script) => {
  await stage.same(async (login) => {
    const { status, stdout, stderr } = await run(['/usr/bin/python3', join(import.meta.dirname, script)], {
      env: loginEnvironment(login),
    })
    expect(status, stderr).toBe(0)
    return stdout
  }, '')
})

function errorFields(error: unknown): unknown {
  const { code, severity, message, detail, hint, position, table, column, constraint } = error as Record<
    string,
    unknown
  >
  return { code, severity, message, detail, hint, position, table, column, constraint }
}

/** Results carry the client's own parser objects; what came over the wire is in these. */
function neutralResults(seen: readonly unknown[]): unknown {
  return seen.map((each) =>
    Array.isArray(each) && each[0] instanceof pg.Result ? each.map(({ rows, command }) => ({ rows, command })) : each,
  )
}
