import { expect, test } from 'vitest'
import type { Policy, Ports } from '../model/ports.ts'
import { ClientGate } from './gate.ts'
import { StandingOperations } from './standing.ts'
import { Tick } from './tick.ts'

function gateOf() {
  const entries: string[] = []
  const asked: string[] = []
  const ledger = {
    append: (kind: string, body: unknown) => entries.push(`${kind} ${body}`),
    commit: () => {},
    durable: async () => {},
  }
  const identity = { authenticate: async ({ proof }: { proof: string }) => void asked.push(proof) }
  const policy = { resource: () => undefined } as unknown as Policy
  const ports = { ledger, identity, policy: { current: () => policy } } as unknown as Ports
  const gate = new ClientGate({
    ports,
    tick: new Tick(ledger as unknown as Ports['ledger']),
    standing: new StandingOperations(ports.policy),
    protocol: { name: 'test', fulfils: new Set(), serve: async () => {} },
    tls: undefined,
    loopback: false,
    closing: new AbortController().signal,
    now_ms: () => 0,
    sessions: new Map(),
    broken: () => {},
  })
  const open = (kind: 'token' | 'certificate') =>
    gate.open({ kind, proof: kind, from: '192.0.2.7' }, { resource: 'orders' })
  return { open, asked, entries }
}

test('however often an address was wrong, what it shows next is looked at: a right proof is never kept out by wrong ones', async () => {
  const { open, asked, entries } = gateOf()
  const answers = []
  for (let i = 0; i < 30; i++) answers.push(await open(i % 2 ? 'token' : 'certificate'))
  expect(asked).toHaveLength(30)
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(entries).toHaveLength(30)
})
