import { compilePolicy, policyTests } from '../../policy/index.ts'
import { EXIT } from '../exit.ts'
import { paintFor } from '../paint.ts'
import { isTestFile, readPolicyFiles } from './files.ts'
import { namedFileWarnings } from './named-files.ts'
import { counted, formatProblems } from './print.ts'
import { problemsOf } from './problems.ts'

/** Prints everything that is wrong with the files, or what they hold. Sets exit code 1 when something is wrong. */
export function checkPolicy(paths: readonly string[], json: boolean): void {
  const files = readPolicyFiles(paths)
  const [policy, problems] = problemsOf(() => compilePolicy(files))
  for (const file of files.filter(isTestFile)) problems.push(...problemsOf(() => policyTests([file]))[1])
  const warnings = policy ? [...policy.warnings, ...namedFileWarnings(policy.resources, files)] : []
  process.exitCode = problems.length > 0 ? EXIT.failure : EXIT.ok
  if (json) {
    const holds = policy && {
      rules: policy.rules.length,
      resources: policy.resources.length,
      principals: policy.principals.size,
    }
    const report = {
      ok: problems.length === 0,
      version: policy?.version,
      files: files.length,
      ...holds,
      problems,
      warnings,
    }
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    return
  }
  const paint = paintFor(process.stdout)
  process.stdout.write(formatProblems(problems, paint, 'error') + formatProblems(warnings, paint, 'warning'))
  if (policy === undefined || problems.length > 0)
    process.stdout.write(paint.red(`${counted(problems.length, 'error')}\n`))
  else {
    const holds = [
      counted(policy.rules.length, 'rule'),
      counted(policy.resources.length, 'resource'),
      counted(policy.principals.size, 'principal'),
    ]
    process.stdout.write(
      `${paint.green('ok')}  ${holds.join(', ')} in ${counted(files.length, 'file')}; version ${policy.version.slice(0, 12)}\n`,
    )
  }
}
