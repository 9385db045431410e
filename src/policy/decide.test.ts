import { describe, expect, test } from 'vitest'
import type { Principal } from '../model/principal.ts'
import { ada, agent, ask, operation, policyOf } from './example.ts'

/** A rule on everything, its fields replaced or added. */
function rule(name: string, fields: Readonly<Record<string, string>>): string {
  const { outcome, ...rest } = { outcome: 'allow', ...fields }
  return Object.entries({ kind: 'Rule', name, who: 'true', on: 'true', ...rest })
    .concat([['then', outcome]])
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n')
}

const read = operation(['read'])
const reads = rule('reads', { when: 'op.only(["read", "session"])' })
const noDeletes = rule('no-deletes', { when: 'op.has("delete")', outcome: 'deny', say: 'Never.', hint: 'Do not.' })
const asks = rule('asks', { outcome: 'approve', approve: '{ by: [group:dba], count: 2, hold: 10s }' })
const asksToo = rule('asks-too', { outcome: 'approve', approve: '{ by: [human:ada] }' })
// Fails when it is evaluated: no effect of that name.
const broken = (fields: Readonly<Record<string, string>>) => rule('broken', { when: 'op.has(op.verb)', ...fields })

describe('rules combine', () => {
  test.each([
    ['nothing matched denies', [noDeletes], 'read', 'deny', 'policy.default', ''],
    ['no rule at all denies', [], 'read', 'deny', 'policy.default', ''],
    ['an allow allows', [reads], 'read', 'allow', 'policy.allowed', 'reads'],
    ['any deny wins', [asks, reads, noDeletes], 'delete', 'deny', 'policy.denied', 'no-deletes'],
    ['an approval needs no allow beside it', [asks], 'write', 'approve', 'approval.pending', 'asks'],
    ['approval is stricter than allow', [reads, asks], 'read', 'approve', 'approval.pending', 'asks'],
    ['what was not understood never passes only()', [reads], 'unknown', 'deny', 'policy.default', ''],
    [
      'a rule without effects matches what was not understood',
      [rule('all', {})],
      'unknown',
      'allow',
      'policy.allowed',
      'all',
    ],
    ['an error in a deny refuses', [reads, broken({ outcome: 'deny' })], 'read', 'deny', 'policy.error', 'broken'],
    ['an error in an allow refuses', [reads, broken({})], 'read', 'deny', 'policy.error', 'broken'],
    [
      'an error in an approve refuses',
      [reads, broken({ outcome: 'approve', approve: '{ by: [group:dba] }' })],
      'read',
      'deny',
      'policy.error',
      'broken',
    ],
    [
      'a part that is false settles a rule whatever the others are',
      [reads, broken({ when: 'op.has("write") && op.has(op.verb)' })],
      'read',
      'allow',
      'policy.allowed',
      'reads',
    ],
  ] as const)('%s', (_, rules, effect, outcome, reason, deciding) => {
    expect(ask(policyOf(...rules), agent, operation([effect]))).toMatchObject({ outcome, reason, rule: deciding })
  })

  test('the caller reads the words of the rule that decided, and all that matched are named, that one first', () => {
    const decision = ask(policyOf(reads, asks, noDeletes), agent, operation(['read', 'delete']))
    expect(decision).toMatchObject({ message: 'Never.', hint: 'Do not.', matched: ['no-deletes', 'asks'] })
  })

  test('every approval that matches must be satisfied', () => {
    const { approvals } = ask(policyOf(asks, asksToo), agent, read)
    expect(approvals).toEqual([
      { rule: 'asks', by: ['group:dba'], count: 2, hold_ms: 10_000, expires_ms: 900_000 },
      { rule: 'asks-too', by: ['human:ada'], count: 1, hold_ms: 45_000, expires_ms: 900_000 },
    ])
  })

  test('duties of all rules accumulate, those beside an approval too: the smaller limit, the stricter record, every mask', () => {
    const some = rule('some', {
      oblige: '{ mask: [{ labels: ["pii.*"], with: partial }], rows: 100, timeout: 30s, record: statements }',
    })
    const more = rule('more', {
      oblige:
        '{ mask: [{ labels: [secret], with: redact }, { labels: ["pii.*"], with: partial }], rows: 10, timeout: 1m, record: full }',
    })
    expect(ask(policyOf(some, more, asks), agent, read)).toMatchObject({
      outcome: 'approve',
      obligations: {
        mask: [
          { labels: ['pii.*'], with: 'partial' },
          { labels: ['secret'], with: 'redact' },
        ],
        rows: 10,
        timeout_ms: 30_000,
        record: 'full',
      },
    })
  })

  describe('a rule that obliges', () => {
    const masks = rule('masks', { outcome: 'oblige', oblige: '{ mask: [{ labels: ["pii.*"], with: partial }] }' })
    const mask = [{ labels: ['pii.*'], with: 'partial' }]
    test('allows nothing', () => {
      const policy = policyOf(masks)
      expect(ask(policy, agent, read)).toMatchObject({ outcome: 'deny', reason: 'policy.default', matched: ['masks'] })
      expect(policy.mayOpen(agent, policy.resource('orders')!)).toBe(false)
    })
    test('adds its duties to whatever else is granted, and never decides', () => {
      const policy = policyOf(masks, reads, asks)
      const held = ask(policy, agent, operation(['delete']))
      expect(held).toMatchObject({
        outcome: 'approve',
        rule: 'asks',
        matched: ['asks', 'masks'],
        obligations: { mask },
      })
      const allowed = ask(policyOf(masks, reads), agent, read)
      expect(allowed).toMatchObject({
        outcome: 'allow',
        rule: 'reads',
        matched: ['reads', 'masks'],
        obligations: { mask },
      })
    })
    test('refuses when it cannot be evaluated: nothing leaves unmasked by mistake', () => {
      const fails = broken({ outcome: 'oblige', oblige: '{ rows: 1 }' })
      expect(ask(policyOf(fails, reads), agent, read)).toMatchObject({ outcome: 'deny', reason: 'policy.error' })
    })
  })

  test.each([
    ['read', 'allow'],
    ['session', 'allow'],
    ['write', 'deny'],
    ['unknown', 'deny'],
  ] as const)('under readOnly, %s is %s', (effect, outcome) => {
    const policy = policyOf(rule('all', {}), rule('ro', { oblige: '{ readOnly: true }' }))
    const decision = ask(policy, agent, operation([effect]))
    expect(decision.outcome).toBe(outcome)
    if (outcome === 'deny')
      expect(decision).toMatchObject({ reason: 'policy.denied', rule: 'ro', message: 'This access is read-only.' })
  })
})

