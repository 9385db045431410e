import { statSync } from 'node:fs'
import { effectNames } from '../../model/effects.ts'
import type { Operation } from '../../model/operation.ts'
import type { Principal } from '../../model/principal.ts'
import {
  type CompiledPolicy,
  compilePolicy,
  explain,
  type PolicyTest,
  policyTests,
  principalOf,
} from '../../policy/index.ts'
import { CommandFailure, EXIT, principalIdOf } from '../exit.ts'
import { paintFor, visible } from '../paint.ts'
import { createAnalyser } from './analyse.ts'
import { isTestFile, readPolicyFiles } from './files.ts'
import { formatExplanation, formatProblems, type ToldOperation } from './print.ts'
import { problemsOf } from './problems.ts'
import { declaredTables, parseTables } from './tables.ts'

export interface ExplainOptions {
  readonly as?: string
  readonly on: string
  readonly policy?: string[]
  readonly group?: string[]
  /** Whom it acts for, nearest first. */
  readonly for?: string[]
  readonly at?: number
  readonly table?: string[]
  readonly major: string
  readonly json?: boolean
}

/** Prints which rule decides a statement or a command line, and which sub-expression settled it. Sets exit code 1 when the policy is not valid. */
export async function explainStatement(text: string, options: ExplainOptions): Promise<void> {
  if (options.as === undefined)
    throw new CommandFailure('--as is missing.', EXIT.usage, 'Write `--as agent:triage-bot` or `--as human:ada`.')
  const as = principalIdOf(options.as)
  const behind = (options.for ?? []).map(principalIdOf)
  const files = readPolicyFiles(pathsOf(options))
  const [policy, problems] = problemsOf(() => compilePolicy(files))
  // Each file by itself: two may set the same scene.
  const tests: PolicyTest[] = []
  for (const file of files.filter(isTestFile)) {
    const [found, wrong] = problemsOf(() => policyTests([file]))
    tests.push(...(found ?? []))
    problems.push(...wrong)
  }
  if (policy === undefined || problems.length > 0) {
    process.stderr.write(formatProblems(problems, paintFor(process.stderr), 'error'))
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
  const principal = chainOf(policy, { as, behind, groups: options.group })
  const tables = { ...declaredTables(tests), ...parseTables(options.table ?? []) }
  const analyse = await createAnalyser(policy, tables, options.major)
  const operation = await analyse(text, resource)
  const session = { id: 'explain', labelsRead: [], operations: 1, rows: 0, bytes: 0, inFlight: 0 }
  const now_ms = options.at ?? Date.now()
  const explanation = explain(policy, { principal, resource, operation, call: { text }, session, now_ms })
  const tablesDeclared = Object.keys(tables).length > 0
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ ...explanation, operation: toldOf(operation), tablesDeclared }, null, 2)}\n`,
    )
    return
  }
  const paint = paintFor(process.stdout)
  const stranger = policy.principals.has(as) ? '' : `No document names ${visible(as)}: no token can be issued to it.\n`
  const guessed = 'No table is declared, so every column may carry any label: see --table.\n'
  process.stdout.write(
    paint.yellow(stranger + undelegated(policy, principal)) +
      (tablesDeclared || resource.protocol === 'ssh' ? '' : paint.yellow(guessed)) +
      formatExplanation(explanation, paint, toldOf(operation)),
  )
}

/** What an operation was taken for, and why of it something is not known. */
function toldOf({ verb, effects, facts, confidence }: Operation): ToldOperation {
  const reasons =
    facts.kind === 'shell'
      ? facts.reasons
      : facts.kind === 'sql'
        ? facts.functions.map((name) => `the function ${name} is not known to be harmless`)
        : []
  return { verb, effects: effectNames(effects), confidence, reasons }
}

interface Chain {
  readonly as: string
  readonly behind: readonly string[]
  readonly groups: readonly string[] | undefined
}

/** The one who acts with everyone behind it, as a token would name them. */
function chainOf(policy: CompiledPolicy, { as, behind, groups }: Chain): Principal {
  let actor: Principal | undefined
  for (const id of behind.toReversed()) actor = { ...principalOf(policy, id), ...(actor && { actor }) }
  return { ...principalOf(policy, { id: as, ...(groups && { groups: [...groups] }) }), ...(actor && { actor }) }
}

/** What no token would be issued for: an agent whose document does not list whom it acts for. */
function undelegated(policy: CompiledPolicy, principal: Principal): string {
  const { actor } = principal
  if (actor === undefined) return ''
  const delegators = policy.principals.get(principal.id)?.delegators ?? []
  const groups = policy.groupsOf(actor).map((group) => `group:${group}`)
  const listed = delegators.some((by) => by === actor.id || groups.includes(by))
  const told = `The document of ${visible(principal.id)} does not list ${visible(actor.id)} among its delegators: no token can be issued.\n`
  return (listed ? '' : told) + undelegated(policy, actor)
}

function pathsOf({ policy }: ExplainOptions): readonly string[] {
  const paths =
    policy ?? ['policy', '.sluice/policy'].filter((path) => statSync(path, { throwIfNoEntry: false })).slice(0, 1)
  if (paths.length === 0) throw new CommandFailure('There is no policy here.', EXIT.usage, 'Name it: --policy PATH.')
  return paths
}
