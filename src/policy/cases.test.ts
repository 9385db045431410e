import { expect, test } from 'vitest'
import { SluiceError } from '../kit/errors.ts'
import { operation } from './example.ts'
import { compilePolicy, type PolicyFile, policyTests, runPolicyTests } from './index.ts'

const FILES: readonly PolicyFile[] = [
  {
    path: 'p.yaml',
    text: `kind: Rule
name: reads
who: principal.kind == "agent" && principal.claims.team == "eng"
on: true
when: op.only(["read"])
then: allow
oblige: { rows: 10, mask: [{ labels: ["pii.*"], with: partial }] }
---
kind: Freeze
name: f
on: true
from: 2026-01-01T00:00:00Z
effects: [read]
except: [group:sre]
`,
  },
  {
    path: 'p.test.yaml',
    text: `kind: Resource
name: orders
protocol: postgres
address: h:1
users: [{ name: app }]
---
kind: Agent
name: bot
owner: support
groups: [sre]
---
kind: Test
name: t
cases:
  - { name: passes, as: { id: agent:bot, claims: { team: eng } }, on: orders, sql: READ, now: 2025-01-01T00:00:00Z, expect: { outcome: allow, rule: reads, matched: [reads], shadow: [], mayOpen: true, obligations: { mask: [{ labels: ["pii.*"], with: partial }], rows: 10 } } }
  - { name: declared groups count, as: { id: agent:bot, claims: { team: eng } }, on: orders, sql: READ, now: 2026-02-01T00:00:00Z, expect: { outcome: allow } }
  - { name: frozen, as: { id: agent:other, claims: { team: eng } }, on: orders, sql: READ, now: 2026-02-01T00:00:00Z, expect: { outcome: deny, rule: f, reason: policy.denied } }
  - { name: cannot be parsed, as: agent:bot, on: orders, sql: NONSENSE, expect: { outcome: deny, reason: sql.syntax, rule: "" } }
  - { name: fails, as: { id: agent:bot, actor: human:ada, claims: { team: eng } }, on: orders, sql: READ, expect: { outcome: allow, rule: other, obligations: {} } }
  - { name: nowhere, as: agent:bot, on: other, sql: READ, expect: { outcome: allow } }
`,
  },
]

test('cases run against the policy and say what was expected and what came', async () => {
  const policy = compilePolicy(FILES, { withTests: true })
  const analyse = (sql: string) => {
    if (sql !== 'READ') throw new SluiceError('sql.syntax')
    return operation(['read'])
  }
  const results = await runPolicyTests(policy, policyTests(FILES), analyse)
  expect(results.map(({ file, line, name, failures }) => [`${file}:${line}`, name, failures])).toEqual([
    ['p.test.yaml:15', 'passes', []],
    ['p.test.yaml:16', 'declared groups count', []],
    ['p.test.yaml:17', 'frozen', []],
    ['p.test.yaml:18', 'cannot be parsed', []],
    ['p.test.yaml:19', 'fails', ['outcome: expected "allow", got "deny"', 'rule: expected "other", got ""']],
    ['p.test.yaml:20', 'nowhere', ['there is no resource "other"']],
  ])
})
