import type { Decision } from '../model/decision.ts'
import type { DecisionRequest } from '../model/ports.ts'
import { actorChain, type Principal } from '../model/principal.ts'
import { errorText } from './candidates.ts'
import { ANY_EFFECTS } from './cel/analysis.ts'
import { type Condition, compileExpression, type Frame } from './cel/condition.ts'
import type { Part } from './cel/environment.ts'
import { type ASTNode, children, pathOf } from './cel/tree.ts'
import { ObjectView, OperationView, OtherKind, PrincipalView, ResourceView, SessionView } from './cel/views.ts'
import { VARIABLES } from './cel/vocabulary.ts'
import type { CompiledPolicy } from './compile.ts'
import type { CompiledRule, RuleOutcome } from './rule.ts'

/** A sub-expression that settled a condition, and the values it saw. */
export interface Reason {
  readonly source: string
  /** `true`, `false`, or the error. */
  readonly value: string
  /** `resource.labels.env = "staging"`. */
  readonly saw: readonly string[]
}

export interface PartExplanation {
  /** `window`: what a Freeze or a Budget asks beyond its conditions. */
  readonly part: Part | 'window'
  readonly source: string
  readonly state: 'true' | 'false' | 'error'
  readonly error: string
  readonly because: readonly Reason[]
}

export interface RuleExplanation {
  readonly rule: string
  readonly kind: CompiledRule['kind']
  readonly outcome: RuleOutcome
  readonly mode: 'enforce' | 'shadow'
  readonly state: 'matched' | 'unmatched' | 'error'
  readonly parts: readonly PartExplanation[]
}

export interface Explanation {
  readonly decision: Decision
  readonly mayOpen: boolean
  /** The one who acts and everyone it acts for: each must be allowed. */
  readonly parties: readonly {
    readonly principal: string
    readonly groups: readonly string[]
    readonly rules: readonly RuleExplanation[]
  }[]
}

/** Why policy decides a request as it does: every rule, and which sub-expression settled each of its conditions. */
export function explain(policy: CompiledPolicy, request: DecisionRequest): Explanation {
  const parties = actorChain(request.principal).map((principal) => {
    const frame = frameOf(policy, principal, request)
    return {
      principal: principal.id,
      groups: frame.principal.groups,
      rules: policy.rules.map((rule) => explainRule(rule, frame, request)),
    }
  })
  return { decision: policy.decide(request), mayOpen: policy.mayOpen(request.principal, request.resource), parties }
}

function frameOf(policy: CompiledPolicy, principal: Principal, request: DecisionRequest): Frame {
  const op = new OperationView()
  op.operation = request.operation
  op.text = request.call.text
  const session = new SessionView()
  session.session = request.session
  const party = new PrincipalView(principal, (each) => policy.groupsOf(each))
  return { principal: party, resource: new ResourceView(request.resource), op, session, now: new Date(request.now_ms) }
}

function explainRule(rule: CompiledRule, frame: Frame, request: DecisionRequest): RuleExplanation {
  const parts = [rule.who, rule.on, rule.when].flatMap((condition) =>
    condition ? [explainPart(condition, frame)] : [],
  )
  if (rule.applies) parts.push(explainWindow(rule, frame, request))
  const state = parts.some((part) => part.state === 'false')
    ? 'unmatched'
    : parts.some((part) => part.state === 'error')
      ? 'error'
      : 'matched'
  return {
    rule: rule.name,
    kind: rule.kind,
    outcome: rule.outcome,
    mode: rule.shadow ? 'shadow' : 'enforce',
    state,
    parts,
  }
}

function explainWindow(rule: CompiledRule, frame: Frame, request: DecisionRequest): PartExplanation {
  const part = {
    part: 'window',
    source: rule.kind === 'Freeze' ? 'frozen now, and nobody excepted' : 'the budget is used up',
    because: [],
  } as const
  // Effects are asked before anything else when deciding; a Freeze names them instead of a condition.
  if (rule.needs !== ANY_EFFECTS && (rule.needs & request.operation.effects) === 0)
    return { ...part, state: 'false', error: '' }
  try {
    return { ...part, state: rule.applies!(request, frame) ? 'true' : 'false', error: '' }
  } catch (thrown) {
    return { ...part, state: 'error', error: errorText(thrown) }
  }
}

function explainPart(condition: Condition, frame: Frame): PartExplanation {
  const { part, source, tree } = condition
  try {
    const holds = condition.holds(frame)
    return { part, source, state: holds ? 'true' : 'false', error: '', because: settledBy(tree, { part, frame }) }
  } catch (thrown) {
    const state = thrown instanceof OtherKind ? 'false' : 'error'
    return {
      part,
      source,
      state,
      error: state === 'error' ? errorText(thrown) : '',
      because: settledBy(tree, { part, frame }),
    }
  }
}

interface Scope {
  readonly part: Part
  readonly frame: Frame
}

/** The leaves of the boolean tree that settled its value. */
function settledBy(node: ASTNode, scope: Scope): readonly Reason[] {
  if (node.op === '&&' || node.op === '||') {
    const settling = node.op === '||'
    const [left, right] = node.args
    const values = [value(left, scope), value(right, scope)]
    // One operand that settles it is enough; without one, all of them did.
    if (values[0] === settling) return settledBy(left, scope)
    if (values[1] === settling) return settledBy(right, scope)
    return [...settledBy(left, scope), ...settledBy(right, scope)]
  }
  if (node.op === '!_') return settledBy(node.args, scope)
  if (node.op === '?:') {
    const [condition, yes, no] = node.args
    const chosen = value(condition, scope)
    const branch = chosen === true ? settledBy(yes, scope) : chosen === false ? settledBy(no, scope) : []
    return [...settledBy(condition, scope), ...branch]
  }
  return [{ source: textOf(node), value: show(value(node, scope)), saw: [...seenBy(node, scope)] }]
}

const NAMES = Object.keys(VARIABLES)

/** The fields a leaf read, each once, with their values. */
function seenBy(node: ASTNode, scope: Scope, seen = new Set<string>()): ReadonlySet<string> {
  const path = pathOf(node)
  if (path !== undefined && NAMES.includes(path.split('.')[0]!)) {
    // `op` alone is the receiver of has() and only(): its effects are what they ask.
    if (path === 'op') seen.add(`op.effects = ${show(scope.frame.op.effects)}`)
    else seen.add(`${path} = ${show(value(node, scope))}`)
    return seen
  }
  for (const child of children(node)) seenBy(child, scope, seen)
  return seen
}

function value(node: ASTNode, { part, frame }: Scope): unknown {
  try {
    return compileExpression(part, textOf(node))(frame)
  } catch (thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown))
  }
}

function textOf(node: ASTNode): string {
  return node.input.slice(node.range.start, node.range.end)
}

/** A value as the conditions' own language writes it, at most 200 characters. */
function show(seen: unknown): string {
  const text = written(seen)
  return text.length > 200 ? `${text.slice(0, 199)}…` : text
}

function written(seen: unknown): string {
  if (seen instanceof Error) return `error: ${errorText(seen)}`
  if (typeof seen === 'string') return JSON.stringify(seen)
  if (Array.isArray(seen)) return `[${seen.slice(0, 20).map(written).join(', ')}${seen.length > 20 ? ', …' : ''}]`
  if (seen instanceof ObjectView) return `${seen.kind} ${seen.name}`
  if (seen instanceof Date) return seen.toISOString()
  if (seen instanceof Map) return `{${[...seen].map(([key, each]) => `${key}: ${written(each)}`).join(', ')}}`
  return typeof seen === 'object' && seen !== null ? '…' : String(seen)
}
