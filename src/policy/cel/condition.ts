import { type ASTNode, EvaluationError, ParseError, type ParseResult } from '@marcbachmann/cel-js'
import { EFFECTS } from '../../model/effects.ts'
import { writeOneOf } from '../suggest.ts'
import { ENVIRONMENTS, LINEAR_MATCHES, type Part, TYPES, VARIABLES } from './environment.ts'
import { compilePattern } from './pattern.ts'
import { pathOf, stringOf, walk } from './tree.ts'
import type { OperationView, PrincipalView, ResourceView, SessionView } from './views.ts'

/** What a condition is evaluated against. */
export interface Frame {
  readonly principal: PrincipalView
  readonly resource: ResourceView
  readonly op: OperationView
  readonly session: SessionView
  readonly now: Date
}

/** A checked condition. */
export interface Condition {
  readonly part: Part
  readonly source: string
  readonly tree: ASTNode
  /** Throws when it cannot be evaluated; anything but a boolean counts as that. */
  holds(frame: Partial<Frame>): boolean
}

/** What is wrong with a condition, with the character it starts at, from 0. */
export interface ConditionProblem {
  readonly offset: number
  readonly message: string
  readonly remedy: string
}

/** Parses, type-checks and lints one condition. Returns it, or everything found wrong with it. */
export function compileCondition(part: Part, source: string): Condition | readonly ConditionProblem[] {
  const { environment } = ENVIRONMENTS[part]
  let parsed: ParseResult
  try {
    parsed = environment.parse(source)
  } catch (thrown) {
    return [syntaxProblem(thrown)]
  }
  const problems = lint(parsed.ast)
  useLinearMatches(parsed.ast)
  const checked = parsed.check()
  if (!checked.valid) return [...problems, typeProblem(part, checked.error)]
  if (problems.length > 0) return problems
  if (checked.type !== 'bool') {
    return [
      { offset: 0, message: `The condition is a ${checked.type}, not true or false.`, remedy: 'Write a comparison.' },
    ]
  }
  const holds = (frame: Partial<Frame>): boolean => {
    const answer: unknown = parsed(frame)
    if (typeof answer !== 'boolean') throw new EvaluationError('the condition is not true or false')
    return answer
  }
  return { part, source, tree: parsed.ast, holds }
}

function syntaxProblem(thrown: unknown): ConditionProblem {
  const known = thrown instanceof ParseError
  const message = known ? thrown.summary : String(thrown instanceof Error ? thrown.message : thrown)
  return {
    offset: (known && thrown.range?.start) || 0,
    message: `Not a condition: ${message}.`,
    remedy: 'Write CEL, such as `op.has("delete")`.',
  }
}

function typeProblem(part: Part, error: { summary: string; range?: { start: number } } | undefined): ConditionProblem {
  const summary = error?.summary ?? 'the types do not fit'
  return { offset: error?.range?.start ?? 0, message: `${summary}.`, remedy: typeRemedy(part, summary) }
}

function typeRemedy(part: Part, summary: string): string {
  const variable = /^Unknown variable: (\w+)/.exec(summary)?.[1]
  const { variables } = ENVIRONMENTS[part]
  if (variable !== undefined && variable in VARIABLES)
    return `\`${part}\` sees only ${variables.join(', ')}. Write this part in \`when\`.`
  if (variable !== undefined) return writeOneOf(variable, variables)
  const field = /^No such key: (\w+)/.exec(summary)?.[1]
  if (field !== undefined)
    return writeOneOf(field, [...new Set(Object.values(TYPES).flatMap((type) => Object.keys(type.fields)))])
  return 'Write values of the same type on both sides, and functions with the arguments they take.'
}

/** The maps that read "" where they have no entry: presence cannot be asked of them. */
const DEFAULTED = /^(resource\.labels|principal\.claims|principal\.actor\.claims)(\.|$)/

function lint(root: ASTNode): ConditionProblem[] {
  const problems: ConditionProblem[] = []
  const report = (node: ASTNode, message: string, remedy: string) =>
    problems.push({ offset: node.range.start, message, remedy })
  walk(root, (node) => {
    if (node.op === 'rcall' && (node.args[0] === 'has' || node.args[0] === 'only')) lintEffects(node.args[2], report)
    if (node.op === 'rcall' && node.args[0] === 'matches') lintPattern(node, node.args[2], report)
    if (node.op === 'rcall' && node.args[0] === LINEAR_MATCHES)
      report(node, `There is no function ${LINEAR_MATCHES}.`, 'Write `matches`.')
    const asked =
      node.op === 'in' ? node.args[1] : node.op === 'call' && node.args[0] === 'has' ? node.args[1][0] : undefined
    const path = asked && pathOf(asked)
    if (path !== undefined && DEFAULTED.test(path)) {
      report(
        node,
        `\`${path}\` cannot be asked for presence: what is missing reads as "".`,
        'Write `resource.labels.env != ""`.',
      )
    }
  })
  return problems
}

type Report = (node: ASTNode, message: string, remedy: string) => void

function lintEffects(args: readonly ASTNode[], report: Report): void {
  const words = args.flatMap((arg) => (arg.op === 'list' ? arg.args : [arg]))
  for (const node of words) {
    const word = stringOf(node)
    if (word !== undefined && !(EFFECTS as readonly string[]).includes(word)) {
      report(node, `"${word}" is not an effect.`, writeOneOf(word, EFFECTS))
    }
  }
}

function lintPattern(call: ASTNode, args: readonly ASTNode[], report: Report): void {
  const pattern = stringOf(args[0])
  if (pattern === undefined) {
    report(
      call,
      '`matches` takes a pattern written out.',
      'Write the pattern as a literal: `op.text.matches("^DROP ")`.',
    )
    return
  }
  try {
    compilePattern(pattern)
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown)
    report(args[0]!, `Not a pattern: ${message}.`, 'Write RE2 syntax: no look-around, no back-references.')
  }
}

/** Sends `matches` to the linear engine; the library's own would let a pattern stall the process. */
function useLinearMatches(root: ASTNode): void {
  walk(root, (node) => {
    if (node.op === 'rcall' && node.args[0] === 'matches') (node.args as unknown as string[])[0] = LINEAR_MATCHES
  })
}

/** True when the value is a compiled condition rather than its problems. */
export function isCondition(value: Condition | readonly ConditionProblem[]): value is Condition {
  return 'holds' in value
}
