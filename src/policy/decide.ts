import { CATALOGUE, type ErrorCode } from '../kit/catalogue.ts'
import { type ApprovalTerms, type Decision, NO_OBLIGATIONS, type Obligations, type Outcome } from '../model/decision.ts'
import { effects, onlyEffects } from '../model/effects.ts'
import type { DecisionRequest } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import { scopeCovers } from '../model/scope.ts'
import type { Account } from '../model/spending.ts'
import { usedOf } from './budget.ts'
import { type Candidate, errorText, type Plan, type RuleIndex } from './candidates.ts'
import { ANY_EFFECTS } from './cel/analysis.ts'
import type { Frame } from './cel/condition.ts'
import { beginPatternWork, endPatternWork, patternWorkIsSpent } from './cel/pattern.ts'
import { OperationView, OtherKind, type PrincipalView, type ResourceView, SessionView } from './cel/views.ts'
import { bothObligations } from './obligations.ts'
import type { CompiledRule } from './rule.ts'

const READ_ONLY = effects('read', 'session')
/** A longer chain of delegation than this is refused, not followed. */
const CHAIN_LIMIT = 8
const BEYOND_READING = {
  message: 'This access is read-only.',
  hint: 'Read, or ask for access that may change things.',
}
const NOTHING: readonly never[] = Object.freeze([])

/** The frame of the decision at hand. Deciding is synchronous and never nests, so one serves all. */
class LiveFrame implements Frame {
  principal!: PrincipalView
  resource!: ResourceView
  readonly op = new OperationView()
  readonly session = new SessionView()
  now_ms = 0
  get now(): Date {
    return new Date(this.now_ms)
  }
  point(plan: Plan, request: DecisionRequest): this {
    this.principal = plan.principal
    this.resource = plan.resource
    this.op.operation = request.operation
    this.op.text = request.call.text
    this.session.session = request.session
    this.now_ms = request.now_ms
    return this
  }
}

/** A rule in shadow mode that matched, or could not be evaluated. */
interface Shadowed {
  readonly rule: CompiledRule
  readonly failed: boolean
}

/** What the rules said, before it is weighed. */
interface Tally {
  readonly matched: CompiledRule[]
  readonly shadow: Shadowed[]
  failed: CompiledRule | undefined
  cacheable: boolean
  /** Budgets that have something left. */
  accounts: Account[] | undefined
  /** Rows the tightest of them has left. */
  rowsLeft: number
}

/** Weighs rules into decisions (design §7). Pure: the same request under the same rules gives the same decision. */
export class Decider {
  readonly #index: RuleIndex
  readonly #version: string
  readonly #frame = new LiveFrame()
  constructor(index: RuleIndex, version: string) {
    this.#index = index
    this.#version = version
  }

  /** Never throws: what cannot be evaluated is refused with `policy.error`. */
  decide(request: DecisionRequest): Decision {
    beginPatternWork()
    try {
      const { scope } = request.principal
      if (scope !== undefined && !scopeCovers(scope, request.resource.name, request.operation.effects))
        return this.#verdict({ outcome: 'deny', reason: 'delegation.scope', cacheable: true })
      const own = this.#decideFor(request.principal, request)
      return request.principal.actor === undefined ? own : this.#intersect(own, request)
    } catch {
      return this.#verdict({ outcome: 'deny', reason: 'policy.error' })
    } finally {
      endPatternWork()
    }
  }

  /** Whoever acts for another may do no more than they may: every party of the chain must be allowed (design §1.6). */
  #intersect(own: Decision, request: DecisionRequest): Decision {
    let decision = own
    let depth = 1
    for (let party = request.principal.actor; party !== undefined; party = party.actor) {
      depth += 1
      if (depth > CHAIN_LIMIT)
        return this.#verdict({ outcome: 'deny', reason: 'policy.error', hint: 'The chain of delegation is too long.' })
      decision = bothDecisions(decision, this.#decideFor(party, request), party)
    }
    return decision
  }

