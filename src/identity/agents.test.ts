import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLog } from '../kit/log.ts'
import { openStore, type Store } from '../store/store.ts'
import { type AgentRegister, createAgentRegister } from './agents.ts'

let folder: string
let store: Store
let entries: string[]
let said: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-agents-'))
  store = await openStore({ path: join(folder, 'store.sqlite') })
  entries = []
  said = []
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const register = (): AgentRegister =>
  createAgentRegister({
    store,
    clock: { now_ms: () => 1, monotonic_ms: () => 1 },
    log: createLog('info', (line) => said.push(line)),
    ledger: { append: (_, body) => entries.push(String(body)), commit: () => {}, durable: async () => {} },
  })
const bot = (owner: string) => [{ id: 'agent:bot', owner, purpose: '' }]

it('an agent that went comes back to its owner, and to nobody else, over restarts', async () => {
  const first = register()
  await first.observe(bot('support'))
  await first.observe([])
  await first.observe(bot('support'))
  expect(first.admits('agent:bot')).toBe(true)
  await first.observe([])
  const second = register()
  await second.observe(bot('attackers'))
  expect(second.admits('agent:bot')).toBe(false)
  expect(said.join()).toContain('choose another name')
  await second.observe(bot('support'))
  expect(second.admits('agent:bot')).toBe(true)
})

it('a new owner of an agent that stands is a change on record', async () => {
  const agents = register()
  await agents.observe(bot('support'))
  await agents.observe(bot('platform'))
  expect(agents.admits('agent:bot')).toBe(true)
  expect(entries).toEqual([
    expect.stringContaining('"action":"agent.owner","subject":"agent:bot","owner":"platform","was":"support"'),
  ])
})

it('observations that overlap are taken in their order', async () => {
  const agents = register()
  await Promise.all([agents.observe(bot('support')), agents.observe([]), agents.observe(bot('attackers'))])
  expect(agents.admits('agent:bot')).toBe(false)
})
