import { statSync } from 'node:fs'
import { compilePolicy, explain, policyTests, principalOf } from '../../policy/index.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import { paintFor } from '../paint.ts'
import { createAnalyser } from './analyse.ts'
import { isTestFile, readPolicyFiles } from './files.ts'
import { formatExplanation, formatProblems } from './print.ts'
import { problemsOf } from './problems.ts'
import { declaredTables, parseTables } from './tables.ts'

export interface ExplainOptions {
  readonly as?: string
  readonly on: string
  readonly policy?: string[]
  readonly group?: string[]
  readonly onBehalfOf?: string
  readonly at?: number
  readonly table?: string[]
  readonly major: string
  readonly json?: boolean
}

/** Prints which rule decides a statement and which sub-expression settled it. Sets exit code 1 when the policy is not valid. */
export async function explainStatement(sql: string, options: ExplainOptions): Promise<void> {
  const as = principalId(options.as, '--as')
  const behind = options.onBehalfOf === undefined ? undefined : principalId(options.onBehalfOf, '--on-behalf-of')
  const files = readPolicyFiles(pathsOf(options))
  const [policy, problems] = problemsOf(() => compilePolicy(files))
  const [tests, wrong] = problemsOf(() => policyTests(files.filter(isTestFile)))
  if (policy === undefined || tests === undefined) {
    process.stderr.write(formatProblems([...problems, ...wrong], paintFor(process.stderr), 'error'))
    process.exitCode = EXIT.failure
    return
  }
  const resource = policy.resource(options.on)
  if (resource === undefined) {
    const known = policy.resources.map(({ name }) => name).join(', ')
    throw new CommandFailure(
      `There is no resource "${options.on}".`,
      EXIT.usage,
      known ? `Write one of ${known}.` : 'The policy has none.',
    )
  }
  const principal = principalOf(policy, {
    id: as,
    ...(options.group && { groups: options.group }),
    ...(behind && { actor: behind }),
  })
  const tables = { ...declaredTables(tests), ...parseTables(options.table ?? []) }
  const analyse = await createAnalyser(policy, tables, options.major)
  const operation = await analyse(sql, resource)
  const session = { id: 'explain', labelsRead: [], operations: 1, rows: 0, bytes: 0, inFlight: 0 }
  const now_ms = options.at ?? Date.now()
  const explanation = explain(policy, { principal, resource, operation, call: { text: sql }, session, now_ms })
  const tablesDeclared = Object.keys(tables).length > 0
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...explanation, tablesDeclared }, null, 2)}\n`)
    return
  }
  const paint = paintFor(process.stdout)
  const guessed = 'No table is declared, so every column may carry any label: see --table.\n'
  process.stdout.write((tablesDeclared ? '' : paint.yellow(guessed)) + formatExplanation(explanation, paint))
}

function principalId(text: string | undefined, option: string): string {
  if (text !== undefined && /^(human|agent|service):\S+$/.test(text)) return text
  const what = text === undefined ? `${option} is missing.` : `"${text}" is not a principal.`
  throw new CommandFailure(
    what,
    EXIT.usage,
    `Write \`${option} agent:triage-bot\`, \`human:ada\` or \`service:backup\`.`,
  )
}

function pathsOf({ policy }: ExplainOptions): readonly string[] {
  const paths =
    policy ?? ['policy', '.sluice/policy'].filter((path) => statSync(path, { throwIfNoEntry: false })).slice(0, 1)
  if (paths.length === 0) throw new CommandFailure('There is no policy here.', EXIT.usage, 'Name it: --policy PATH.')
  return paths
}
