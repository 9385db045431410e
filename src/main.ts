import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { durationOf } from './cli/duration.ts'
import { createProgram, runProgram } from './cli/program.ts'

interface ServeOptions {
  readonly config?: string
  readonly issue?: string
  readonly ttl: string
}

/** `sluice serve`: the one verb that is no client. What it stands on is loaded only when it runs. */
function registerServeCommand(program: Command): void {
  program
    .command('serve')
    .description('run the gateway')
    .option('-c, --config <file>', 'settings (default: sluice.yaml in this folder, else the defaults)')
    .option(
      '--issue <principal>',
      'print a token for this principal once the gateway runs: the way to the first administrator',
    )
    .option('--ttl <duration>', 'how long that token holds', '8h')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice serve\n  sluice serve --config /etc/sluice/sluice.yaml\n  sluice serve --issue human:ada\n',
    )
    .action(serve)
}

async function serve({ config, issue, ttl }: ServeOptions): Promise<void> {
  const ttl_ms = durationOf(ttl)
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

await runProgram(createProgram(version, registerServeCommand), process.argv.slice(2))
