import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, spawnMortal } from './child.ts'
import type { Login } from './postgres.ts'

const root = join(import.meta.dirname, '../..')

export interface TestGatewayOptions {
  /** The account the gateway logs in to the target with. */
  readonly target: Login
  /** Policy documents in YAML. */
  readonly policy: string
  /** Switches of node for the gateway's process: `--cpu-prof`. */
  readonly node?: readonly string[]
}

export interface TestGateway extends AsyncDisposable {
  readonly port: number
  readonly pid: number
  /** How `name` logs in to a resource: the token is the password. */
  login(name: string, resource?: string): Login
  stop(): Promise<void>
}

/** Starts a gateway as a process of its own in front of `target`. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  return await startPipeProcess(options)
}

/** The bare byte pipe as a process of its own: what a gateway is measured against. */
export async function startPipeProcess(options: Pick<TestGatewayOptions, 'target' | 'node'>): Promise<TestGateway> {
  const program = join(root, 'test/rig/pipe.ts')
  const child = spawnMortal([process.execPath, ...(options.node ?? []), program, String(options.target.port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await Promise.race([
    once(createInterface(child.stdout!), 'line'),
    once(child, 'exit').then(() => ['nothing']),
  ])) as [string]
  const port = Number(line)
  if (!Number.isInteger(port)) throw new Error(`the pipe did not start: ${line}`)
  const stop = async () => {
    child.kill('SIGTERM')
    await ended(child)
  }
  return { port, pid: child.pid!, login: () => ({ ...options.target, port }), stop, [Symbol.asyncDispose]: stop }
}
