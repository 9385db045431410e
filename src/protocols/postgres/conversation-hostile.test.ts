/** A target that says what nobody asked, and peers that try to make the gateway keep more than it should. */
import { describe, expect, test } from 'vitest'
import * as backend from '../../../test/rig/backend.ts'
import { SHOP, SHOP_LABELS } from '../../../test/rig/sketch.ts'
import { type Regime, Talk } from '../../../test/rig/talk.ts'
import * as wire from '../../../test/rig/wire.ts'
import { COLLECTED_BYTES, EXCHANGES, SAMPLE_BYTES } from './limits.ts'

const OPEN: Regime = { decide: () => ({ outcome: 'allow' }), catalogue: SHOP, sampleRows: 20 }
const MASKED: Regime = {
  decide: () => ({ outcome: 'allow', obligations: { mask: [{ labels: ['*'], with: 'redact' }] } }),
  labels: SHOP_LABELS,
  catalogue: SHOP,
}
const SECRET = '987-65-4321'
const ROW = backend.row(SECRET)
const PARSED = [wire.parse('', 'select ssn from customers'), wire.bind('', ''), wire.execute(''), wire.sync()]
const ANSWERED = [backend.parseComplete(), backend.bindComplete()]
const QUERY = [wire.query('select ssn from customers')]

/** A message with a length field of our own choice. */
function lying(type: string, length: number, body = ''): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(length, 1)
  return Buffer.concat([head, Buffer.from(body)])
}

describe('a hostile target', () => {
  test.each<[string, Buffer[], Buffer[]]>([
    ['a row nobody asked for', [], [ROW]],
    ['a row before its description', QUERY, [ROW]],
    ['a row of more columns than described', QUERY, [backend.description('ssn'), backend.row('a', SECRET)]],
    [
      'a row of an unknown layout',
      QUERY,
      [backend.description('ssn'), wire.frame('D', Buffer.from([0, 1, 0, 0, 0, 99]))],
    ],
    ['a row that belongs to a Bind', PARSED, [backend.parseComplete(), ROW]],
    ['a row for what was refused', [wire.query('syntax error')], [ROW]],
    ['a description nobody asked for', [], [backend.description(SECRET)]],
    ['a description in place of a ParseComplete', PARSED, [backend.description(SECRET)]],
    ['NoData nobody asked for', QUERY, [backend.noData()]],
    ['parameters nobody asked for', QUERY, [backend.parameterTypes(23)]],
    [
      'parameters cut short',
      [wire.parse('', 'select 1'), wire.describe('S', ''), wire.sync()],
      [backend.parseComplete(), wire.frame('t', Buffer.from([0, 9]))],
    ],
    ['a description cut short', QUERY, [wire.frame('T', Buffer.from([0, 3, 65]))]],
    ['BindComplete before ParseComplete', PARSED, [backend.bindComplete()]],
    ['CloseComplete nobody asked for', PARSED, [...ANSWERED, backend.closeComplete()]],
    ['PortalSuspended of a Query', QUERY, [backend.portalSuspended()]],
    ['CommandComplete nobody asked for', [], [backend.complete('SELECT 1')]],
    ['CommandComplete of what was refused', [wire.query('syntax error')], [backend.complete('SELECT 1')]],
    ['ReadyForQuery nobody asked for', [], [backend.ready()]],
    ['ReadyForQuery before the replies', PARSED, [backend.ready()]],
    ['ReadyForQuery of an unknown status', QUERY, [backend.ready('X')]],
    ['ReadyForQuery of no status', QUERY, [wire.frame('Z')]],
    ['a function’s result nobody asked for', QUERY, [wire.frame('V', Buffer.from(SECRET))]],
    ['a ParameterStatus cut short', [], [wire.frame('S', Buffer.from('a\0b'))]],
    ['an error cut short', QUERY, [wire.frame('E', Buffer.from('Mx'))]],
    ['BackendKeyData', [], [backend.keyData(7, Buffer.from(SECRET))]],
    ['an authentication request', [], [wire.frame('R', Buffer.from([0, 0, 0, 3]))]],
    ['an unknown message', [], [wire.frame('y', Buffer.from(SECRET))]],
    ['a length of 3', QUERY, [lying('D', 3, SECRET)]],
    ['a negative length', QUERY, [lying('C', -1, SECRET)]],
    ['a length beyond what is collected', QUERY, [lying('T', COLLECTED_BYTES + 1, SECRET)]],
  ])('%s: the session ends, and nothing of it is shown', async (_, asked, answered) => {
    const talk = await Talk.open(MASKED)
    await talk.says(...asked)
    await talk.answers(...answered)
    expect(['protocol.target', 'mask.unreadable']).toContain(talk.failure?.code)
    expect(talk.toClientAll.toString()).not.toContain(SECRET)
    expect(talk.toClientAll.toString()).toContain('SFATAL')
    expect(talk.open.size).toBe(0)
  })

  test('what it said before, in the same piece, is told', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query('select 1'))
    await talk.answers(
      backend.description('a'),
      backend.row('1'),
      backend.complete('SELECT 1'),
      backend.ready(),
      wire.frame('y'),
    )
    expect(talk.heard().map((line) => line[0])).toEqual(['T', 'D', 'C', 'Z', 'E'])
  })

  test('FATAL and an end in the midst of a query: the client hears both, and what ran is settled', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query('select 1'))
    await talk.answers(backend.error('57P01', 'terminating connection', 'FATAL'))
    talk.targetLeft()
    expect(talk.heard()[0]).toContain('C57P01')
    expect(talk.open.size).toBe(0)
    expect(talk.told.at(-1)).toContain('ERROR 57P01')
  })

  test('an end in the midst of a message', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query('select 1'))
    await talk.answers(backend.description('a').subarray(0, 9))
    talk.targetLeft()
    expect(talk.failure?.code).toBe('target.left')
  })
})