describe('shadow rules never act, and are reported where they would have decided otherwise', () => {
  const shadow = (fields: Readonly<Record<string, string>>) => rule('trial', { mode: 'shadow', ...fields })
  const approve = { outcome: 'approve', approve: '{ by: [group:dba] }' }
  test.each([
    ['a deny over an allow', [reads], shadow({ outcome: 'deny' }), 'allow', ['deny']],
    ['an approval over an allow', [reads], shadow(approve), 'allow', ['approve']],
    ['an allow over an allow', [reads], shadow({}), 'allow', []],
    [
      'a mask over an allow',
      [reads],
      shadow({ oblige: '{ mask: [{ labels: [a], with: null }] }'.replace('null', '"null"') }),
      'allow',
      ['allow'],
    ],
    ['an allow over nothing', [], shadow({}), 'deny', ['allow']],
    ['a deny over nothing', [], shadow({ outcome: 'deny' }), 'deny', []],
    ['an allow over a deny', [rule('no', { outcome: 'deny' })], shadow({}), 'deny', []],
    ['a deny over an approval', [asks], shadow({ outcome: 'deny' }), 'approve', ['deny']],
    ['duties over an allow', [reads], shadow({ outcome: 'oblige', oblige: '{ rows: 1 }' }), 'allow', ['allow']],
    ['duties over nothing', [], shadow({ outcome: 'oblige', oblige: '{ rows: 1 }' }), 'deny', []],
    ['an error', [reads], shadow({ when: 'op.has(op.verb)' }), 'allow', ['deny']],
  ] as const)('%s', (_, rules, trial, outcome, expected) => {
    const decision = ask(policyOf(...rules, trial), agent, read)
    expect(decision.outcome).toBe(outcome)
    expect(decision.shadow).toEqual(expected.map((each) => ({ rule: 'trial', outcome: each })))
    expect(decision.matched).not.toContain('trial')
  })
})

describe('a decision may be reused only where nothing in it changes from call to call', () => {
  test.each([
    ['effects alone', 'op.has("read")', true],
    ['facts and objects', 'op.facts.filters.size() == 0 && op.objects.size() == 0', true],
    ['the text', 'op.text.contains("x")', false],
    ['the text by index', 'op["text"] == "x"', false],
    ['the text out of sight', 'cel.bind(o, op, o.text == "x")', false],
    ['the time', 'now.getFullYear() > 2000', false],
    ['the session', 'session.rows > 10', false],
    ['the time under a condition that cannot hold', 'op.has("delete") && now.getFullYear() > 2000', true],
  ] as const)('%s', (_, when, cacheable) => {
    expect(ask(policyOf(rule('r', { when })), agent, read).cacheable).toBe(cacheable)
  })

  test('a rule that cannot concern this principal or resource takes nothing away', () => {
    const timed = { when: 'now.getFullYear() > 2000' }
    const policy = policyOf(
      reads,
      rule('a', { ...timed, who: 'principal.kind == "human"' }),
      rule('b', { ...timed, on: 'resource.name == "bare"' }),
    )
    expect(ask(policy, agent, read).cacheable).toBe(true)
    expect(ask(policy, ada, read).cacheable).toBe(false)
  })

  test('the text is that of the call, not of the shape', () => {
    const policy = policyOf(rule('r', { when: 'op.text == "select 2"' }))
    expect(ask(policy, agent, read, { call: { text: 'select 1' } }).outcome).toBe('deny')
    expect(ask(policy, agent, read, { call: { text: 'select 2' } }).outcome).toBe('allow')
  })
})

