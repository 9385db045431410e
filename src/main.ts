import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { type ConnectorWish, registerConnectorCommand } from './cli/connector.ts'
import { runProgram } from './cli/run.ts'
import type { ServeWish } from './cli/serve.ts'

/** Runs the gateway until a signal. What it stands on is loaded only here, so that the other verbs start at once. */
async function serve({ config, issue, ttl_ms }: ServeWish): Promise<void> {
  const { startGateway } = await import('./serve.ts')
  const { loadSettings } = await import('./setup/config.ts')
  const gateway = await startGateway(loadSettings(config, process.cwd()), { version })
  const stop = () => void gateway.stop().then(() => process.exit())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  process.on('SIGHUP', () => gateway.policies.reload())
  try {
    if (issue !== undefined) process.stdout.write(`${await gateway.issueToken(issue, ttl_ms)}\n`)
  } catch (error) {
    await gateway.stop()
    throw error
  }
  const { postgres, ssh, tunnel, api } = gateway
  const others = `${ssh ? `, SSH ${ssh}` : ''}${tunnel ? `, connectors ${tunnel}` : ''}`
  process.stderr.write(`Sluice is ready: PostgreSQL ${postgres}${others}, API ${api}\n`)
}

/** Runs a connector until a signal, or until its gateway will never take it in. */
async function connector(wish: ConnectorWish): Promise<void> {
  const { startConnector } = await import('./connector.ts')
  const running = await startConnector(wish, { version })
  const stop = () => void running.stop().then(() => process.exit())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  // One that another program started, with a channel to it, ends with that program.
  process.once('disconnect', stop)
  await running.ended
}

/** A connector stands in a private network and loads as little as it can: not the other verbs, and nothing of the gateway. */
async function programFor(verb: string | undefined): Promise<Command> {
  if (verb !== 'connector') return (await import('./cli/program.ts')).createProgram({ version, serve, connector })
  const program = new Command('sluice').exitOverride()
  registerConnectorCommand(program, connector)
  for (const command of program.commands) command.exitOverride()
  return program
}

const manifest = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }

// A reader that leaves early (`sluice sessions | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

await runProgram(await programFor(process.argv[2]), process.argv.slice(2))
