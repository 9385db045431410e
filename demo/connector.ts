import { spawn } from 'node:child_process'
import { existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningGateway } from '../src/serve.ts'

/** The name the demo's policy knows its connector by: `via: connector:annex`. */
const NAME = 'annex'
const MAIN = join(import.meta.dirname, '../src/main.ts')

/** Starts a connector beside the gateway, as a process of its own, that may reach the demo's database and nothing else. Resolves when its tunnel is up. */
export async function startDemoConnector(
  gateway: RunningGateway,
  { folder, postgresPort }: { readonly folder: string; readonly postgresPort: number },
): Promise<{ stop(): Promise<void> }> {
  const dir = join(folder, 'connector')
  const joined = existsSync(join(dir, 'identity.json'))
  const token = joined ? undefined : (await gateway.connectors.invite(NAME, 60_000, 'demo')).token
  const log = openSync(join(folder, 'connector.log'), 'a', 0o600)
  const wish = ['--gateway', gateway.tunnel!, '--dir', dir, '--allow', `127.0.0.1:${postgresPort}`, '--drain', '1s']
  const child = spawn(process.execPath, [MAIN, 'connector', ...wish], {
    stdio: ['ignore', 'ignore', log, 'ipc'],
    env: { ...process.env, ...(token !== undefined && { SLUICE_JOIN_TOKEN: token }), HTTPS_PROXY: '' },
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let over = false
  void ended.then(() => {
    over = true
  })
  const ready = async () =>
    (await gateway.connectors.list()).some(({ name, state }) => name === NAME && state === 'ready')
  while (!over && !(await ready())) await new Promise((resolve) => setTimeout(resolve, 25))
  if (over) throw new Error(`The demo’s connector ended by itself; see ${join(folder, 'connector.log')}.`)
  return {
    stop() {
      child.kill('SIGTERM')
      return ended
    },
  }
}
