import { readdirSync, readFileSync } from 'node:fs'
import { mustRun } from '../test/rig/child.ts'
import type { Login, PostgresServer } from '../test/rig/postgres.ts'
import { loginEnvironment, probe } from '../test/rig/psql.ts'
import { tempFolder } from '../test/rig/temp.ts'

export const ROWS = 500_000

/** The tables of all measures. `customers` has two labelled columns; nothing in `events` is labelled or looks like personal data. Rows are about as wide. */
export async function fill(server: PostgresServer): Promise<void> {
  await mustRun(['pgbench', '-i', '-q', '-s', '10', '--no-vacuum'], { env: loginEnvironment(server) })
  await probe(
    server,
    `create table customers as select g as id, 'Customer ' || g as name, 'user' || g || '@example.com' as email,
       '4111 1111 1111 ' || lpad((g % 10000)::text, 4, '0') as card, (g % 9973) * 1.25 as balance,
       timestamptz '2026-01-01' + g * interval '1 second' as created, 'note ' || md5(g::text) as note
     from generate_series(1, ${ROWS}) g;
     create table events as select g as id, 'Visit number ' || g as title, 'opened the page of product ' || g % 100 as what,
       'from the newsletter' as source, (g % 9973) * 1.25 as value, timestamptz '2026-01-01' + g * interval '1 second' as at,
       repeat('seen ', 6) as note
     from generate_series(1, ${ROWS}) g`,
  )
  await probe(server, 'vacuum analyze')
}

const environment = (login: Login) => ({ ...loginEnvironment(login), PGSSLMODE: 'disable', PGGSSENCMODE: 'disable' })

/** Transactions per second of `pgbench -S`. */
export async function transactions(login: Login, switches: readonly string[]): Promise<number> {
  const printed = await mustRun(['pgbench', '-S', '-n', ...switches], { env: environment(login) })
  const tps = /^tps = ([\d.]+)/m.exec(printed)?.[1]
  if (!tps) throw new Error(`pgbench printed no tps:\n${printed}`)
  return Number(tps)
}

/** Median latency in µs of one client's prepared query. */
export async function latency(login: Login, count: number): Promise<number> {
  const folder = tempFolder('latency')
  await mustRun(['pgbench', '-S', '-n', '-c', '1', '-M', 'prepared', '-t', String(count), '--log'], {
    env: environment(login),
    cwd: folder.path,
  })
  const lines = readdirSync(folder.path).flatMap((name) =>
    readFileSync(`${folder.path}/${name}`, 'utf8').trim().split('\n'),
  )
  folder.remove()
  const times = lines.map((line) => Number(line.split(' ')[2])).sort((a, b) => a - b)
  return times[times.length >> 1]!
}

/** Seconds until psql has printed a whole table. */
export async function bulk(login: Login, table: string): Promise<number> {
  const began = performance.now()
  await mustRun(['psql', '-X', '-A', '-t', '-o', '/dev/null', '-c', `select * from ${table}`], {
    env: environment(login),
  })
  return (performance.now() - began) / 1000
}
