import { expect, test } from 'vitest'
import { sshString } from '../../kit/ssh-wire.ts'
import { NO_OBLIGATIONS, type Obligations } from '../../model/decision.ts'
import type { Operation } from '../../model/operation.ts'
import type { TranscriptEvent } from '../../model/transcript.ts'
import type { Permit, Refusal, Session } from '../contract.ts'
import { scpOrder } from './scp-order.ts'
import { ScpRelay } from './scp-relay.ts'

/** A relay for an order; what either side says, and what the other hears. */
function stage(
  line: string,
  denied: (operation: Operation) => boolean = () => false,
  obligations: Obligations = NO_OBLIGATIONS,
) {
  const judged: string[] = []
  const notes: TranscriptEvent[] = []
  let toSink = ''
  let toSource = ''
  const refusal = (code: string): Refusal => ({
    ...{ granted: false, op: 1, status: 'denied', code, rule: 'r', message: 'No.', hint: '', retry: false },
  })
  const session = {
    enforce(operation: Operation) {
      judged.push(operation.text)
      return denied(operation) ? refusal('policy.denied') : ({ granted: true, op: 1, obligations } as Permit)
    },
    refuse: (code: string) => refusal(code),
    settle: () => {},
    note: (event: TranscriptEvent) => notes.push(event),
  } as unknown as Session
  const relay = new ScpRelay(
    {
      house: { session, run: (step) => step() },
      toSource: (bytes) => {
        toSource += bytes.toString('latin1')
      },
      toSink: (bytes) => {
        toSink += bytes.toString('latin1')
      },
      tell: () => {},
      refill: () => {},
    },
    scpOrder(sshString(line))!,
  )
  return {
    judged,
    notes,
    relay,
    source: (text: string) => relay.fromSource(Buffer.from(text, 'latin1')),
    sink: (text: string) => relay.fromSink(Buffer.from(text, 'latin1')),
    heard: () => ({ toSink, toSource }),
  }
}

test('a file goes through, is judged once, and is on record', () => {
  const { source, sink, heard, judged, notes } = stage('scp -t /srv/x')
  sink('\0')
  source('T1 0 1 0\n')
  sink('\0')
  source('C0644 4 name\n')
  sink('\0')
  source('cont')
  source('\0')
  sink('\0')
  expect(heard()).toEqual({ toSink: 'T1 0 1 0\nC0644 4 name\ncont\0', toSource: '\0\0\0\0' })
  expect(judged).toEqual(['scp put /srv/x or /srv/x/name (4 bytes, mode 0644)'])
  expect(notes).toEqual([expect.objectContaining({ direction: 'put', bytes: 4, covers: 'whole' })])
})

test('the same, byte by byte', () => {
  const { source, sink, heard, notes } = stage('scp -f /srv/n')
  const all = (text: string) => {
    for (const byte of text) source(byte)
  }
  sink('\0')
  all('C0644 4 n\n')
  sink('\0')
  all('cont\0')
  sink('\0')
  expect(heard()).toEqual({ toSink: 'C0644 4 n\ncont\0', toSource: '\0\0\0' })
  expect(notes).toHaveLength(1)
})

test('a refused file is never heard of by the sink; the next one is', () => {
  const { source, sink, heard } = stage('scp -r -t /srv', ({ text }) => text.includes('secret'))
  sink('\0')
  source('C0644 3 secret\n')
  expect(heard().toSource).toMatch(/^\0\x01sluice: No\./)
  source('C0644 1 open\n')
  sink('\0')
  source('x\0')
  expect(heard().toSink).toBe('C0644 1 open\nx\0')
})

test('a refused file of the target: both sides are told, and its contents never come', () => {
  const { source, sink, heard } = stage('scp -f /srv/secret', () => true)
  sink('\0')
  source('C0644 3 secret\n')
  expect(heard().toSource).toMatch(/^\0\x01sluice: No\./)
  expect(heard().toSink).toMatch(/^\x01sluice: No\./)
})

test.each(['../x', 'a/b', '..', '.', 'a\x1b[2Jb', 'a\x07'])(
  'D11: a name like %j is refused, from either side',
  (name) => {
    for (const line of ['scp -t /srv', 'scp -f /srv']) {
      const { source, heard, judged } = stage(line)
      source(`C0644 3 ${name}\n`)
      expect(heard().toSource).toMatch(/^\x01/)
      expect(heard().toSink).not.toContain('C0644')
      expect(judged).toEqual([])
    }
  },
)

test('D11: what a target complains of moves nobody’s cursor', () => {
  const { source, heard } = stage('scp -f /srv')
  source('\x01scp: \x1b[2J\x1b]0;title\x07gone\n')
  expect(heard().toSink).toBe('\x01scp: \\u{1b}[2J\\u{1b}]0;title\\u{7}gone\n')
})

test('folders are walked as they are named, and only by an order that is recursive', () => {
  const { source, sink, judged } = stage('scp -r -t /srv/x/')
  for (const line of ['D0755 0 a\n', 'D0755 0 b\n', 'C0644 0 f\n']) {
    source(line)
    sink('\0')
  }
  source('\0')
  sink('\0')
  source('E\n')
  sink('\0')
  source('C0644 0 g\n')
  expect(judged.slice(2)).toEqual([
    'scp put /srv/x/a/b/f (0 bytes, mode 0644)',
    'scp put /srv/x/a/g (0 bytes, mode 0644)',
  ])
  const flat = stage('scp -t /srv/x/')
  flat.source('D0755 0 a\n')
  expect(flat.judged).toEqual([])
})

test.each([
  ['a record nobody knows', 'X0644 3 x\n'],
  ['a size that is no number', 'C0644 -3 x\n'],
  ['a line without end', 'C'.repeat(10_000)],
  ['a name that is not UTF-8', 'C0644 3 \xff\n'],
])('%s breaks the protocol', (_, text) => {
  expect(() => stage('scp -t /srv').source(text)).toThrow('protocol')
})

test('contents without the byte that ends them break the protocol', () => {
  const { source, sink } = stage('scp -t /srv')
  source('C0644 1 x\n')
  sink('\0')
  expect(() => source('abc\n')).toThrow('protocol')
})

test('a mask duty refuses what is brought away, not what is brought', () => {
  const masks: Obligations = { mask: [{ labels: ['secret'], with: 'redact' }] }
  const get = stage('scp -f /srv/x', () => false, masks)
  get.source('C0644 3 x\n')
  expect(get.heard().toSink).toMatch(/^\x01/)
  const put = stage('scp -t /srv/x', () => false, masks)
  put.source('C0644 3 x\n')
  expect(put.heard().toSink).toBe('C0644 3 x\n')
})
