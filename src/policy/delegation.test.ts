import { describe, expect, test } from 'vitest'
import { type Effect, effects } from '../model/effects.ts'
import type { Principal } from '../model/principal.ts'
import { ALL_EFFECTS, type Scope } from '../model/scope.ts'
import { ada, agent, ask, operation, policyOf } from './example.ts'

const ANYTHING = 'kind: Rule\nname: anything\nwho: "true"\non: "true"\nthen: allow'
const deny = (who: string) => `kind: Rule\nname: says-no\nwho: ${JSON.stringify(who)}\non: "true"\nthen: deny`

describe('a delegation narrows what its chain may do, and never adds', () => {
  const only = (scope: Scope): Principal => ({ ...agent, actor: ada, scope })
  const grant = (resources: readonly string[] | undefined, ...names: readonly Effect[]) => ({
    resources,
    effects: names.length === 0 ? ALL_EFFECTS : effects(...names),
  })
  test.each<[string, Scope, Effect[], string]>([
    ['covers what it lists', [grant(['orders'], 'read')], ['read'], 'policy.allowed'],
    ['covers the session around it', [grant(['orders'], 'read')], ['read', 'session'], 'policy.allowed'],
    ['does not cover another effect', [grant(['orders'], 'read')], ['read', 'delete'], 'delegation.scope'],
    ['does not cover another resource', [grant(['bare'], 'read')], ['read'], 'delegation.scope'],
    ['does not cover what is not understood', [grant(['orders'], 'read')], ['unknown'], 'delegation.scope'],
    ['not even when it lists it', [grant(['orders'], 'read', 'unknown')], ['unknown'], 'delegation.scope'],
    [
      'is the union of its grants',
      [grant(['orders'], 'read'), grant(undefined, 'write')],
      ['read', 'write'],
      'policy.allowed',
    ],
    ['without effects narrows resources only', [grant(['orders'])], ['unknown', 'delete'], 'policy.allowed'],
    ['that grants nothing covers nothing', [], ['session'], 'delegation.scope'],
  ])('%s', (_, scope, names, reason) => {
    expect(ask(policyOf(ANYTHING), only(scope), operation(names))).toMatchObject({ reason, cacheable: true })
  })

  test('and a resource it leaves nothing on does not open', () => {
    const policy = policyOf(ANYTHING)
    const orders = policy.resource('orders')!
    expect(policy.mayOpen(only([grant(['bare'], 'read')]), orders)).toBe(false)
    expect(policy.mayOpen(only([grant(['orders'], 'read')]), orders)).toBe(true)
  })

  test('rules still decide what it covers', () => {
    const policy = policyOf(ANYTHING, deny('principal.kind == "human"'))
    expect(ask(policy, only([grant(undefined)]), operation(['read'])).rule).toBe('says-no')
  })
})

describe('an agent’s document keeps it to its environments', () => {
  const bot = (environments: string) => `kind: Agent\nname: bot\nowner: shop\nenvironments: ${environments}`
  test.each([
    ['[prod]', 'policy.allowed', true],
    ['[staging]', 'delegation.environment', false],
    ['[staging, prod]', 'policy.allowed', true],
  ])('%s', (environments, reason, opens) => {
    const policy = policyOf(ANYTHING, bot(environments))
    expect(ask(policy, agent, operation(['read'])).reason).toBe(reason)
    expect(policy.mayOpen(agent, policy.resource('orders')!)).toBe(opens)
    // A sub-agent goes no further than the agent it acts for.
    const sub: Principal = { ...agent, id: 'agent:sub', actor: { ...agent, actor: ada } }
    expect(ask(policy, sub, operation(['read'])).reason).toBe(reason)
  })

  test('a resource without the label is in none of them', () => {
    const policy = policyOf(ANYTHING, bot('[prod]'))
    expect(policy.mayOpen(agent, policy.resource('bare')!)).toBe(false)
  })
})

test.each([
  ['principal.actor.id == "agent:bot"', true],
  ['principal.delegator.id == "human:ada"', true],
  ['"dba" in principal.delegator.groups', true],
  ['principal.delegator.claim("team") == ["shop"]', true],
  ['principal.actor.kind == "human"', false],
])('a rule about a sub-agent can ask %s', (who, holds) => {
  const human: Principal = { ...ada, claims: { team: 'shop' } }
  const sub: Principal = { ...agent, id: 'agent:sub', actor: { ...agent, actor: human } }
  const decision = ask(policyOf(ANYTHING, deny(`principal.id == "agent:sub" && ${who}`)), sub, operation(['read']))
  expect(decision.outcome).toBe(holds ? 'deny' : 'allow')
})

test('where nobody delegated, the delegator is empty', () => {
  expect(ask(policyOf(ANYTHING, deny('principal.delegator.id != ""')), ada, operation(['read'])).outcome).toBe('allow')
})
