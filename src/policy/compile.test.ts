import { describe, expect, test } from 'vitest'
import { compilePolicy, formatProblem, PolicyErrors } from './index.ts'

function problemsOf(text: string): string[] {
  try {
    compilePolicy([{ path: 'p.yaml', text }])
  } catch (thrown) {
    if (thrown instanceof PolicyErrors) return thrown.problems.map(formatProblem)
    throw thrown
  }
  return []
}

const RULE = 'kind: Rule\nname: r\nwho: true\non: true\nthen: deny\n'
const RESOURCE = 'kind: Resource\nname: orders\nprotocol: postgres\naddress: h:5432\nusers: [{ name: app }]\n'

describe('what is wrong is named by file, line and column, with what to write instead', () => {
  test.each([
    ['an unknown key', `${RULE}wehn: op.has("read")\n`, 'p.yaml:6:1: The document has no key "wehn". Write `when`.'],
    ['an unknown kind', 'kind: Rulr\nname: x\n', 'p.yaml:1:7: There is no kind "Rulr". Write `Rule`.'],
    ['no kind', 'name: x\n', 'p.yaml:1:1: The document has no kind. Write `kind:` and one of Resource, Rule'],
    ['a list', '- 1\n', 'p.yaml:1:1: A document must be a map of keys.'],
    [
      'a missing key',
      'kind: Rule\nname: r\nwho: true\non: true\n',
      'p.yaml:1:1: `then` is missing. Write, for example, `then: deny`.',
    ],
    ['a wrong word', RULE.replace('deny', 'dney'), 'p.yaml:5:7: `then` cannot be "dney". Write `deny`.'],
    ['a wrong type', RULE.replace('name: r', 'name: [a]'), 'p.yaml:2:7: `name` cannot be a list.'],
    [
      'a nested key',
      `${RULE.replace('deny', 'allow')}oblige: { row: 3 }\n`,
      'p.yaml:6:11: `oblige` has no key "row". Write `rows`.',
    ],
    [
      'a list entry',
      `${RULE.replace('deny', 'approve')}approve: { by: [dba] }\n`,
      'p.yaml:6:17: Entry 1 of `approve.by` cannot be "dba". Write, for example, `group:dba`.',
    ],
    [
      'an agent as approver',
      `${RULE.replace('deny', 'approve')}approve: { by: [agent:x] }\n`,
      'p.yaml:6:17: Entry 1 of `approve.by` cannot be "agent:x".',
    ],
    [
      'a duration',
      `${RULE.replace('deny', 'allow')}oblige: { timeout: 30 }\n`,
      'p.yaml:6:20: `timeout` cannot be 30. Write, for example, `timeout: 30s`.',
    ],
    [
      'an approve without people',
      RULE.replace('deny', 'approve'),
      'p.yaml:5:7: `then: approve` names nobody who may approve.',
    ],
    [
      'an approve that does not ask',
      `${RULE}approve: { by: [group:dba] }\n`,
      'p.yaml:6:10: `approve` stands in a rule that does not ask. Write `then: approve`.',
    ],
    [
      'too few people',
      `${RULE.replace('deny', 'approve')}approve: { by: [human:ada], count: 2 }\n`,
      'p.yaml:6:36: 2 people must approve, but `by` names 1.',
    ],
    ['duties of none', RULE.replace('deny', 'oblige'), 'p.yaml:5:7: `then: oblige` names no duty.'],
    ['duties of a deny', `${RULE}oblige: { rows: 1 }\n`, 'p.yaml:6:9: A rule that denies has nothing to oblige.'],
    [
      'a name taken',
      `${RULE}---\n${RULE}`,
      'p.yaml:8:7: There is a Rule named "r" already, at p.yaml:2. Write another name.',
    ],
    ['a key twice', `${RULE}name: s\n`, 'p.yaml:6:1: Map keys must be unique. Write each key once.'],
    [
      'a quoted word first',
      RULE.replace('who: true', 'who: "dba" in principal.groups'),
      'p.yaml:3:12: Unexpected scalar at node end. Write the whole value in quotes',
    ],
    ['a condition', `${RULE}when: op.has("delte")\n`, 'p.yaml:6:14: `when`: "delte" is not an effect. Write `delete`.'],
    ['a quoted condition', `${RULE}when: 'op.has("delte")'\n`, 'p.yaml:6:15: `when`: "delte" is not an effect.'],
    [
      'a condition in a block',
      `${RULE}when: |\n  op.has("read")\n  || op.has("delte")\n`,
      'p.yaml:8:13: `when`: "delte" is not an effect.',
    ],
    [
      'a prototype key (F33)',
      `${RESOURCE}labels: { __proto__: x }\n`,
      'p.yaml:6:11: "__proto__" cannot be a key. Write another name.',
    ],
    ['a port', RESOURCE.replace('5432', '99999'), 'p.yaml:4:10: 99999 is not a port.'],
    [
      'two sources of a secret',
      RESOURCE.replace('name: app', 'name: app, password: { env: A, file: b }'),
      'p.yaml:5:32: A password comes from exactly one place.',
    ],
    [
      'an account twice',
      RESOURCE.replace('[{ name: app }', '[{ name: app }, { name: app }'),
      'p.yaml:5:32: The account "app" is listed twice.',
    ],
    [
      'a number as label',
      `${RESOURCE}labels: { tier: 1 }\n`,
      'p.yaml:6:17: `tier` cannot be 1. Write, for example, `tier: prod`.',
    ],
    [
      'a two-part column',
      'kind: Classification\nname: c\ncolumns: [{ match: customers.email, labels: [pii.email] }]\n',
      'p.yaml:3:20: "customers.email" does not name a schema, a table and a column. Write all three: `*.customers.email`',
    ],
    [
      'a classification of nothing',
      'kind: Classification\nname: c\n',
      'p.yaml:1:1: The Classification labels nothing.',
    ],
    ['a freeze without a time', 'kind: Freeze\nname: f\non: true\n', 'p.yaml:2:7: The freeze names no time.'],
    [
      'a freeze backwards',
      'kind: Freeze\nname: f\non: true\nfrom: 2026-01-02T00:00:00Z\nto: 2026-01-01T00:00:00Z\n',
      'p.yaml:5:5: `to` is not after `from`.',
    ],
    [
      'a time zone',
      'kind: Freeze\nname: f\non: true\nweekly: { days: [fri], from: "18:00", to: "08:00", zone: Mars/Base }\n',
      'p.yaml:4:58: There is no time zone "Mars/Base".',
    ],
    ['a budget of nothing', 'kind: Budget\nname: b\nwho: true\non: true\n', 'p.yaml:2:7: The budget limits nothing.'],
    [
      'an alias bomb',
      `kind: Rule\nname: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [${'*a,'.repeat(40)}]\nc: &c [${'*b,'.repeat(40)}]\nd: [${'*c,'.repeat(40)}]\n`,
      'p.yaml:1:1: Excessive alias count',
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)[0]).toContain(expected)
  })

  test('all of them at once, in reading order', () => {
    const text = `${RULE}whn: 1\n---\n${RULE.replace('name: r', 'name: s')}when: op.has("delte") || op.hs("x")\n---\nkind: Nothing\n`
    expect(problemsOf(text).map((line) => line.split(' ')[0])).toEqual([
      'p.yaml:6:1:',
      'p.yaml:13:14:',
      'p.yaml:13:26:',
      'p.yaml:15:7:',
    ])
  })
})