describe('a hostile client', () => {
  test.each([
    ['a length of 3', lying('Q', 3)],
    ['a negative length', lying('Q', -1)],
    ['the largest length', lying('Q', 0x7fffffff)],
    ['a Sync with a body', lying('S', 5, 'x')],
    ['an unknown type', lying('y', 4)],
    ['a password', lying('p', 8, 'abc\0')],
    ['a server’s message', lying('Z', 5, 'I')],
    ['a NUL inside a Query (A15)', wire.frame('Q', Buffer.from('select 1\0; select 2\0'))],
    ['bytes behind a Parse (A16)', wire.frame('P', Buffer.from('\0select 1\0\0\0x'))],
    ['invalid UTF-8 (A14)', wire.frame('Q', Buffer.from([0xc0, 0xaf, 0]))],
    ['a Describe of neither', wire.frame('D', Buffer.from('X\0'))],
    ['a negative parameter length', wire.frame('B', Buffer.from([0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe, 0, 0]))],
  ])('A50: %s ends the session, and nothing of it is sent', async (_, message) => {
    const talk = await Talk.open(OPEN)
    await talk.says(message)
    expect(talk.failure?.code).toBe('protocol.malformed')
    expect(talk.sent()).toEqual([])
  })

  test('a flood of Syncs waits once too many replies are due', async () => {
    const talk = await Talk.open(OPEN)
    const flood = Buffer.concat(Array.from({ length: EXCHANGES + 100 }, () => wire.sync()))
    await talk.says(flood)
    expect(talk.parked).toBe(true)
    expect(talk.sent().length).toBe(EXCHANGES + 1)
    await talk.answers(...Array.from({ length: EXCHANGES + 1 }, () => backend.ready()))
    expect(talk.sent().length).toBe(99)
    expect(talk.parked).toBe(false)
  })

  test.each(['sync', 'named', 'unnamed', 'copy'] as const)(
    '10,000 messages cost no more each than the first (%s)',
    async (kind) => {
      const talk = await Talk.open({ ...OPEN, sampleRows: 0 })
      const messages = {
        sync: () => [wire.sync()],
        named: (i: number) => [wire.bind(`p${i}`, 's')],
        unnamed: () => [wire.bind('', 's')],
        copy: () => [wire.copyData('')],
      }[kind]
      await talk.says(wire.parse('s', 'select 1'), wire.query('copy orders from stdin'))
      // The least of ten stretches: what else the machine does cannot make it less.
      const least = (from: number) => {
        const times = Array.from({ length: 10 }, (_, stretch) => {
          const first = from + stretch * 100
          const bytes = Buffer.concat(Array.from({ length: 100 }, (_, i) => messages(first + i)).flat())
          const began = performance.now()
          talk.fromClient(bytes)
          return performance.now() - began
        })
        return Math.min(...times)
      }
      const early = least(1000)
      for (let from = 2000; from < 8000; from += 1000) least(from)
      expect(least(8000)).toBeLessThan(8 * early + 0.5)
    },
  )
})

describe('what is kept', () => {
  test('of rows only so many bytes are sampled, and the same ones whatever the pieces', async () => {
    const many = Buffer.concat(Array.from({ length: 19 }, (_, i) => backend.row(`${i}${'x'.repeat(1000)}`)))
    const noted: string[] = []
    for (const size of [many.length, 999]) {
      const talk = await Talk.open(OPEN)
      await talk.says(wire.query('select note from orders'))
      await talk.answers(backend.description('note'))
      for (let at = 0; at < many.length; at += size) talk.fromTarget(many.subarray(at, at + size))
      noted.push(talk.told.filter((line) => line.startsWith('rows')).join())
    }
    expect(noted[0]).toBe(noted[1])
    expect(noted[0]!.length).toBeGreaterThan(SAMPLE_BYTES / 2)
    expect(noted[0]!.length).toBeLessThan(SAMPLE_BYTES + 100)
  })

  test('a row too large to be sampled is not collected for it', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query('select note from orders'))
    await talk.answers(backend.description('note'), lying('D', COLLECTED_BYTES * 2, '\0'))
    expect(talk.failure).toBeUndefined()
    for (let i = 0; i < 8; i++) talk.fromTarget(Buffer.alloc(1 << 20))
    expect(talk.toClientAll.length).toBeGreaterThan(8 << 20)
  })
})
