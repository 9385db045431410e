import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EFFECTS } from '../model/effects.ts'
import type { Principal } from '../model/principal.ts'
import { ada, agent, ask, operation, policyOf, request } from './example.ts'
import { explain } from './index.ts'

const WHO = [
  'true',
  'false',
  'principal.kind == "agent"',
  '"human" == principal.kind',
  'principal.kind in ["human", "service"]',
  'principal.id == "agent:bot" || principal.id == "human:ada"',
  '"dba" in principal.groups',
  '!("dba" in principal.groups)',
  '"dba" in principal.groups || principal.claims.team == "eng"',
  'principal.groups == ["dba"]',
  'principal.claims.level > 3 && principal.kind == "human"',
  'principal.kind == "agent" ? principal.actor.kind == "" : true',
]
const ON = [
  'true',
  'resource.name == "orders"',
  'resource["name"] == "other"',
  'resource.labels.env == "prod" && resource.protocol == "postgres"',
  'resource.labels["env"] != "prod"',
  'resource.labels.tier == ""',
  'resource.labels.env in ["prod", ""]',
]
const WHEN = [
  'true',
  'op.has("delete")',
  'op.has(["write", "delete"]) && op.facts.filters.size() == 0',
  'op.has("read") || op.only(["session"])',
  'op.has("read") || session.rows == 0',
  '!op.has("read")',
  'op.has("delete") ? op.has("read") : op.has("write")',
  'op.has("read") && op.has(op.verb)',
  'op.objects.exists(o, o.has("delete"))',
]

const principals: readonly Principal[] = [
  agent,
  ada,
  { ...agent, groups: ['dba'], actor: ada },
  { ...ada, groups: [], claims: { team: 'eng', level: 4 } },
]

test('rules found by index and effects are the rules found by asking every one', () => {
  const rule = fc.record({ who: fc.constantFrom(...WHO), on: fc.constantFrom(...ON), when: fc.constantFrom(...WHEN) })
  const rules = fc.array(rule, { minLength: 1, maxLength: 12 })
  const words = fc.uniqueArray(fc.constantFrom(...EFFECTS), { maxLength: 4 })
  const named = fc.constantFrom('orders', 'bare')
  fc.assert(
    fc.property(rules, fc.constantFrom(...principals), words, named, (made, principal, effects, name) => {
      const texts = made.map(
        (each, i) =>
          `kind: Rule\nname: r${i}\n${Object.entries(each)
            .map(([key, text]) => `${key}: '${text}'\n`)
            .join('')}then: allow\nsay: s${i}`,
      )
      const policy = policyOf(...texts)
      const asked = request(policy, principal, operation(effects), { resource: policy.resource(name)! })
      const { parties } = explain(policy, asked)
      const own = parties.map(({ rules: all }) => ({
        matched: all.filter(({ state }) => state === 'matched').map((each) => each.rule),
        failed: all.find(({ state }) => state === 'error')?.rule,
      }))
      const decision = policy.decide(asked)
      const refused = own.find(({ matched, failed }) => failed !== undefined || matched.length === 0)
      if (refused?.failed !== undefined)
        expect(decision).toMatchObject({ outcome: 'deny', reason: 'policy.error', rule: refused.failed })
      else if (refused) expect(decision).toMatchObject({ outcome: 'deny', reason: 'policy.default' })
      else expect(new Set(decision.matched)).toEqual(new Set(own.flatMap(({ matched }) => matched)))
    }),
    { numRuns: 400 },
  )
})

test('two hundred rules leave few to evaluate', () => {
  const rules = Array.from(
    { length: 200 },
    (_, i) =>
      `kind: Rule\nname: r${i}\nwho: principal.id == "agent:a${i}"\non: true\nwhen: session.rows >= 0\nthen: allow`,
  )
  // Every rule reads the session; none of them concerns this agent.
  expect(ask(policyOf(...rules), agent, operation(['read'])).cacheable).toBe(true)
})
