import { NO_OBLIGATIONS } from '../model/decision.ts'
import type { SessionFacts } from '../model/facts.ts'
import { ANY_EFFECTS } from './cel/analysis.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import { type CompiledRule, Conditions } from './rule.ts'

/** A Budget document as a rule that denies once the session has used it up; undefined when something in it is wrong. */
export function compileBudget({ body, source, order }: Read<'Budget'>, problems: Problem[]): CompiledRule | undefined {
  const conditions = new Conditions(source, problems)
  const before = problems.length
  const who = conditions.compile('who', body.who)
  const on = conditions.compile('on', body.on)
  const { operations = Infinity, rows = Infinity, bytes = Infinity } = body
  if (operations === Infinity && rows === Infinity && bytes === Infinity) {
    conditions.report(['name'], 'The budget limits nothing.', 'Write one or more of operations, rows, bytes.')
  }
  if (problems.length > before || who === undefined || on === undefined) return undefined
  return {
    kind: 'Budget',
    name: body.name,
    order,
    who,
    on,
    when: undefined,
    applies: ({ session }) => isSpent(session, { operations, rows, bytes }),
    outcome: 'deny',
    shadow: body.mode === 'shadow',
    needs: ANY_EFFECTS,
    volatile: true,
    obligations: NO_OBLIGATIONS,
    approval: undefined,
    say: body.say ?? `The budget of this session is used up (${body.name}).`,
    hint: body.hint ?? 'Ask for less, or ask the owner of the budget.',
  }
}

/** `operations` counts this one too, rows and bytes what came before. A counter that is no number is spent. */
function isSpent(used: SessionFacts, limit: { operations: number; rows: number; bytes: number }): boolean {
  return !(used.operations <= limit.operations && used.rows < limit.rows && used.bytes < limit.bytes)
}
