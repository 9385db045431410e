import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { sha256 } from '../src/kit/digest.ts'
import { giveTo, reachableByAll, serverAccount } from '../test/rig/account.ts'
import { ended, mustRun, spawnMortal } from '../test/rig/child.ts'
import { freePort } from '../test/rig/port.ts'
import { npmBinaries } from '../test/rig/postgres-binaries.ts'
import { createShop } from './shop.ts'

/** Longest a start may take: after a crash the server replays its log first. */
const READY_MS = 60_000
const ATTEMPTS = 5

/** The accounts the demo's database has. Each password stands in `FOLDER/NAME.password`. */
export const ACCOUNTS = ['postgres', 'shop_app', 'reporting'] as const

export interface DemoPostgres {
  readonly port: number
  readonly pid: number
  /** Why and when it went, should it end by itself. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

/** Starts the demo's PostgreSQL with its data in `folder`, making and filling it the first time. It dies with this process, even by `kill -9`. */
export async function startDemoPostgres(folder: string, say: (line: string) => void): Promise<DemoPostgres> {
  mkdirSync(folder, { recursive: true })
  const { folder: bin } = await npmBinaries(18)
  const cluster = clusterFolder(folder)
  if (!existsSync(join(cluster, 'PG_VERSION'))) {
    say('Creating the demo database …')
    await createCluster(bin, cluster, passwordOf(folder, 'postgres'))
  }
  const server = await launch(bin, cluster, folder)
  try {
    await fillOnce(folder, cluster, server.port)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/**
 * A cluster must belong to an account that is not root; below a folder that account cannot enter (/root) it stands in the temporary folder
 * instead, under a name that nobody can guess and that a new folder's new password makes another.
 */
function clusterFolder(folder: string): string {
  if (!serverAccount()) return join(folder, 'postgres')
  chmodSync(folder, 0o711)
  chmodSync(dirname(folder), 0o711)
  return reachableByAll(folder)
    ? join(folder, 'postgres')
    : join(tmpdir(), `sluice-demo-${sha256(folder + passwordOf(folder, 'postgres')).slice(0, 16)}`)
}

/** The password of an account, made once. */
export function passwordOf(folder: string, account: (typeof ACCOUNTS)[number]): string {
  const file = join(folder, `${account}.password`)
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

/** initdb fills a draft that is renamed into place, so that an interrupted start leaves nothing half made. */
async function createCluster(bin: string, cluster: string, password: string): Promise<void> {
  const account = serverAccount()
  const draft = `${cluster}.draft`
  const secret = `${cluster}.initdb`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { mode: 0o700 })
  writeFileSync(secret, password, { mode: 0o600 })
  for (const path of [draft, secret]) giveTo(account, path)
  const switches = [
    '-U',
    'postgres',
    '-E',
    'UTF8',
    '--no-locale',
    '--no-sync',
    '-A',
    'scram-sha-256',
    `--pwfile=${secret}`,
  ]
  await mustRun([join(bin, 'initdb'), '-D', draft, ...switches], { account, cwd: draft }).finally(() =>
    rmSync(secret, { force: true }),
  )
  await mustRun(['mv', '-T', draft, cluster])
}

async function launch(bin: string, cluster: string, folder: string): Promise<DemoPostgres> {
  await stopLeftover(cluster)
  for (let attempt = 1; ; attempt++) {
    const port = attempt === 1 ? (rememberedPort(folder) ?? (await freePort())) : await freePort()
    const log = join(folder, 'postgres.log')
    const out = openSync(log, 'w', 0o600)
    const settings = [
      'listen_addresses=127.0.0.1',
      `port=${port}`,
      'unix_socket_directories=',
      'max_connections=50',
      'shared_buffers=32MB',
      'logging_collector=off',
    ]
    const child = spawnMortal([join(bin, 'postgres'), '-D', cluster, ...settings.flatMap((text) => ['-c', text])], {
      account: serverAccount(),
      death: 'INT',
      stdio: ['ignore', out, out],
      cwd: cluster,
      // Its own group: a Ctrl-C in the terminal is for us, and we stop the server when its sessions are closed.
      detached: true,
    })
    closeSync(out)
    if (await isReady(child, cluster)) {
      writeFileSync(join(folder, 'port'), String(port))
      return {
        port,
        pid: child.pid!,
        ended: ended(child),
        stop: async () => {
          child.kill('SIGINT')
          await ended(child)
        },
      }
    }
    const said = readFileSync(log, 'utf8')
    if (!/could not bind|Address already in use/.test(said) || attempt === ATTEMPTS)
      throw new Error(`The demo's PostgreSQL did not start:\n${said}`)
  }
}

function rememberedPort(folder: string): number | undefined {
  const file = join(folder, 'port')
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) || undefined : undefined
}

/** A postmaster that outlived its parent is stopped; a pid file that names another program is removed, since PostgreSQL would take it for a running server. */
async function stopLeftover(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
  if (!isPostmaster(pid, cluster)) return rmSync(file, { force: true })
  process.kill(pid, 'SIGINT')
  for (const deadline = Date.now() + READY_MS; isPostmaster(pid, cluster) && Date.now() < deadline; ) await pause(20)
}

function isPostmaster(pid: number, cluster: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return words[0]?.endsWith('/postgres') === true && words.includes(cluster)
  } catch {
    return false
  }
}

/** The eighth line of its postmaster.pid says `ready` once connections are accepted: what pg_ctl --wait looks at. False when it ended instead. */
async function isReady(child: ChildProcess, cluster: string): Promise<boolean> {
  const file = join(cluster, 'postmaster.pid')
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; await pause(15)) {
    if (child.exitCode !== null || child.signalCode !== null) return false
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    // A crash leaves the file of the one before.
    if (lines[0] === String(child.pid) && lines[7]?.startsWith('ready')) return true
  }
  child.kill('SIGKILL')
  throw new Error(`The demo's PostgreSQL was not ready within ${READY_MS / 1000} s.`)
}

/** Fills the database. The mark that it is complete stands in the cluster itself: where one goes, so does the other. */
async function fillOnce(folder: string, cluster: string, port: number): Promise<void> {
  const done = join(cluster, 'sluice-shop-is-filled')
  if (existsSync(done)) return
  const password = passwordOf(folder, 'postgres')
  const open = async (database: string) => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', password, database, ssl: false })
    await client.connect()
    return client
  }
  const admin = await open('postgres')
  await admin.query('DROP DATABASE IF EXISTS shop WITH (FORCE)')
  await admin.query('CREATE DATABASE shop')
  const shop = await open('shop')
  await createShop(shop, { shop_app: passwordOf(folder, 'shop_app'), reporting: passwordOf(folder, 'reporting') })
  await shop.end()
  await admin.end()
  writeFileSync(done, '')
}

function pause(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration_ms))
}
