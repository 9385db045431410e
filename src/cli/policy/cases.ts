import {
  type CaseResult,
  compilePolicy,
  type PolicyFile,
  type Problem,
  policyTests,
  runPolicyTests,
} from '../../policy/index.ts'
import { CommandFailure, EXIT } from '../exit.ts'
import { paintFor } from '../paint.ts'
import { createAnalyser } from './analyse.ts'
import { besideTest, isTestFile, readPolicyFiles } from './files.ts'
import { formatCases, formatProblems } from './print.ts'
import { problemsOf } from './problems.ts'
import { declaredTables } from './tables.ts'

interface Ran {
  readonly results: readonly CaseResult[]
  readonly problems: readonly Problem[]
}

/** Runs the cases of every *.test.yaml among the paths and prints them. Sets exit code 1 when one fails or none ran. */
export async function testPolicy(
  paths: readonly string[],
  { major, json }: { major: string; json: boolean },
): Promise<void> {
  const files = readPolicyFiles(paths)
  const tests = files.filter(isTestFile)
  if (tests.length === 0)
    throw new CommandFailure(
      'There is no *.test.yaml file among the paths.',
      EXIT.usage,
      'Write one: see `policies/` for examples.',
    )
  const rest = files.filter((file) => !isTestFile(file))
  const ran: Ran[] = []
  for (const file of tests) ran.push(await runFile(file, rest, major))
  const results = ran.flatMap((each) => each.results)
  const problems = ran.flatMap((each) => each.problems)
  const ok = problems.length === 0 && results.length > 0 && results.every((result) => result.failures.length === 0)
  process.exitCode = ok ? EXIT.ok : EXIT.failure
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok, problems, cases: results }, null, 2)}\n`)
    return
  }
  const paint = paintFor(process.stdout)
  process.stdout.write(formatProblems(problems, paint, 'error') + formatCases(results, paint))
}

async function runFile(file: PolicyFile, rest: readonly PolicyFile[], major: string): Promise<Ran> {
  const [tests, wrong] = problemsOf(() => policyTests([file]))
  if (tests === undefined) return { results: [], problems: wrong }
  const uses = tests.flatMap(({ body }) => body.uses ?? [])
  const under = (uses.length > 0 ? besideTest(file, uses) : rest).filter((each) => !isTestFile(each))
  const [policy, problems] = problemsOf(() => compilePolicy([...under, file], { withTests: true }))
  if (policy === undefined) return { results: [], problems }
  return {
    results: await runPolicyTests(policy, tests, await createAnalyser(policy, declaredTables(tests), major)),
    problems,
  }
}
