import type { Command } from 'commander'
import { durationOf } from './duration.ts'

export interface ServeWish {
  /** Path of the settings; undefined: sluice.yaml where there is one, else the defaults. */
  readonly config: string | undefined
  /** The principal a first token is printed for. */
  readonly issue: string | undefined
  readonly ttl_ms: number
}

interface ServeOptions {
  readonly config?: string
  readonly issue?: string
  readonly ttl: string
}

/** `sluice serve`: the one verb that is no client. `run` is the gateway itself. */
export function registerServeCommand(program: Command, run: (wish: ServeWish) => Promise<void>): void {
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
      '\nExamples:\n  sluice serve\n  sluice serve --config /etc/sluice/sluice.yaml\n  sluice serve --issue human:ada\n\nSIGTERM drains and stops, SIGHUP reads the policy folder again.\n',
    )
    .action(({ config, issue, ttl }: ServeOptions) => run({ config, issue, ttl_ms: durationOf(ttl) }))
}
