import { readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { mustRun } from '../test/rig/child.ts'
import type { Login } from '../test/rig/postgres.ts'
import { loginEnvironment, probe } from '../test/rig/psql.ts'
import type { Contender } from './contenders.ts'

const MB = 1024

/** Resident memory of a process, MB. `VmHWM` is the most it ever was since {@link forgetPeak}. */
export function resident(pid: number, line: 'VmRSS' | 'VmHWM'): number {
  const kb = new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  if (!kb) throw new Error(`/proc/${pid}/status has no ${line}`)
  return Number(kb) / MB
}

/** Sets the kernel's high-water mark of a process to what it holds now (proc(5): clear_refs 5). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** MB that `count` sessions which have run one statement and now wait add to the process in between, after a first one has come and gone. */
export async function idleSessions(contender: Contender, count: number): Promise<number> {
  const first = client(contender.login)
  await first.connect()
  await first.query('select 1')
  await first.end()
  const before = resident(contender.pid, 'VmRSS')
  const clients: pg.Client[] = []
  while (clients.length < count) {
    const batch = Array.from({ length: Math.min(50, count - clients.length) }, () => client(contender.login))
    await Promise.all(batch.map((one) => one.connect()))
    await Promise.all(batch.map((one) => one.query('select 1')))
    clients.push(...batch)
  }
  const added = resident(contender.pid, 'VmRSS') - before
  await Promise.all(clients.map((one) => one.end()))
  return added
}

const GIGABYTE = "select repeat('x', 1000) from generate_series(1, 1000000)"

/** MB by which the process in between grows at most while a result of 1 GB streams through. */
export async function largeResult(contender: Contender): Promise<number> {
  const copy = (sql: string) =>
    mustRun(['psql', '-X', '-q', '-o', '/dev/null', '-c', `copy (${sql}) to stdout`], {
      env: loginEnvironment(contender.login),
    })
  // One row first: what a first session costs is not what a large result adds.
  await copy('select 1')
  const before = resident(contender.pid, 'VmRSS')
  forgetPeak(contender.pid)
  await copy(GIGABYTE)
  return resident(contender.pid, 'VmHWM') - before
}

/** A client that asks for 1 GB and reads nothing: MB by which the process grows, and whether the server waits for it. */
export async function stoppedReader(contender: Contender, direct: Login): Promise<{ grown: number; stopped: boolean }> {
  const reader = client(contender.login)
  await reader.connect()
  const backend = (await reader.query('select pg_backend_pid() as pid')).rows[0].pid as number
  const before = resident(contender.pid, 'VmRSS')
  forgetPeak(contender.pid)
  const socket = (reader as unknown as { connection: { stream: import('node:net').Socket } }).connection.stream
  reader.on('error', () => {})
  void reader.query(`copy (${GIGABYTE}) to stdout`).catch(() => {})
  socket.pause()
  const stopped = await waitsForClient(direct, backend)
  const grown = resident(contender.pid, 'VmHWM') - before
  socket.destroy()
  return { grown, stopped }
}

/** True once the backend has waited for its client in ten looks in a row; false after 100 looks. */
async function waitsForClient(direct: Login, backend: number): Promise<boolean> {
  for (let look = 0, waits = 0; look < 100; look++) {
    const event = await probe(direct, `select wait_event from pg_stat_activity where pid = ${backend}`)
    waits = event === 'ClientWrite' ? waits + 1 : 0
    if (waits === 10) return true
  }
  return false
}

function client(login: Login): pg.Client {
  return new pg.Client({
    host: login.host,
    port: login.port,
    user: login.user,
    password: login.password,
    database: login.database,
    ssl: false,
  })
}
