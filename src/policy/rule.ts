import type { ApprovalTerms, MaskDuty, Obligations, Outcome } from '../model/decision.ts'
import { NO_OBLIGATIONS } from '../model/decision.ts'
import type { EffectSet } from '../model/effects.ts'
import type { DecisionRequest } from '../model/ports.ts'
import type { Account } from '../model/spending.ts'
import { ANY_EFFECTS, isVolatile, neededEffects } from './cel/analysis.ts'
import { type Condition, compileCondition, type Frame, isCondition } from './cel/condition.ts'
import type { Part } from './cel/environment.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import type { Approve, Oblige } from './schema.ts'
import type { SourceDocument } from './source.ts'
import { duration_ms } from './units.ts'

/** `oblige` adds duties to what other rules allow, and allows nothing itself. */
export type RuleOutcome = Outcome | 'oblige'

/** A Rule, Freeze or Budget ready to be asked. */
export interface CompiledRule {
  readonly kind: 'Rule' | 'Freeze' | 'Budget'
  readonly name: string
  readonly order: number
  readonly who: Condition | undefined
  readonly on: Condition
  readonly when: Condition | undefined
  /** Beyond its conditions: what a Freeze or Budget asks. May throw. */
  readonly applies: ((request: DecisionRequest, frame: Frame) => boolean) | undefined
  /** Of a Budget over more than one session: where it counts, and the rows it has. */
  readonly budget?: { readonly accountOf: (frame: Frame) => Account; readonly rows: number }
  readonly outcome: RuleOutcome
  readonly shadow: boolean
  /** Effects without any of which it cannot match; ANY_EFFECTS when it may match whatever they are. */
  readonly needs: EffectSet
  /** Its answer may differ between two calls of one operation. */
  readonly volatile: boolean
  readonly obligations: Obligations
  readonly approval: ApprovalTerms | undefined
  readonly say: string
  readonly hint: string
}

/** Held inside the session this long, and open for this long, when a rule names no other time. */
const APPROVAL = { hold_ms: 45_000, expires_ms: 15 * 60_000 }

/** Compiles the conditions of one document and reports what is wrong with them where they stand. */
export class Conditions {
  readonly #source: SourceDocument
  readonly #problems: Problem[]
  constructor(source: SourceDocument, problems: Problem[]) {
    this.#source = source
    this.#problems = problems
  }
  /** Undefined when it is not valid; then a problem was reported. */
  compile(part: Part, written: string | boolean, path: readonly PropertyKey[] = [part]): Condition | undefined {
    const compiled = compileCondition(part, String(written))
    if (isCondition(compiled)) return compiled
    for (const { offset, message, remedy } of compiled) {
      const at = typeof written === 'string' ? this.#source.inside(path, offset) : this.#source.at(path)
      this.#problems.push({ file: this.#source.file, ...at, message: `\`${String(path.at(-1))}\`: ${message}`, remedy })
    }
    return undefined
  }
  report(path: readonly PropertyKey[], message: string, remedy: string): void {
    this.#problems.push({ file: this.#source.file, ...this.#source.at(path), message, remedy })
  }
}

/** A Rule document, or undefined when something in it is wrong. */
export function compileRule({ body, source, order }: Read<'Rule'>, problems: Problem[]): CompiledRule | undefined {
  const conditions = new Conditions(source, problems)
  const before = problems.length
  const who = conditions.compile('who', body.who)
  const on = conditions.compile('on', body.on)
  const when = body.when === undefined ? undefined : conditions.compile('when', body.when)
  checkTerms(conditions, body)
  if (body.then === 'oblige' && body.oblige === undefined) {
    conditions.report(['then'], '`then: oblige` names no duty.', 'Write, for example, `oblige: { rows: 1000 }`.')
  }
  if (body.then === 'deny' && body.oblige) {
    conditions.report(
      ['oblige'],
      'A rule that denies has nothing to oblige.',
      'Write the obligations in a rule that allows or approves.',
    )
  }
  if (problems.length > before || who === undefined || on === undefined) return undefined
  return {
    kind: 'Rule',
    name: body.name,
    order,
    who,
    on,
    when,
    applies: undefined,
    outcome: body.then,
    shadow: body.mode === 'shadow',
    needs: when ? neededEffects(when.tree) : ANY_EFFECTS,
    volatile: when !== undefined && isVolatile(when.tree),
    obligations: body.oblige ? obligationsOf(body.oblige) : NO_OBLIGATIONS,
    approval: body.approve && termsOf(body.name, body.approve),
    say: body.say ?? '',
    hint: body.hint ?? '',
  }
}

/** `approve:` stands where, and only where, `then` is approve; and enough people can answer. */
export function checkTerms(
  conditions: Conditions,
  body: { then?: RuleOutcome | undefined; approve?: Approve | undefined },
): void {
  const { approve } = body
  if (body.then === 'approve' && approve === undefined) {
    conditions.report(
      ['then'],
      '`then: approve` names nobody who may approve.',
      'Write, for example, `approve: { by: [group:dba] }`.',
    )
  }
  if (approve === undefined) return
  if (body.then !== 'approve')
    conditions.report(['approve'], '`approve` stands in a rule that does not ask.', 'Write `then: approve`.')
  const humans = new Set(approve.by)
  const count = approve.count ?? 1
  if ([...humans].every((by) => by.startsWith('human:')) && humans.size < count) {
    conditions.report(
      ['approve', 'count'],
      `${count} people must approve, but \`by\` names ${humans.size}.`,
      'Write more people, or a group.',
    )
  }
}

export function termsOf(rule: string, approve: Approve): ApprovalTerms {
  return {
    rule,
    by: [...new Set(approve.by)],
    count: approve.count ?? 1,
    hold_ms: approve.hold === undefined ? APPROVAL.hold_ms : duration_ms(approve.hold),
    expires_ms: approve.expires === undefined ? APPROVAL.expires_ms : duration_ms(approve.expires),
  }
}

export function obligationsOf(oblige: Oblige): Obligations {
  const mask: readonly MaskDuty[] = oblige.mask ?? []
  return {
    mask,
    ...(oblige.rows !== undefined && { rows: oblige.rows }),
    ...(oblige.timeout !== undefined && { timeout_ms: duration_ms(oblige.timeout) }),
    ...(oblige.readOnly !== undefined && { readOnly: oblige.readOnly }),
    ...(oblige.record !== undefined && { record: oblige.record }),
  }
}
