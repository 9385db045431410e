import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { giveTo, serverAccount } from './account.ts'
import { ended, mustRun, spawnMortal } from './child.ts'
import { onFreePort, PortTaken } from './port.ts'
import { type Binaries, cacheFolder, debianBinaries, type Major, npmBinaries, placeOnce } from './postgres-binaries.ts'
import { tempFolder } from './temp.ts'

export interface PostgresOptions {
  /** A major from npm. Without it: Debian's server. */
  readonly major?: Major
  /** Settings of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** Lines of pg_hba.conf. Without it: SCRAM for everyone on the machine. */
  readonly hba?: readonly string[]
  /** The cluster's locale C and encoding UTF8 are fixed; this adds switches of initdb. */
  readonly initdb?: readonly string[]
}

/** How to reach and log in to a server, direct or through something in between. */
export interface Login {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
}

export interface PostgresServer extends Login, AsyncDisposable {
  /** `15.18`. */
  readonly version: string
  readonly major: number
  readonly pid: number
  /** Holds the cluster, the socket and the log; ours alone. */
  readonly folder: string
  readonly cluster: string
  /** Everything the server has logged so far. */
  log(): string
  /** Ends it and removes its folder. `immediate` is a crash: clients see the connection break. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
}

const SUPERUSER = 'postgres'
const PASSWORD = 'rig-superuser-password'
const SCRAM_HBA = [
  'local all all scram-sha-256',
  'host all all 127.0.0.1/32 scram-sha-256',
  'host replication all 127.0.0.1/32 scram-sha-256',
]

/** Durability is what tests of the server need, not tests of a gateway in front of it: these make it several times faster. */
const QUICK = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  max_connections: 200,
}

/** Starts a server of our own in a fresh folder on a free port. It dies with this process. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binaries = options.major === undefined ? await debianBinaries() : await npmBinaries(options.major)
  const folder = tempFolder('pg')
  const account = serverAccount()
  giveTo(account, folder.path)
  const cluster = join(folder.path, 'cluster')
  await createCluster(binaries, cluster, options.initdb ?? [])
  writeFileSync(join(cluster, 'pg_hba.conf'), `${(options.hba ?? SCRAM_HBA).join('\n')}\n`)
  const settings = {
    ...QUICK,
    ...options.settings,
    unix_socket_directories: folder.path,
    listen_addresses: '127.0.0.1',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${String(value).replaceAll("'", "''")}'\n`)
  writeFileSync(join(cluster, 'postgresql.auto.conf'), lines.join(''))
  const log = join(folder.path, 'log')
  const { child, port } = await onFreePort(async (port) => ({
    port,
    child: await launch(binaries, { cluster, log, port }),
  }))
  const stop = async (how: 'fast' | 'immediate' = 'fast') => {
    child.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended(child)
    folder.remove()
  }
  return {
    host: '127.0.0.1',
    port,
    user: SUPERUSER,
    password: PASSWORD,
    database: 'postgres',
    version: binaries.version,
    major: binaries.major,
    pid: child.pid!,
    folder: folder.path,
    cluster,
    log: () => readFileSync(log, 'utf8'),
    stop,
    [Symbol.asyncDispose]: () => stop(),
  }
}

/** initdb takes seconds, a copy of what it made a tenth of one: the first cluster of a version is kept in the cache. */
async function createCluster(binaries: Binaries, cluster: string, switches: readonly string[]): Promise<void> {
  const template = join(cacheFolder, 'clusters', [binaries.version, ...switches].join('').replaceAll(/[^\w.]+/g, '-'))
  if (!existsSync(template)) await makeTemplate(binaries, template, switches)
  // cp keeps modes and is told the new owner by chown: a folder PostgreSQL accepts has mode 0700 and is its own.
  await mustRun(['cp', '-a', template, cluster])
  const account = serverAccount()
  if (account) await mustRun(['chown', '-R', `${account.uid}:${account.gid}`, cluster])
}

async function makeTemplate(binaries: Binaries, template: string, switches: readonly string[]): Promise<void> {
  const draft = tempFolder('initdb')
  const account = serverAccount()
  const password = join(draft.path, 'password')
  writeFileSync(password, PASSWORD)
  giveTo(account, draft.path)
  giveTo(account, password)
  const cluster = join(draft.path, 'cluster')
  const fixed = [
    '-U',
    SUPERUSER,
    '-E',
    'UTF8',
    '--no-locale',
    '--no-sync',
    '-A',
    'scram-sha-256',
    `--pwfile=${password}`,
  ]
  await mustRun([join(binaries.folder, 'initdb'), '-D', cluster, ...fixed, ...switches], { account, cwd: draft.path })
  await placeOnce(template, cluster)
  draft.remove()
}

interface Launch {
  readonly cluster: string
  readonly log: string
  readonly port: number
}

async function launch(binaries: Binaries, { cluster, log, port }: Launch): Promise<ChildProcess> {
  const out = openSync(log, 'a')
  const command = [join(binaries.folder, 'postgres'), '-D', cluster, '-p', String(port)]
  const child = spawnMortal(command, {
    account: serverAccount(),
    death: 'QUIT',
    stdio: ['ignore', out, out],
    cwd: cluster,
  })
  closeSync(out)
  await ready(child, cluster, log)
  return child
}

/** The last line of postmaster.pid says `ready` once connections are accepted: what pg_ctl --wait looks at. */
async function ready(child: ChildProcess, cluster: string, log: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid')
  const deadline = Date.now() + 60_000
  const poll = Promise.withResolvers<void>()
  const timer = setInterval(() => {
    const said = () => readFileSync(log, 'utf8')
    if (child.exitCode !== null) {
      poll.reject(
        /could not bind|Address already in use/.test(said())
          ? new PortTaken(said())
          : new Error(`postgres did not start:\n${said()}`),
      )
    } else if (existsSync(pidFile) && readFileSync(pidFile, 'utf8').split('\n')[7]?.startsWith('ready')) poll.resolve()
    else if (Date.now() > deadline) poll.reject(new Error(`postgres was not ready within 60 s:\n${said()}`))
  }, 10)
  await poll.promise.finally(() => clearInterval(timer))
}
