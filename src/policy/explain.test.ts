import { describe, expect, test } from 'vitest'
import { ada, agent, operation, policyOf, request } from './example.ts'
import { explain, type PartExplanation } from './index.ts'

function when(condition: string, principal = agent): PartExplanation {
  const policy = policyOf(`kind: Rule\nname: r\nwho: true\non: true\nwhen: ${JSON.stringify(condition)}\nthen: allow`)
  const { parties } = explain(
    policy,
    request(policy, principal, operation(['read', 'delete'], { filters: ['pii.email'] })),
  )
  return parties[0]!.rules[0]!.parts.find(({ part }) => part === 'when')!
}

describe('the sub-expression that settled a condition is named, with what it saw', () => {
  test.each([
    [
      'op.has("read") && op.only(["read"])',
      'false',
      [['op.only(["read"])', 'false', ['op.effects = ["read", "delete"]']]],
    ],
    [
      'op.has("write") || (op.has("read") && resource.labels.env == "prod")',
      'true',
      [
        ['op.has("read")', 'true', ['op.effects = ["read", "delete"]']],
        ['resource.labels.env == "prod"', 'true', ['resource.labels.env = "prod"']],
      ],
    ],
    [
      '!(op.facts.filters.exists(f, f == "pii.email"))',
      'false',
      [['op.facts.filters.exists(f, f == "pii.email")', 'true', ['op.facts.filters = ["pii.email"]']]],
    ],
    [
      'principal.kind == "human" ? true : resource.name == "x"',
      'false',
      [
        ['principal.kind == "human"', 'false', ['principal.kind = "agent"']],
        ['resource.name == "x"', 'false', ['resource.name = "orders"']],
      ],
    ],
    ['op.text.matches("^DROP")', 'false', [['op.text.matches("^DROP")', 'false', ['op.text = "select 1"']]]],
  ])('%s', (condition, state, because) => {
    const part = when(condition)
    expect(part.state).toBe(state)
    expect(part.because.map(({ source, value, saw }) => [source, value, saw])).toEqual(because)
  })

  test('an error says so', () => {
    expect(when('op.has(op.verb)')).toMatchObject({
      state: 'error',
      error: expect.stringContaining('is not an effect'),
    })
  })
})

test('every rule is listed, and everyone the principal acts for', () => {
  const policy = policyOf(
    'kind: Rule\nname: a\nwho: principal.kind == "agent"\non: true\nthen: allow',
    'kind: Freeze\nname: f\non: true\nfrom: 2020-01-01T00:00:00Z',
    'kind: Rule\nname: s\nwho: principal.claims.level.unit == 1\non: true\nthen: deny\nmode: shadow',
  )
  const explained = explain(
    policy,
    request(policy, { ...agent, actor: ada }, operation(['write']), { now_ms: Date.parse('2026-01-01T00:00:00Z') }),
  )
  expect(explained.decision).toMatchObject({ outcome: 'deny', rule: 'f' })
  expect(explained.mayOpen).toBe(false)
  expect(
    explained.parties.map(({ principal, rules }) => [
      principal,
      rules.map(({ rule, state, mode }) => [rule, state, mode]),
    ]),
  ).toEqual([
    [
      'agent:bot',
      [
        ['a', 'matched', 'enforce'],
        ['f', 'matched', 'enforce'],
        ['s', 'error', 'shadow'],
      ],
    ],
    [
      'human:ada',
      [
        ['a', 'unmatched', 'enforce'],
        ['f', 'matched', 'enforce'],
        ['s', 'error', 'shadow'],
      ],
    ],
  ])
})
