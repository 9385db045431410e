import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { giveTo, serverAccount } from '../test/rig/account.ts'
import { ended, spawnMortal } from '../test/rig/child.ts'
import { startPipeProcess, startTestGateway } from '../test/rig/gateway.ts'
import { onFreePort, PortTaken } from '../test/rig/port.ts'
import type { Login, PostgresServer } from '../test/rig/postgres.ts'
import { tempFolder } from '../test/rig/temp.ts'
import { POLICY } from './policy.ts'

export type ContenderName = 'direct' | 'pgbouncer' | 'pipe' | 'sluice'

/** One way to the server. Everything but `direct` is a process of its own. */
export interface Contender {
  readonly name: ContenderName
  readonly login: Login
  /** Of the process in between; 0 for `direct`. */
  readonly pid: number
  stop(): Promise<void>
}

/** All four, in the order they take turns. `node` are switches for the gateway's process. */
export async function startContenders(server: PostgresServer, node: readonly string[]): Promise<Contender[]> {
  const direct: Contender = { name: 'direct', login: server, pid: 0, stop: async () => {} }
  const pipe = await startPipeProcess({ target: server })
  return [
    direct,
    await startPgBouncer(server),
    { name: 'pipe', login: pipe.login('human:bench'), pid: pipe.pid, stop: pipe.stop },
    await startSluice(server, node),
  ]
}

/** The gateway with full enforcement, fresh. */
export async function startSluice(server: PostgresServer, node: readonly string[] = []): Promise<Contender> {
  const gateway = await startTestGateway({ target: server, policy: POLICY, node })
  return { name: 'sluice', login: gateway.login('human:bench'), pid: gateway.pid, stop: gateway.stop }
}

/** Debian's PgBouncer in session mode with SCRAM on both sides: what an experienced operator would put there. */
async function startPgBouncer(server: PostgresServer): Promise<Contender> {
  const folder = tempFolder('pgbouncer')
  const users = join(folder.path, 'users')
  writeFileSync(users, `"${server.user}" "${server.password}"\n`)
  const { child, port } = await onFreePort(async (port) => {
    const config = join(folder.path, 'pgbouncer.ini')
    writeFileSync(config, pgBouncerConfig(server, { port, users }))
    for (const path of [folder.path, users, config]) giveTo(serverAccount(), path)
    const child = spawnMortal(['pgbouncer', '-q', config], {
      account: serverAccount(),
      death: 'TERM',
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    await accepting(port, once(child, 'exit'))
    return { child, port }
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await ended(child)
    folder.remove()
  }
  return { name: 'pgbouncer', login: { ...server, port }, pid: child.pid!, stop }
}

function pgBouncerConfig(server: Login, { port, users }: { port: number; users: string }): string {
  return `[databases]
* = host=${server.host} port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = session
max_client_conn = 1200
default_pool_size = 1200
log_connections = 0
log_disconnections = 0
server_reset_query =
ignore_startup_parameters = extra_float_digits
`
}

async function accepting(port: number, exited: Promise<unknown>): Promise<void> {
  for (let left = 500; left > 0; left--) {
    const socket = connect(port, '127.0.0.1')
    const outcome = await Promise.race([
      once(socket, 'connect').then(
        () => 'open',
        () => 'refused',
      ),
      exited.then(() => 'exited'),
    ])
    socket.destroy()
    if (outcome === 'open') return
    if (outcome === 'exited') throw new PortTaken(`nothing listens on ${port}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`nothing listens on ${port} after 5 s`)
}
