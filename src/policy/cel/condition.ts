import { type ASTNode, EvaluationError, ParseError, type ParseResult } from '@marcbachmann/cel-js'
import { EFFECTS } from '../../model/effects.ts'
import { writeOneOf } from '../suggest.ts'
import { ENVIRONMENTS, LINEAR_MATCHES, type Part } from './environment.ts'
import { type ConditionProblem, lintTree } from './lint.ts'
import { walk } from './tree.ts'
import type { OperationView, PrincipalView, ResourceView, SessionView } from './views.ts'
import { FIELD_NAMES, VARIABLES } from './vocabulary.ts'

/** What a condition is evaluated against. */
export interface Frame {
  readonly principal: PrincipalView
  readonly resource: ResourceView
  readonly op: OperationView
  readonly session: SessionView
  readonly now: Date
  /** Of a trusted issuer's token: only `claims` conditions see it. */
  readonly claims?: Map<string, unknown>
}

/** A checked condition. */
export interface Condition {
  readonly part: Part
  readonly source: string
  readonly tree: ASTNode
  /** Throws when it cannot be evaluated; anything but a boolean counts as that. */
  holds(frame: Partial<Frame>): boolean
}

/** Any expression of a part, for showing its value: unchecked, and throwing where it cannot be evaluated. */
export function compileExpression(part: Part, source: string): (frame: Partial<Frame>) => unknown {
  const parsed = ENVIRONMENTS[part].environment.parse(source)
  useLinearMatches(parsed.ast)
  return (frame) => parsed(frame) as unknown
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
  const problems = lintTree(parsed.ast)
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
  if (variable !== undefined && (EFFECTS as readonly string[]).includes(variable))
    return `Write \`"${variable}"\`, in quotes.`
  if (variable !== undefined && variable in VARIABLES)
    return `\`${part}\` sees only ${variables.join(', ')}. Write this part in \`when\`.`
  if (variable !== undefined) return writeOneOf(variable, variables)
  const field = /^No such key: (\w+)/.exec(summary)?.[1]
  if (field !== undefined) return writeOneOf(field, FIELD_NAMES)
  const called = /^found no matching overload for '(?:Operation|TouchedObject|Command)\.(\w+)\(/.exec(summary)?.[1]
  if (called !== undefined)
    return 'Write `op.has("delete")`, `op.has(["delete", "grant"])` or `op.only(["read", "session"])`.'
  return 'Write values of the same type on both sides, and functions with the arguments they take.'
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
