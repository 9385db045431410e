import { NO_OBLIGATIONS } from '../model/decision.ts'
import type { SessionFacts } from '../model/facts.ts'
import type { DecisionRequest } from '../model/ports.ts'
import { type Account, NOTHING_SPENT, type Usage } from '../model/spending.ts'
import { ANY_EFFECTS } from './cel/analysis.ts'
import type { Frame } from './cel/condition.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import { type CompiledRule, Conditions } from './rule.ts'
import type { DocumentOf } from './schema.ts'
import { duration_ms } from './units.ts'

/** A Budget document as a rule that denies once it is used up; undefined when something in it is wrong. */
export function compileBudget({ body, source, order }: Read<'Budget'>, problems: Problem[]): CompiledRule | undefined {
  const conditions = new Conditions(source, problems)
  const before = problems.length
  const who = conditions.compile('who', body.who)
  const on = conditions.compile('on', body.on)
  const { per = 'session', window, operations = Infinity, rows = Infinity, bytes = Infinity } = body
  if (operations === Infinity && rows === Infinity && bytes === Infinity)
    conditions.report(['name'], 'The budget limits nothing.', 'Write one or more of operations, rows, bytes.')
  if (per !== 'session' && window === undefined)
    conditions.report(['per'], 'The budget names no time it counts in.', 'Write, for example, `window: 1h`.')
  if (per === 'session' && window !== undefined)
    conditions.report(['window'], 'A session is its own window.', 'Write `per: principal`, or leave the window out.')
  if (window !== undefined && duration_ms(window) < 1_000)
    conditions.report(['window'], 'A window has a second at least.', 'Write, for example, `window: 1h`.')
  if (problems.length > before || who === undefined || on === undefined) return undefined
  const limit = { operations, rows, bytes }
  const accountOf = per === 'session' ? undefined : accounts(body, { per, window_ms: duration_ms(window!) })
  return {
    kind: 'Budget',
    name: body.name,
    order,
    who,
    on,
    when: undefined,
    applies: accountOf
      ? (request, frame) => isExceeded(usedOf(request, accountOf(frame)), limit)
      : ({ session }) => isSpent(session, limit),
    ...(accountOf && body.mode !== 'shadow' && { budget: { accountOf, rows } }),
    outcome: 'deny',
    shadow: body.mode === 'shadow',
    needs: ANY_EFFECTS,
    volatile: true,
    obligations: NO_OBLIGATIONS,
    approval: undefined,
    say: body.say ?? `The budget of this ${per} is used up (${body.name}).`,
    hint: body.hint ?? 'Ask for less, or ask the owner of the budget.',
  }
}

/** Where a budget counts for whom a frame is about. */
function accounts(
  { name, rows }: DocumentOf<'Budget'>,
  { per, window_ms }: { readonly per: 'principal' | 'delegator' | 'resource'; readonly window_ms: number },
): (frame: Frame) => Account {
  const subject = ({ principal, resource }: Frame) =>
    per === 'resource' ? resource.name : per === 'delegator' ? principal.delegator.id || principal.id : principal.id
  return (frame) => ({ key: `${name} ${per} ${subject(frame)}`, window_ms, countsRows: rows !== undefined })
}

/** What was spent of an account, before the operation that is asked about. */
export function usedOf({ spending, now_ms }: DecisionRequest, account: Account): Usage {
  return spending?.used(account, now_ms) ?? NOTHING_SPENT
}

/** Whether one more operation is too many, or no row or byte is left. A counter that is no number is spent. */
function isExceeded(used: Usage, limit: Usage): boolean {
  return !(used.operations + 1 <= limit.operations && used.rows < limit.rows && used.bytes < limit.bytes)
}

/** `operations` counts this one too, rows and bytes what came before. A counter that is no number is spent. */
function isSpent(used: SessionFacts, limit: Usage): boolean {
  return !(used.operations <= limit.operations && used.rows < limit.rows && used.bytes < limit.bytes)
}
