import { expect, test } from 'vitest'
import type { GuessBound, Policy, Ports } from '../model/ports.ts'
import { ClientGate } from './gate.ts'
import { Tick } from './tick.ts'

function gateOf({ loopback }: { loopback: boolean }) {
  const entries: string[] = []
  const asked: string[] = []
  let wrong = 0
  const ledger = {
    append: (kind: string, body: unknown) => entries.push(`${kind} ${body}`),
    commit: () => {},
    durable: async () => {},
  }
  const guesses: GuessBound = {
    waits: () => wrong >= 3,
    wrong: () => {
      wrong++
    },
  }
  const identity = { authenticate: async ({ proof }: { proof: string }) => void asked.push(proof), guesses }
  const policy = { resource: () => undefined } as unknown as Policy
  const ports = { ledger, identity, policy: { current: () => policy } } as unknown as Ports
  const gate = new ClientGate({
    ports,
    tick: new Tick(ledger as unknown as Ports['ledger']),
    protocol: { name: 'test', fulfils: new Set(), serve: async () => {} },
    tls: undefined,
    loopback,
    closing: new AbortController().signal,
    now_ms: () => 0,
    sessions: new Map(),
    broken: () => {},
  })
  const open = (kind: 'token' | 'certificate') =>
    gate.open({ kind, proof: kind, from: '192.0.2.7' }, { resource: 'orders' })
  return { open, asked, entries }
}

test('an address that was wrong too often waits: its token is not looked at, and it hears the same', async () => {
  const { open, asked, entries } = gateOf({ loopback: false })
  const answers = []
  for (let i = 0; i < 5; i++) answers.push(await open('token'))
  expect(asked).toHaveLength(3)
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(entries).toHaveLength(5)
  expect(entries.at(-1)).toContain('too many wrong proofs')
  // A certificate cannot be guessed: who shows one is asked for a token next, and must not pay for it.
  await open('certificate')
  expect(asked).toHaveLength(4)
})

test('nobody on this machine waits', async () => {
  const { open, asked } = gateOf({ loopback: true })
  for (let i = 0; i < 5; i++) await open('token')
  expect(asked).toHaveLength(5)
})