  #decideFor(principal: Principal, request: DecisionRequest): Decision {
    const plan = this.#index.plan(principal, request.resource)
    if (plan.outside) return this.#verdict({ outcome: 'deny', reason: 'delegation.environment', cacheable: true })
    const tally = this.#tally(plan.candidates, this.#frame.point(plan, request), request)
    const decision = this.#weigh(tally, request)
    if (tally.shadow.length === 0) return decision
    return { ...decision, shadow: differing(decision, tally.shadow, request) }
  }

  #tally(candidates: readonly Candidate[], frame: Frame, request: DecisionRequest): Tally {
    const tally: Tally = {
      matched: [],
      shadow: [],
      failed: undefined,
      cacheable: true,
      accounts: undefined,
      rowsLeft: Infinity,
    }
    const set = request.operation.effects
    for (const { rule, broken } of candidates) {
      if (rule.needs !== ANY_EFFECTS && (rule.needs & set) === 0) continue
      if (rule.volatile) tally.cacheable = false
      const error = holds(rule, frame, request)
      if (patternWorkIsSpent()) {
        tally.failed = rule
        break
      }
      if (error === undefined) {
        if (rule.budget) drawOn(rule.budget, tally, { frame, request })
        continue
      }
      const failed = error !== '' || broken !== ''
      if (rule.shadow) tally.shadow.push({ rule, failed })
      else if (failed) tally.failed ??= rule
      else tally.matched.push(rule)
    }
    return tally
  }

  #weigh({ matched, failed, cacheable, accounts, rowsLeft }: Tally, { operation }: DecisionRequest): Decision {
    const all = { matched, cacheable }
    const denying = strictest(matched, 'deny')
    if (denying) return this.#verdict({ ...all, outcome: 'deny', reason: 'policy.denied', rule: denying })
    if (failed)
      return this.#verdict({
        ...all,
        outcome: 'deny',
        reason: 'policy.error',
        rule: failed,
        matched: [failed, ...matched],
      })
    const asking = strictest(matched, 'approve')
    const granting = asking ?? strictest(matched, 'allow')
    if (granting === undefined) return this.#verdict({ ...all, outcome: 'deny', reason: 'policy.default' })
    let obligations: Obligations = NO_OBLIGATIONS
    for (const rule of matched) obligations = bothObligations(obligations, rule.obligations)
    if (obligations.readOnly && !onlyEffects(operation.effects, READ_ONLY)) {
      const rule = matched.find((each) => each.obligations.readOnly)!
      return this.#verdict({ ...all, ...BEYOND_READING, outcome: 'deny', reason: 'policy.denied', rule })
    }
    if (rowsLeft !== Infinity && operation.facts.kind === 'sql')
      obligations = bothObligations(obligations, { mask: [], rows: rowsLeft })
    const granted = { ...all, rule: granting, obligations, ...(accounts && { accounts }) }
    if (asking === undefined) return this.#verdict({ ...granted, outcome: 'allow', reason: 'policy.allowed' })
    const approvals = matched.flatMap((rule) => (rule.outcome === 'approve' && rule.approval ? [rule.approval] : []))
    return this.#verdict({ ...granted, outcome: 'approve', reason: 'approval.pending', approvals })
  }

  #verdict(made: Verdict): Decision {
    const { rule, reason, matched = NOTHING } = made
    return {
      outcome: made.outcome,
      reason,
      rule: rule?.name ?? '',
      matched: namesWithFirst(rule, matched),
      message: made.message || rule?.say || CATALOGUE[reason].message,
      hint: made.hint || rule?.hint || CATALOGUE[reason].remedy,
      obligations: made.obligations ?? NO_OBLIGATIONS,
      approvals: made.approvals ?? NOTHING,
      policy: this.#version,
      cacheable: made.cacheable ?? false,
      shadow: NOTHING,
      ...(made.accounts && { accounts: made.accounts }),
    }
  }
}

interface Verdict {
  readonly outcome: Outcome
  readonly reason: ErrorCode
  readonly rule?: CompiledRule
  readonly matched?: readonly CompiledRule[]
  readonly cacheable?: boolean
  readonly message?: string
  readonly hint?: string
  readonly obligations?: Obligations
  readonly approvals?: readonly ApprovalTerms[]
  readonly accounts?: readonly Account[]
}

