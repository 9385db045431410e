import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, spawnMortal } from './child.ts'
import { tempFolder } from './temp.ts'

export interface ConnectorProcessOptions {
  /** `host:port` of the gateway's listener for connectors. */
  readonly gateway: string
  /** Needed unless `folder` holds a certificate already. */
  readonly token?: string
  readonly allow: readonly string[]
  /** Where it keeps its certificate. Default: a fresh folder, gone after stop. */
  readonly folder?: string
  /** More switches: `--websocket`. */
  readonly switches?: readonly string[]
  /** In front of the command: `['ip', 'netns', 'exec', 'far']`. */
  readonly before?: readonly string[]
  /** Switches of node. */
  readonly node?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** The program. Default: from the sources. */
  readonly main?: string
  /** Resolve at once, not when the tunnel is up. */
  readonly impatient?: boolean
}

/** `sluice connector` as a process of its own. It dies with this one. */
export interface ConnectorProcess extends AsyncDisposable {
  readonly pid: number
  readonly child: ChildProcess
  readonly folder: string
  log(): string
  /** SIGTERM: drains. Resolves when it has ended. */
  stop(): Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')

export async function startConnectorProcess(options: ConnectorProcessOptions): Promise<ConnectorProcess> {
  const { gateway, token, allow, switches = [], before = [], node = [], env = process.env } = options
  const own = options.folder === undefined ? tempFolder('connector') : undefined
  const folder = options.folder ?? own!.path
  const logPath = join(folder, `log-${Date.now()}`)
  const command = [process.execPath, ...node, options.main ?? MAIN, 'connector', '--gateway', gateway, '--dir', folder]
  const wanted = allow.flatMap((entry) => ['--allow', entry])
  const child = spawnMortal([...before, ...command, ...wanted, '--log', 'debug', ...switches], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...env, ...(token !== undefined && { SLUICE_JOIN_TOKEN: token }) },
  })
  const log = createWriteStream(logPath)
  child.stderr!.pipe(log)
  const up = new Promise<void>((resolve) => {
    createInterface(child.stderr!).on('line', (line) => line.includes('the tunnel is up') && resolve())
  })
  const read = () => readFileSync(logPath, 'utf8')
  const failed = once(child, 'close').then(() => {
    throw new Error(`the connector ended before its tunnel was up\n${read()}`)
  })
  if (!options.impatient) await Promise.race([up, failed])
  failed.catch(() => {})
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    child.kill(signal)
    await ended(child)
  }
  const stop = async () => {
    await end('SIGTERM')
    own?.remove()
  }
  return { pid: child.pid!, child, folder, log: read, stop, kill: () => end('SIGKILL'), [Symbol.asyncDispose]: stop }
}