describe('whoever acts for another may do no more than either (G30)', () => {
  const bot: Principal = { ...agent, actor: ada }
  const botMay = rule('bot-may', { who: 'principal.kind == "agent"', oblige: '{ rows: 10 }' })
  const adaMay = rule('ada-may', { who: 'principal.id == "human:ada"', oblige: '{ rows: 5 }' })
  const adaAsks = rule('ada-asks', {
    who: 'principal.kind == "human"',
    outcome: 'approve',
    approve: '{ by: [group:dba] }',
  })
  const seesActor = rule('sees', { who: 'principal.actor.id == "human:ada"', outcome: 'deny' })
  test.each([
    ['the human may not', [botMay], 'deny', ''],
    ['the agent may not', [adaMay], 'deny', ''],
    ['both may', [botMay, adaMay], 'allow', 'bot-may'],
    ['the human must ask', [botMay, adaAsks], 'approve', 'ada-asks'],
    ['a rule about the actor', [botMay, adaMay, seesActor], 'deny', 'sees'],
  ] as const)('%s', (_, rules, outcome, deciding) => {
    expect(ask(policyOf(...rules), bot, read)).toMatchObject({ outcome, rule: deciding })
  })

  test('with the duties of both', () => {
    expect(ask(policyOf(botMay, adaMay), bot, read).obligations.rows).toBe(5)
  })

  test('a chain longer than anybody follows is refused, not cut', () => {
    let chain: Principal = ada
    for (let i = 0; i < 9; i++) chain = { ...agent, actor: chain }
    const policy = policyOf(rule('all', {}))
    expect(ask(policy, chain, read)).toMatchObject({ outcome: 'deny', reason: 'policy.error' })
    expect(policy.mayOpen(chain, policy.resource('orders')!)).toBe(false)
  })
})

describe('a resource opens for whom some rule could say yes', () => {
  test.each([
    ['an allow of anything', [reads], true],
    ['an approval', [asks], true],
    ['a deny only', [noDeletes], false],
    ['another principal', [rule('r', { who: 'principal.kind == "human"' })], false],
    ['another resource', [rule('r', { on: 'resource.labels.env == "staging"' })], false],
    ['a shadow rule', [rule('r', { mode: 'shadow' })], false],
    ['a condition that cannot be evaluated', [rule('r', { who: 'principal.claims.a.b.c == 1' })], false],
  ] as const)('%s', (_, rules, expected) => {
    const policy = policyOf(...rules)
    expect(policy.mayOpen(agent, policy.resource('orders')!)).toBe(expected)
  })
})

test('groups come from the provider and from documents, through groups in groups, and circles end', () => {
  const policy = policyOf(
    'kind: Human\nname: bob\ngroups: [night]',
    'kind: Group\nname: dba\nmembers: [group:night, group:ops]',
    'kind: Group\nname: ops\nmembers: [group:dba, human:eve]',
    rule('dbas', { who: `'"dba" in principal.groups'` }),
  )
  const named = (name: string, groups: readonly string[] = []): Principal => ({
    ...ada,
    id: `human:${name}`,
    name,
    groups,
  })
  expect(policy.principals.get('human:bob')?.groups).toEqual(['dba', 'night', 'ops'])
  expect(policy.groupsOf(named('carl', ['night']))).toEqual(['dba', 'night', 'ops'])
  for (const who of [named('bob'), named('eve'), named('carl', ['night'])])
    expect(ask(policy, who, read).outcome).toBe('allow')
  expect(ask(policy, named('mallory', ['day']), read).outcome).toBe('deny')
})

test('many patterns on many names end in a refusal, soon (G55)', () => {
  const patterns = Array.from({ length: 500 }, (_, i) =>
    rule(`p${i}`, { when: `op.objects.exists(o, o.name.matches("^/x/[a-z]+${i}/(.*)+$"))`, outcome: 'deny' }),
  )
  const policy = policyOf(reads, ...patterns)
  const file = { kind: 'file' as const, effect: read.effects, labels: [] }
  const objects = Array.from({ length: 1_000 }, (_, i) => ({ ...file, name: `/x/team/${i}` }))
  ask(policy, agent, { ...read, objects: objects.slice(0, 2) })
  const began = performance.now()
  expect(ask(policy, agent, { ...read, objects })).toMatchObject({ outcome: 'deny', reason: 'policy.error' })
  expect(performance.now() - began).toBeLessThan(1_500)
})
