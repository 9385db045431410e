import { expect, test } from 'vitest'
import { Secret } from '../../kit/secret.ts'
import { sshString } from '../../kit/ssh-wire.ts'
import { NO_OBLIGATIONS, type Obligations } from '../../model/decision.ts'
import { effects, hasEffect } from '../../model/effects.ts'
import type { Operation } from '../../model/operation.ts'
import type { TranscriptEvent } from '../../model/transcript.ts'
import type { Permit, Refusal, Session } from '../contract.ts'
import { scpOrder } from './scp-order.ts'
import { ScpRelay } from './scp-relay.ts'
import { cleaner } from './target-text.ts'

/** A relay for an order; what either side says, and what the other hears. */
function stage(
  line: string,
  denied: (operation: Operation) => boolean = () => false,
  obligations: Obligations = NO_OBLIGATIONS,
  /** The sink has said that it is there. */
  started = true,
) {
  const settled: string[] = []
  const judged: string[] = []
  const notes: TranscriptEvent[] = []
  let toSink = ''
  let toSource = ''
  let over = false
  const refusal = (code: string): Refusal => ({
    ...{ granted: false, op: 1, status: 'denied', code, rule: 'r', message: 'No.', hint: '', retry: false },
  })
  const session = {
    enforce(operation: Operation) {
      judged.push(operation.text)
      return denied(operation) ? refusal('policy.denied') : ({ granted: true, op: 1, obligations } as Permit)
    },
    refuse: (code: string) => refusal(code),
    settle: (_: Permit, { status, tag }: { status: string; tag: string }) => settled.push(`${status} ${tag}`),
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
      clean: cleaner(obligations.mask, { maskKey: new Secret('of a test') }),
      endSink: () => {
        over = true
      },
      refill: () => {},
    },
    scpOrder(sshString(line))!,
  )
  if (started) {
    relay.fromSink(Buffer.from([0]))
    toSource = ''
  }
  return {
    judged,
    notes,
    settled,
    relay,
    source: (text: string) => relay.fromSource(Buffer.from(text, 'latin1')),
    sink: (text: string) => relay.fromSink(Buffer.from(text, 'latin1')),
    heard: () => ({ toSink, toSource }),
    ended: () => over,
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

test('D11: nothing of the source is read before its answer came: what a sink refuses to take is no line to it', () => {
  const all = 'C0644 60 taken\nC4755 1 smuggled\nx\0'
  const { source, sink, heard, judged } = stage('scp -t /srv/x/', undefined, undefined, false)
  source(all)
  expect([heard().toSink, judged]).toEqual(['', []])
  sink('\0')
  expect(heard().toSink).toBe('C0644 60 taken\n')
  sink('\x01scp: taken: Permission denied\n')
  // The source goes on as if it had been taken: what it says next is a record, and judged.
  expect(heard().toSink).toBe('C0644 60 taken\nC4755 1 smuggled\n')
  expect(judged[1]).toBe('scp put /srv/x/smuggled (1 bytes, mode 4755)')
})

test('D11: each line has its answer before the next is read', () => {
  const { source, sink, heard, judged } = stage('scp -r -t /srv/x/')
  source('D0755 0 a\nT1 0 1 0\nC0644 1 f\nx\0E\nC0644 0 g\n\0')
  for (const [most, judgements] of [
    ['D0755 0 a\n', 1],
    ['D0755 0 a\nT1 0 1 0\n', 1],
    ['D0755 0 a\nT1 0 1 0\nC0644 1 f\n', 2],
    ['D0755 0 a\nT1 0 1 0\nC0644 1 f\nx\0', 2],
    ['D0755 0 a\nT1 0 1 0\nC0644 1 f\nx\0E\n', 2],
    ['D0755 0 a\nT1 0 1 0\nC0644 1 f\nx\0E\nC0644 0 g\n', 3],
  ] as const) {
    expect([heard().toSink, judged.length]).toEqual([most, judgements])
    sink('\0')
  }
  expect(judged[2]).toContain('/srv/x/g')
})

test('what is said to the end is passed on before the end is', () => {
  const { source, sink, relay, heard, ended } = stage('scp -t /srv/x', undefined, undefined, false)
  source('C0644 1 x\ny\0')
  relay.sourceEof()
  sink('\0')
  expect(ended()).toBe(false)
  sink('\0')
  expect([heard().toSink, ended()]).toEqual(['C0644 1 x\ny\0', true])
})

test.each([
  ['the sink could not write it', '\0', '\x01scp: x: No space left on device\n'],
  ['the source could not read it', '\x01scp: x: Input/output error\n', '\0'],
])('G40: where %s, no digest is said to be of the file', (_, closing, answer) => {
  const { source, sink, notes, settled } = stage('scp -t /srv/x')
  source('C0644 4 x\n')
  sink('\0')
  source(`good${closing}`)
  expect(notes).toEqual([])
  sink(answer)
  expect(notes).toEqual([expect.objectContaining({ covers: 'moved', bytes: 4 })])
  expect(settled[0]).toMatch(
    /^(?:ok|error) put 4 bytes, sha256 [0-9a-f]{64} of 4 bytes in the order they moved, not of/,
  )
})

const MASKS: Obligations = { mask: [{ labels: ['pii.*', 'pci.*'], with: 'redact' }] }
const COMPLAINT = 'scp: \x1b]0;x\x07 ann.smith@example.com 4111111111111111\n'

test.each(['\x01', '\x02', 'x'])(
  'D11: a complaint of the target that begins with %j shows no value and moves no cursor',
  (first) => {
    const put = stage('scp -t /srv/x', undefined, MASKS)
    for (const byte of `${first}${COMPLAINT}`) put.sink(byte)
    expect(put.heard().toSource).toMatch(/^[\x01\x02]x?scp: \\u\{1b\}\]0;x\\u\{7\} \*masked\* \*masked\*\n$/)
    if (first === 'x') return
    const get = stage('scp -f /srv/x', undefined, MASKS)
    get.source(`${first}${COMPLAINT}`)
    expect(get.heard().toSink).toBe(`${first}scp: \\u{1b}]0;x\\u{7} *masked* *masked*\n`)
  },
)

test('a complaint without end breaks the protocol', () => {
  expect(() => stage('scp -t /srv/x').sink(`\x01${'x'.repeat(10_000)}`)).toThrow('protocol')
})

test.each([
  ['scp -t /srv/x', 'C0664', false],
  ['scp -t /srv/x', 'C0666', true],
  ['scp -t /srv/x', 'C2755', true],
  ['scp -t /srv/x', 'C1644', true],
  ['scp -p -t /srv/x', 'C0664', true],
  ['scp -p -t /srv/x', 'C0644', false],
  ['scp -r -p -t /srv/x', 'D0775', true],
])('D4: %s of a %s: who is granted something', (line, record, grants) => {
  const seen: boolean[] = []
  const { source } = stage(line, ({ effects: set }) => {
    seen.push(hasEffect(set, effects('grant')))
    return false
  })
  source(`${record} 0 x\n`)
  expect(seen).toEqual([grants])
})
