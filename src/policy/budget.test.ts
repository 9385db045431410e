import { describe, expect, test } from 'vitest'
import type { Principal } from '../model/principal.ts'
import type { Account, Usage } from '../model/spending.ts'
import { ada, agent, ask, operation, policyOf } from './example.ts'

const ALLOW = 'kind: Rule\nname: all\nwho: "true"\non: "true"\nthen: allow'
const budget = (fields: string) => `kind: Budget\nname: little\nwho: principal.kind == "agent"\non: "true"\n${fields}`
const read = operation(['read'])
const bot: Principal = { ...agent, actor: ada }

/** A spending in which these accounts have this much. */
const spent = (by: Readonly<Record<string, Partial<Usage>>>) => ({
  spending: { used: ({ key }: Account): Usage => ({ operations: 0, rows: 0, bytes: 0, ...by[key] }) },
})

describe('a budget over all sessions', () => {
  test.each([
    ['operations', 'operations: 10', { operations: 9 }, { operations: 10 }],
    ['rows', 'rows: 100', { rows: 99 }, { rows: 100 }],
    ['bytes', 'bytes: 100', { bytes: 99 }, { bytes: 100 }],
  ])('of %s denies what is one too many', (_, limit, last, full) => {
    const policy = policyOf(ALLOW, budget(`per: principal\nwindow: 1h\n${limit}`))
    const asked = (usage: Partial<Usage>) => ask(policy, agent, read, spent({ 'little principal agent:bot': usage }))
    expect(asked(last)).toMatchObject({ outcome: 'allow', cacheable: false })
    expect(asked(full)).toMatchObject({ outcome: 'deny', rule: 'little' })
  })

  test.each([
    ['principal', 'little principal agent:bot'],
    ['delegator', 'little delegator human:ada'],
    ['resource', 'little resource orders'],
  ])('per %s counts at %s', (per, key) => {
    const policy = policyOf(ALLOW, budget(`per: ${per}\nwindow: 1h\nrows: 100`))
    expect(ask(policy, bot, read, spent({ [key]: { rows: 100 } })).outcome).toBe('deny')
    const granted = ask(policy, bot, read, spent({ [key]: { rows: 40 } }))
    expect(granted).toMatchObject({ outcome: 'allow', obligations: { rows: 60 } })
    expect(granted.accounts).toEqual([{ key, window_ms: 3_600_000, countsRows: true }])
  })

  test('that everyone of the chain falls under counts an operation once', () => {
    const policy = policyOf(
      ALLOW,
      budget('per: resource\nwindow: 1h\noperations: 5').replace('principal.kind == "agent"', '"true"'),
    )
    expect(ask(policy, bot, read).accounts).toHaveLength(1)
  })

  test('leaves the smaller of what a rule lets one operation return and what is left', () => {
    const policy = policyOf(`${ALLOW}\noblige: { rows: 10 }`, budget('per: principal\nwindow: 1h\nrows: 100'))
    expect(ask(policy, agent, read).obligations.rows).toBe(10)
  })

  test('in shadow mode limits nothing', () => {
    const policy = policyOf(ALLOW, budget('per: principal\nwindow: 1h\nrows: 1\nmode: shadow'))
    const decision = ask(policy, agent, read, spent({ 'little principal agent:bot': { rows: 9 } }))
    expect(decision).toMatchObject({ outcome: 'allow', shadow: [{ rule: 'little', outcome: 'deny' }] })
    expect(decision.accounts).toBeUndefined()
  })

  test.each([
    ['per: principal\nrows: 1', 'names no time'],
    ['window: 1h\nrows: 1', 'its own window'],
    ['per: principal\nwindow: 10ms\nrows: 1', 'a second at least'],
  ])('%j does not come into force', (fields, problem) => {
    expect(() => policyOf(budget(fields))).toThrow(problem)
  })
})
