import type { CaseResult, Explanation, PartExplanation, Problem, RuleExplanation } from '../../policy/index.ts'
import { type Paint, visible } from '../paint.ts'

/** `1 rule`, `2 rules`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** `file:line:column: what is wrong. Write …`, the place dim. */
export function formatProblems(problems: readonly Problem[], paint: Paint, word: 'error' | 'warning'): string {
  const mark = word === 'error' ? paint.red('error') : paint.yellow('warning')
  return problems
    .map(({ file, line, column, message, remedy }) =>
      `${paint.dim(`${visible(file)}:${line}:${column}:`)} ${mark} ${visible(message)} ${visible(remedy)}`.trimEnd(),
    )
    .map((text) => `${text}\n`)
    .join('')
}

/** One line per case, failures spelt out, and the count. */
export function formatCases(results: readonly CaseResult[], paint: Paint): string {
  const lines: string[] = []
  let file = ''
  for (const result of results) {
    if (result.file !== file) {
      file = result.file
      lines.push(paint.bold(visible(file)))
    }
    const passed = result.failures.length === 0
    lines.push(
      `  ${passed ? paint.green('✓') : paint.red('✗')} ${visible(result.name)}${passed ? '' : paint.dim(`  line ${result.line}`)}`,
    )
    for (const failure of result.failures) lines.push(`      ${visible(failure)}`)
  }
  const failed = results.filter((result) => result.failures.length > 0).length
  const count = counted(results.length, 'case')
  lines.push(failed === 0 ? paint.green(`${count}, all pass`) : paint.red(`${count}, ${failed} failed`))
  return `${lines.join('\n')}\n`
}

/** What a text was taken for. */
export interface ToldOperation {
  readonly verb: string
  readonly effects: readonly string[]
  readonly confidence: string
  /** Why something of it is not known. */
  readonly reasons: readonly string[]
}

/** Which rule decided, and which sub-expression settled each rule that came into question. */
export function formatExplanation(
  { decision, mayOpen, parties }: Explanation,
  paint: Paint,
  operation: ToldOperation,
): string {
  const colour = { allow: paint.green, approve: paint.yellow, deny: paint.red }[decision.outcome]
  const lines = [
    `${colour(decision.outcome)}  ${decision.rule ? `by ${paint.bold(visible(decision.rule))}` : 'no rule'}  ${paint.dim(decision.reason)}`,
  ]
  if (decision.message) lines.push(`  ${visible(decision.message)} ${paint.dim(visible(decision.hint))}`.trimEnd())
  for (const terms of decision.approvals)
    lines.push(`  asks ${terms.count} of ${terms.by.map(visible).join(', ')} (${visible(terms.rule)})`)
  lines.push(`  does ${operation.effects.join(', ') || 'nothing'}`)
  for (const reason of operation.reasons) lines.push(paint.yellow(`  not known: ${visible(reason)}`))
  const { mask, ...limits } = decision.obligations
  for (const duty of mask) lines.push(`  masks ${duty.labels.map(visible).join(', ')} with ${duty.with}`)
  for (const [name, value] of Object.entries(limits)) lines.push(`  ${name} ${value}`)
  for (const { rule, outcome } of decision.shadow)
    lines.push(paint.yellow(`  in shadow: ${visible(rule)} would have said ${outcome}`))
  if (!mayOpen) lines.push(paint.yellow('  and may not open the resource at all: no rule could ever say yes'))
  for (const { principal, groups, rules } of parties) {
    lines.push(
      '',
      `${paint.bold(visible(principal))}${groups.length > 0 ? ` in ${groups.map(visible).join(', ')}` : ''}`,
    )
    for (const rule of rules) lines.push(...ruleLines(rule, paint))
  }
  return `${lines.join('\n')}\n`
}

function ruleLines({ rule, kind, outcome, mode, state, parts }: RuleExplanation, paint: Paint): string[] {
  const mark = { matched: paint.green('matched'), unmatched: paint.dim('no match'), error: paint.red('error') }[state]
  const what = `${kind === 'Rule' ? '' : `${kind} `}${outcome}${mode === 'shadow' ? ', shadow' : ''}`
  const lines = [`  ${mark}  ${visible(rule)} ${paint.dim(`(${what})`)}`]
  // What did not match is settled by its first false part; the others do not matter.
  const telling = state === 'unmatched' ? parts.filter((part) => part.state === 'false').slice(0, 1) : parts
  return lines.concat(telling.flatMap((part) => partLines(part, paint)))
}

function partLines({ part, source, state, error, because }: PartExplanation, paint: Paint): string[] {
  if (state === 'error') return [`      ${part}: ${visible(error)}`]
  if (because.length === 0 || source === 'true')
    return source === 'true' ? [] : [`      ${part}: ${visible(source)} is ${state}`]
  return because.map(({ source: leaf, value, saw }) => {
    const seen = saw.length > 0 ? paint.dim(`  ${saw.map(visible).join('; ')}`) : ''
    return `      ${part}: ${visible(leaf)} is ${value}${seen}`
  })
}