/** Notes where a budget counts and how many rows it leaves. */
function drawOn(
  { accountOf, rows }: NonNullable<CompiledRule['budget']>,
  tally: Tally,
  { frame, request }: { readonly frame: Frame; readonly request: DecisionRequest },
): void {
  const account = accountOf(frame)
  tally.accounts = [...(tally.accounts ?? []), account]
  if (account.countsRows) tally.rowsLeft = Math.min(tally.rowsLeft, rows - usedOf(request, account).rows)
}

/** '' when the rule holds, undefined when it does not, else the error. */
export function holds(rule: CompiledRule, frame: Frame, request: DecisionRequest): string | undefined {
  try {
    if (rule.when !== undefined && !rule.when.holds(frame)) return undefined
    return rule.applies === undefined || rule.applies(request, frame) ? '' : undefined
  } catch (thrown) {
    // It asks for what operations of another kind have: it is a rule about those.
    return thrown instanceof OtherKind ? undefined : errorText(thrown)
  }
}

function strictest(matched: readonly CompiledRule[], outcome: Outcome): CompiledRule | undefined {
  for (const rule of matched) if (rule.outcome === outcome) return rule
  return undefined
}

function namesWithFirst(first: CompiledRule | undefined, matched: readonly CompiledRule[]): readonly string[] {
  if (matched.length === 0) return NOTHING
  const names = matched.map((rule) => rule.name)
  if (first === undefined || names[0] === first.name) return names
  return [first.name, ...names.filter((name) => name !== first.name)]
}

const RANK: Readonly<Record<Outcome, number>> = { allow: 0, approve: 1, deny: 2 }

/** Shadow rules under which the outcome, or the duties of what is granted, would have been others. */
function differing(decision: Decision, shadow: readonly Shadowed[], request: DecisionRequest): Decision['shadow'] {
  const found: { rule: string; outcome: Outcome }[] = []
  for (const { rule, failed } of shadow) {
    const readOnly = rule.obligations.readOnly && !onlyEffects(request.operation.effects, READ_ONLY)
    const refuses = failed || readOnly
    const outcome = refuses ? 'deny' : rule.outcome === 'oblige' ? decision.outcome : rule.outcome
    const differs =
      decision.reason === 'policy.default'
        ? outcome !== 'deny'
        : RANK[outcome] > RANK[decision.outcome] || (decision.outcome !== 'deny' && rule.obligations !== NO_OBLIGATIONS)
    if (differs) found.push({ rule: rule.name, outcome })
  }
  return found
}

/** The stricter of what the acting party and the party behind it may do, with the duties of both. */
function bothDecisions(acting: Decision, behind: Decision, party: Principal): Decision {
  const cacheable = acting.cacheable && behind.cacheable
  const shadow = [...acting.shadow, ...behind.shadow]
  const matched = [...new Set([...acting.matched, ...behind.matched])]
  if (acting.outcome === 'deny') return { ...acting, cacheable, shadow }
  if (behind.outcome === 'deny') {
    const hint = `It is done on behalf of ${party.id}, and may go no further than they may. ${behind.hint}`
    return { ...behind, cacheable, shadow, hint }
  }
  const asking = RANK[behind.outcome] > RANK[acting.outcome] ? behind : acting
  const approvals = [
    ...acting.approvals,
    ...behind.approvals.filter((terms) => !acting.approvals.some((own) => own.rule === terms.rule)),
  ]
  return {
    ...asking,
    matched,
    cacheable,
    shadow,
    approvals,
    obligations: bothObligations(acting.obligations, behind.obligations),
    ...bothAccounts(acting.accounts, behind.accounts),
  }
}

/** Everyone's budgets, one that counts for both once. */
function bothAccounts(
  acting: Decision['accounts'] = NOTHING,
  behind: Decision['accounts'] = NOTHING,
): Pick<Decision, 'accounts'> {
  if (acting.length + behind.length === 0) return {}
  return { accounts: [...new Map([...acting, ...behind].map((account) => [account.key, account])).values()] }
}
