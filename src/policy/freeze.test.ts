import { describe, expect, test } from 'vitest'
import { ada, agent, ask, operation, policyOf } from './example.ts'

const ALL = 'kind: Rule\nname: all\nwho: true\non: true\nthen: allow'
const at = (text: string) => ({ now_ms: Date.parse(text) })

describe('a freeze', () => {
  const freeze =
    'kind: Freeze\nname: year-end\non: resource.labels.env == "prod"\nfrom: 2026-12-24T00:00:00Z\nto: 2027-01-02T00:00:00Z\nexcept: [group:dba]'
  const policy = policyOf(ALL, freeze)
  test.each([
    ['stops a write within', agent, 'write', '2026-12-31T12:00:00Z', 'deny'],
    ['stops what was not understood', agent, 'unknown', '2026-12-31T12:00:00Z', 'deny'],
    ['lets reads through', agent, 'read', '2026-12-31T12:00:00Z', 'allow'],
    ['begins with its first moment', agent, 'write', '2026-12-24T00:00:00Z', 'deny'],
    ['has not begun before', agent, 'write', '2026-12-23T23:59:59Z', 'allow'],
    ['is over at its end', agent, 'write', '2027-01-02T00:00:00Z', 'allow'],
    ['does not stop the excepted', ada, 'write', '2026-12-31T12:00:00Z', 'allow'],
  ] as const)('%s', (_, principal, effect, when, outcome) => {
    const decision = ask(policy, principal, operation([effect]), at(when))
    expect(decision.outcome).toBe(outcome)
    if (outcome === 'deny')
      expect(decision).toMatchObject({ rule: 'year-end', reason: 'policy.denied', cacheable: false })
  })

  test('elsewhere is no freeze', () => {
    const bare = policy.resource('bare')!
    expect(ask(policy, agent, operation(['write']), { ...at('2026-12-31T12:00:00Z'), resource: bare }).outcome).toBe(
      'allow',
    )
  })

  test('that names effects also stops what was not understood', () => {
    const named = policyOf(ALL, `${freeze}\neffects: [define]`)
    const outcomes = (['define', 'unknown', 'write'] as const).map(
      (effect) => ask(named, agent, operation([effect]), at('2026-12-31T12:00:00Z')).outcome,
    )
    expect(outcomes).toEqual(['deny', 'deny', 'allow'])
  })
})

describe('a weekly freeze goes by the clock of its zone', () => {
  const weekly = (text: string) => policyOf(ALL, `kind: Freeze\nname: f\non: true\nweekly: ${text}`)
  const weekend = weekly('{ days: [fri], from: "18:00", to: "08:00", zone: Europe/Vienna }')
  const sunday = weekly('{ days: [sun], from: "22:00", to: "02:00", zone: UTC }')
  const day = weekly('{ days: [mon, wed], from: "09:00", to: "17:30", zone: America/New_York }')
  test.each([
    ['before it begins', weekend, '2026-01-09T16:59:00Z', 'allow'],
    ['as it begins, in winter', weekend, '2026-01-09T17:00:00Z', 'deny'],
    ['as it begins, in summer', weekend, '2026-07-10T16:00:00Z', 'deny'],
    ['after midnight', weekend, '2026-01-10T06:59:59Z', 'deny'],
    ['when it ends', weekend, '2026-01-10T07:00:00Z', 'allow'],
    ['across the end of the week', sunday, '2026-01-12T01:00:00Z', 'deny'],
    ['after the end of the week', sunday, '2026-01-12T02:00:00Z', 'allow'],
    ['on one of its days', day, '2026-01-14T20:00:00Z', 'deny'],
    ['on another day', day, '2026-01-15T20:00:00Z', 'allow'],
  ] as const)('%s', (_, policy, when, outcome) => {
    expect(ask(policy, agent, operation(['write']), at(when)).outcome).toBe(outcome)
  })
})

describe('a budget denies once a session has used it up', () => {
  const policy = policyOf(
    ALL,
    'kind: Budget\nname: b\nwho: principal.kind == "agent"\non: true\noperations: 3\nrows: 100',
  )
  const used = (operations: number, rows: number) => ({
    session: { id: 's', labelsRead: [], operations, rows, bytes: 0, inFlight: 0 },
  })
  test.each([
    ['the third operation', agent, used(3, 0), 'allow'],
    ['the fourth', agent, used(4, 0), 'deny'],
    ['below the rows', agent, used(1, 99), 'allow'],
    ['at the rows', agent, used(1, 100), 'deny'],
    ['a counter that is no number', agent, used(1, Number.NaN), 'deny'],
    ['another principal', ada, used(4, 500), 'allow'],
  ] as const)('%s', (_, principal, more, outcome) => {
    expect(ask(policy, principal, operation(['read']), more).outcome).toBe(outcome)
  })
  test('no session can live on a remembered decision', () => {
    expect(ask(policy, agent, operation(['read'])).cacheable).toBe(false)
  })
})
