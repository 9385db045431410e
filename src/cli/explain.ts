import { type Command, InvalidArgumentError } from 'commander'
import type { ExplainOptions } from './policy/explain.ts'

const EXAMPLES = `
Examples:
  sluice explain --as agent:triage-bot --on orders "DELETE FROM orders"
  sluice explain --as agent:triage-bot --for human:ada --on orders "SELECT email FROM customers"
  sluice explain --as agent:triage-bot --on orders --table "customers: id, name, email" "SELECT name FROM customers WHERE id = 1"
  sluice explain --as agent:triage-bot --on web-1 "find /var/log -name '*.gz' -delete"
  sluice explain --as human:eve --group dba --on orders --policy policy/ --at 2026-12-24T12:00:00Z "DROP TABLE orders"

Works on the files alone: no gateway and no target is asked. What the target holds is told by --table, and by \`tables:\` of *.test.yaml files
among the policy. Without either, every column may carry any label; the gateway itself reads the target's catalogue.
`

const gather = (text: string, all: string[] = []): string[] => [...all, text]

/** `sluice explain`: which rule decides a statement, and which sub-expression settled it. */
export function registerExplainCommand(program: Command): void {
  program
    .command('explain')
    .description('say which rule decides a statement or a command line, and why; needs no gateway')
    .argument('<text>', 'the statement; for a resource of the protocol ssh, the command line')
    .requiredOption('--on <resource>', 'the resource')
    .option(
      '--policy <path>',
      'policy file or folder; may be given several times (default: ./policy, then .sluice/policy)',
      gather,
    )
    .option('--group <name>', 'a group the identity provider puts the principal in; may be given several times', gather)
    .option('--table <name: columns>', 'a table of the target; may be given several times', gather)
    .option('--for <id>', 'whom it acts for, nearest first, such as human:ada; may be given several times', gather)
    .option('--at <time>', 'when it is asked, with offset (default: now)', instant)
    .option('--major <version>', 'PostgreSQL version whose grammar reads the statement', '17')
    .addHelpText('after', EXAMPLES)
    .action(async (text: string, _options: object, command: Command) => {
      const { explainStatement } = await import('./policy/explain.ts')
      await explainStatement(text, command.optsWithGlobals<ExplainOptions>())
    })
}

function instant(text: string): number {
  const at = /\d(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new InvalidArgumentError('Write it like 2026-12-24T12:00:00Z.')
  return at
}
