import { type ASTNode, EvaluationError, ParseError, type ParseResult } from '@marcbachmann/cel-js'
import { EFFECTS } from '../../model/effects.ts'
import { writeOneOf } from '../suggest.ts'
import { ENVIRONMENTS, LINEAR_MATCHES, type Part } from './environment.ts'
import { compilePattern } from './pattern.ts'
import { pathOf, stringOf, walk } from './tree.ts'
import type { OperationView, PrincipalView, ResourceView, SessionView } from './views.ts'
import { FIELD_NAMES, VARIABLES } from './vocabulary.ts'

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
  if (variable !== undefined && (EFFECTS as readonly string[]).includes(variable))
    return `Write \`"${variable}"\`, in quotes.`
  if (variable !== undefined && variable in VARIABLES)
    return `\`${part}\` sees only ${variables.join(', ')}. Write this part in \`when\`.`
  if (variable !== undefined) return writeOneOf(variable, variables)
  const field = /^No such key: (\w+)/.exec(summary)?.[1]
  if (field !== undefined) return writeOneOf(field, FIELD_NAMES)
  const called = /^found no matching overload for '(?:Operation|TouchedObject)\.(\w+)\(/.exec(summary)?.[1]
  if (called !== undefined)
    return 'Write `op.has("delete")`, `op.has(["delete", "grant"])` or `op.only(["read", "session"])`.'
  return 'Write values of the same type on both sides, and functions with the arguments they take.'
}

/** The maps that read "" where they have no entry: presence cannot be asked of them. */
const DEFAULTED = /^(resource\.labels|principal\.claims|principal\.actor\.claims)(\.|$)/

const PARTIES = ['human', 'agent', 'service']
/** Fields with a closed vocabulary: a comparison with a word outside it would never hold, so it is a mistake. */
const VOCABULARY: Readonly<Record<string, readonly string[]>> = {
  'op.effects': EFFECTS,
  'op.confidence': ['exact', 'partial', 'opaque'],
  'op.shape': ['call', 'stream'],
  'op.facts.kind': ['sql'],
  'op.facts.dialect': ['postgres', 'mysql'],
  'principal.kind': PARTIES,
  'principal.actor.kind': [...PARTIES, ''],
}

function lint(root: ASTNode): ConditionProblem[] {
  const problems: ConditionProblem[] = []
  const report: Report = (node, message, remedy) => problems.push({ offset: node.range.start, message, remedy })
  walk(root, (node) => {
    if (node.op === '==' || node.op === '!=' || node.op === 'in') lintWords(node.args, report)
    if (node.op === 'in') lintPresence(node, node.args[1], report)
    if (node.op === 'call' && node.args[0] === 'has') lintPresence(node, node.args[1][0], report)
    if (node.op !== 'rcall') return
    const [name, , args] = node.args
    if (name === 'has' || name === 'only')
      for (const word of args.flatMap(literals)) lintWord(word, { words: EFFECTS, noun: 'an effect' }, report)
    if (name === 'matches') lintPattern(node, args, report)
    if (name === LINEAR_MATCHES) report(node, `There is no function ${LINEAR_MATCHES}.`, 'Write `matches`.')
  })
  return problems
}

function lintPresence(node: ASTNode, asked: ASTNode | undefined, report: Report): void {
  const path = asked && pathOf(asked)
  if (path === undefined || !DEFAULTED.test(path)) return
  report(
    node,
    `\`${path}\` cannot be asked for presence: what is missing reads as "".`,
    'Write `resource.labels.env != ""`.',
  )
}

function lintWords([left, right]: readonly [ASTNode, ASTNode], report: Report): void {
  for (const [field, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const path = pathOf(field)
    const words = path === undefined || !Object.hasOwn(VOCABULARY, path) ? undefined : VOCABULARY[path]
    if (words)
      for (const literal of literals(other)) lintWord(literal, { words, noun: `a value of \`${path}\`` }, report)
  }
}

interface Vocabulary {
  readonly words: readonly string[]
  readonly noun: string
}

function lintWord(node: ASTNode, { words, noun }: Vocabulary, report: Report): void {
  const word = stringOf(node)
  if (word !== undefined && !words.includes(word)) report(node, `"${word}" is not ${noun}.`, writeOneOf(word, words))
}

/** A literal, or the elements of a list. */
function literals(node: ASTNode): readonly ASTNode[] {
  return node.op === 'list' ? node.args : [node]
}

type Report = (node: ASTNode, message: string, remedy: string) => void

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
