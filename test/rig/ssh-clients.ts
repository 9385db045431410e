import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { type Finished, run } from './child.ts'
import type { SshGateway } from './ssh-gateway.ts'
import { until } from './until.ts'

/** A stock program as `principal`, with the options every OpenSSH client of the stage is given. */
export function stock(
  stage: SshGateway,
  principal: string,
  program: string,
  args: readonly string[],
): Promise<Finished> {
  return run([program, ...stage.options, ...args], {
    env: stage.password(stage.gateway.token(principal)),
    timeout_ms: 60_000,
    cwd: stage.folder,
  })
}

/** The same options as a file, for clients that start ssh themselves. */
export function configFile(stage: SshGateway, more: readonly string[] = []): string {
  const words = stage.options.filter((word) => word.includes('='))
  const path = join(stage.folder, `config-${configs++}`)
  const lines = [...words, ...more].map((word) => `  ${word.replace('=', ' ')}`)
  writeFileSync(path, `Host *\n${lines.join('\n')}\n`, { mode: 0o600 })
  return path
}
let configs = 0

/** An `sftp` batch; commands that fail end it, unless they begin with `-`. */
export function sftp(stage: SshGateway, principal: string, commands: readonly string[]): Promise<Finished> {
  const batch = join(stage.folder, `batch-${configs++}`)
  writeFileSync(batch, `${commands.join('\n')}\n`)
  return stock(stage, principal, 'sftp', ['-q', '-oBatchMode=no', '-b', batch, 'web-1@127.0.0.1'])
}

/** Answers every connection with a line, and closes. */
export async function lineServer(
  line: string,
  at: { port?: number; path?: string } = {},
): Promise<Server & AsyncDisposable> {
  const server = createServer((socket) => socket.on('error', () => {}).end(`${line}\n`))
  const where = at.path === undefined ? { host: '127.0.0.1', port: at.port ?? 0 } : { path: at.path }
  await new Promise<void>((resolve) => server.listen(where, resolve))
  return Object.assign(server, { [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())) })
}

/** Why a program is not there to be tested with, or undefined. */
export const missing = (path: string, packageName: string): string | undefined =>
  existsSync(path) ? undefined : `${path} is not installed: Debian's ${packageName}`

/** The same, once it holds what must come: a recorder writes a little later. */
export async function transcriptsOnce(
  stage: SshGateway,
  holds: (recorded: readonly Record<string, unknown>[]) => boolean,
): Promise<Record<string, unknown>[]> {
  let recorded: Record<string, unknown>[] = []
  await until(async () => {
    recorded = await transcripts(stage)
    return holds(recorded)
  })
  return recorded
}

/** Everything recorded in the gateway's transcripts, session by session. */
export async function transcripts(stage: SshGateway): Promise<Record<string, unknown>[]> {
  const { stdout } = await run(['find', join(stage.gateway.dataDir, 'transcripts'), '-name', 'ses_*.jsonl'])
  return stdout
    .split('\n')
    .filter(Boolean)
    .flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        // Behind the last newline stands what is being written just now.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    )
}
