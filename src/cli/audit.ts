import { type Command, InvalidArgumentError, Option } from 'commander'

const VERIFY_EXAMPLES = `
The public key in the ledger's own folder proves only that the files fit each other. Whoever could change the files could change that, too:
keep a copy of the key and, now and then, of a checkpoint (sluice audit checkpoint) somewhere else, and verify against those.

Examples:
  sluice audit verify
  sluice audit verify --dir /mnt/copy/ledger --public-key sluice.pub
  sluice audit verify --checkpoint kept-in-june.txt --checkpoint kept-in-july.txt

Exit code 0: verified; 1: damaged; 2: there is nothing to verify, or nothing to verify it with.
`

const EXPORT_EXAMPLES = `
Examples:
  sluice audit export > ledger.jsonl
  sluice audit export --kind refusal --kind approval --since 2026-07-01
  sluice audit export --session ses_01h… --from 120000
`

const CHECKPOINT_EXAMPLES = `
Examples:
  sluice audit checkpoint > kept-in-july.txt
  sluice audit checkpoint --public-key > sluice.pub
`

/** `sluice audit verify | export | checkpoint`: they read the ledger's files and need no gateway. What they stand on is loaded only when they run. */
export function registerAuditCommands(program: Command): void {
  const audit = program.command('audit').description('verify and read the ledger; needs its files only, no gateway')
  audit
    .command('verify')
    .description('recompute the whole ledger and hold it against its signed checkpoints')
    .addOption(dirOption())
    .option(
      '--public-key <key>',
      'the key to trust: its text, or a file that holds it (default: the one in the folder)',
    )
    .option(
      '--checkpoint <file>',
      'a checkpoint kept elsewhere: the ledger must continue it (may be repeated)',
      gather,
      [],
    )
    .option('--transcripts <folder>', 'recordings to hold against the ledger (default: those beside it)')
    .option('--no-transcripts', 'leave recordings out')
    .addHelpText('after', VERIFY_EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const { verifyAudit } = await import('./audit/verify.ts')
      await verifyAudit(command.optsWithGlobals())
    })
  audit
    .command('export')
    .description('print entries as JSON lines, oldest first')
    .addOption(dirOption())
    .option('--from <index>', 'the first entry', count, 0)
    .option('--to <index>', 'the entry to stop before', count)
    .option('--since <time>', 'not before this time: 2026-07-28 or 2026-07-28T12:00:00Z', instant)
    .option('--until <time>', 'only before this time', instant)
    .option('--kind <kind>', 'only entries of this kind (may be repeated)', gather, [])
    .option('--session <id>', 'only entries of this session')
    .addHelpText('after', EXPORT_EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const { exportAudit } = await import('./audit/export.ts')
      await exportAudit(command.optsWithGlobals())
    })
  audit
    .command('checkpoint')
    .description('print the newest signed checkpoint: keep it where nobody who can change the ledger can change it')
    .addOption(dirOption())
    .option('--public-key', 'print the public key instead')
    .addHelpText('after', CHECKPOINT_EXAMPLES)
    .action(async (_options: object, command: Command) => {
      const { printCheckpoint } = await import('./audit/checkpoint.ts')
      printCheckpoint(command.optsWithGlobals())
    })
}

function dirOption(): Option {
  return new Option('--dir <folder>', 'the ledger, or the gateway’s data folder (default: SLUICE_DIR, then .sluice)')
}

function gather(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

function count(value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new InvalidArgumentError('It must be a number from 0.')
  return Number(value)
}

function instant(value: string): number {
  const ms = Date.parse(value)
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Write it like 2026-07-28 or 2026-07-28T12:00:00Z.')
  return ms
}
