import type { Command } from 'commander'
import { registerExplainCommand } from './explain.ts'

const CHECK_EXAMPLES = `
Examples:
  sluice policy check policy/
  sluice policy check --json rules.yaml people.yaml

Exit code 1 when something is wrong. A file that a resource names and that is not on this machine is a warning.
`

const TEST_EXAMPLES = `
Examples:
  sluice policy test policy/
  sluice policy test policy/agents.test.yaml --major 15

A test without \`uses:\` runs against every policy file among the paths. Exit code 1 when a case fails.
`

const SCHEMA_EXAMPLES = `
Examples:
  sluice policy schema > policy-schema.json
  sluice policy schema Rule
`

/** `sluice policy check | test | schema` and `sluice explain`: they read files and need no gateway. What they stand on is loaded only when they run. */
export function registerPolicyCommands(program: Command): void {
  const policy = program.command('policy').description('check, test and describe policy files; needs no gateway')
  policy
    .command('check')
    .description('say everything that is wrong with policy files, by file, line and column')
    .argument('<path...>', 'policy files, or folders of them')
    .addHelpText('after', CHECK_EXAMPLES)
    .action(async (paths: string[], _options: object, command: Command) => {
      const { checkPolicy } = await import('./policy/check.ts')
      checkPolicy(paths, isJson(command))
    })
  policy
    .command('test')
    .description('run the cases of *.test.yaml files against the policy they use')
    .argument('<path...>', 'test files, policy files, or folders of them')
    .option('--major <version>', 'PostgreSQL version whose grammar reads the statements', '17')
    .addHelpText('after', TEST_EXAMPLES)
    .action(async (paths: string[], { major }: { major: string }, command: Command) => {
      const { testPolicy } = await import('./policy/cases.ts')
      await testPolicy(paths, { major, json: isJson(command) })
    })
  policy
    .command('schema')
    .description('print the JSON Schema of policy documents, for editors')
    .argument('[kind]', 'Resource, Rule, Classification …; default: any document')
    .addHelpText('after', SCHEMA_EXAMPLES)
    .action(async (kind: string | undefined) => {
      const { printSchema } = await import('./policy/schema.ts')
      printSchema(kind)
    })
  registerExplainCommand(program)
}

function isJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true
}
