import { NO_OBLIGATIONS } from '../model/decision.ts'
import { EFFECTS, effects } from '../model/effects.ts'
import type { PrincipalView } from './cel/views.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'
import { type CompiledRule, Conditions } from './rule.ts'
import { type DocumentOf, WEEKDAYS } from './schema.ts'

type FreezeBody = DocumentOf<'Freeze'>
type Weekly = NonNullable<FreezeBody['weekly']>
/** Whether a moment, in milliseconds since the epoch, lies within. */
type Window = (now_ms: number) => boolean

const MINUTE_MS = 60_000
const DAY = 1_440
const WEEK = 7 * DAY

const DEFAULT_EFFECTS = effects(...EFFECTS.filter((effect) => effect !== 'read' && effect !== 'session'))
const UNKNOWN = effects('unknown')

/** A Freeze document as a rule that denies while its window is open; undefined when something in it is wrong. */
export function compileFreeze({ body, source, order }: Read<'Freeze'>, problems: Problem[]): CompiledRule | undefined {
  const conditions = new Conditions(source, problems)
  const before = problems.length
  const on = conditions.compile('on', body.on)
  const open = compileWindow(body, conditions)
  if (problems.length > before || on === undefined || open === undefined) return undefined
  const except = new Set(body.except ?? [])
  return {
    kind: 'Freeze',
    name: body.name,
    order,
    who: undefined,
    on,
    when: undefined,
    applies: (request, frame) => open(request.now_ms) && !isExcepted(frame.principal, except),
    outcome: 'deny',
    shadow: body.mode === 'shadow',
    // What was not understood may be any of the effects the freeze stops.
    needs: body.effects ? effects(...body.effects) | UNKNOWN : DEFAULT_EFFECTS,
    volatile: true,
    obligations: NO_OBLIGATIONS,
    approval: undefined,
    say: body.say ?? `Changes are frozen (${body.name}).`,
    hint: body.hint ?? 'Wait until the freeze ends.',
  }
}

function isExcepted(principal: PrincipalView, except: ReadonlySet<string>): boolean {
  return except.has(principal.id) || principal.groups.some((group) => except.has(`group:${group}`))
}

function compileWindow(body: FreezeBody, conditions: Conditions): Window | undefined {
  if (body.from === undefined && body.to === undefined && body.weekly === undefined) {
    const remedy =
      'Write `from` and `to`, or `weekly: { days: [fri], from: "18:00", to: "08:00", zone: Europe/Vienna }`.'
    conditions.report(['name'], 'The freeze names no time.', remedy)
    return undefined
  }
  const from = body.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(body.from)
  const to = body.to === undefined ? Number.POSITIVE_INFINITY : Date.parse(body.to)
  if (!(from < to)) conditions.report(['to'], '`to` is not after `from`.', 'Write a later moment.')
  const weekly = body.weekly && compileWeekly(body.weekly, conditions)
  return (now_ms) => now_ms >= from && now_ms < to && (weekly === undefined || weekly(now_ms))
}

function compileWeekly(weekly: Weekly, conditions: Conditions): Window | undefined {
  let clock: Intl.DateTimeFormat
  try {
    const parts = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const
    clock = new Intl.DateTimeFormat('en-US', { ...parts, timeZone: weekly.zone })
  } catch {
    conditions.report(
      ['weekly', 'zone'],
      `There is no time zone "${weekly.zone}".`,
      'Write an IANA name: `Europe/Vienna`, `UTC`.',
    )
    return undefined
  }
  const from = minuteOfDay(weekly.from)
  const to = minuteOfDay(weekly.to)
  const length = to > from ? to - from : to + DAY - from
  const starts = weekly.days.map((day) => WEEKDAYS.indexOf(day) * DAY + from)
  let minute = Number.NaN
  let open = false
  return (now_ms) => {
    const asked = Math.floor(now_ms / MINUTE_MS)
    if (asked !== minute) {
      const at = minuteOfWeek(clock, now_ms)
      open = starts.some((start) => (at - start + WEEK) % WEEK < length)
      minute = asked
    }
    return open
  }
}

function minuteOfDay(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

/** Minutes since Monday 00:00 on the clock of a time zone. */
function minuteOfWeek(clock: Intl.DateTimeFormat, now_ms: number): number {
  const parts = new Map(clock.formatToParts(now_ms).map(({ type, value }) => [type, value]))
  const day = (WEEKDAYS as readonly string[]).indexOf(parts.get('weekday')?.toLowerCase() ?? '')
  const minute = day * DAY + Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
  if (day < 0 || !Number.isFinite(minute)) throw new RangeError('the clock of the time zone cannot be read')
  return minute
}
