import { readFileSync } from 'node:fs'
import { createProgram, runProgram } from './cli/program.ts'
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
  process.stderr.write(`Sluice is ready: PostgreSQL ${gateway.postgres}, API ${gateway.api}\n`)
}

const manifest = new URL(import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json', import.meta.url)
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }

// A reader that leaves early (`sluice sessions | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

await runProgram(createProgram({ version, serve }), process.argv.slice(2))