describe('documents', () => {
  test('a resource keeps what it says, and TLS is verified unless it says otherwise', () => {
    const policy = compilePolicy([{ path: 'p.yaml', text: `${RESOURCE}labels: { env: prod }\n` }])
    expect(policy.resource('orders')).toEqual({
      name: 'orders',
      protocol: 'postgres',
      labels: { env: 'prod' },
      address: 'h:5432',
      users: [{ name: 'app' }],
      tls: { mode: 'verify-full' },
    })
    expect(policy.resource('__proto__')).toBeUndefined()
  })

  test('the version is the digest of the texts, whatever the paths', () => {
    const version = (path: string, text: string) => compilePolicy([{ path, text }]).version
    expect(version('a.yaml', RULE)).toBe(version('b.yaml', RULE))
    expect(version('a.yaml', RULE)).not.toBe(version('a.yaml', `${RULE}say: No.\n`))
  })

  test('documents of *.test.yaml files never come into force', () => {
    const files = [{ path: 'x/p.test.yaml', text: RESOURCE }]
    expect(compilePolicy(files).resource('orders')).toBeUndefined()
    expect(compilePolicy(files, { withTests: true }).resource('orders')).toBeDefined()
  })

  test('a mask whose label nobody gives is warned of', () => {
    const rule = `${RULE.replace('deny', 'allow')}oblige: { mask: [{ labels: ["pii.*", "pi.*"], with: redact }] }\n`
    const text = `${rule}---\nkind: Classification\nname: c\ncolumns: [{ match: a.b.c, labels: [pii.email] }]\n`
    const { warnings } = compilePolicy([{ path: 'p.yaml', text }])
    expect(warnings.map(formatProblem)).toEqual([
      'p.yaml:6:38: No Classification gives the label "pi.*", so this masks nothing.',
    ])
  })
})
