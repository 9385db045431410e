/** COPY in both directions, also where client and server disagree for a moment about whether it runs. */
import { describe, expect, test } from 'vitest'
import * as backend from '../../../test/rig/backend.ts'
import { framesOf } from '../../../test/rig/frames.ts'
import { SHOP, SHOP_LABELS } from '../../../test/rig/sketch.ts'
import { type Regime, Talk } from '../../../test/rig/talk.ts'
import * as wire from '../../../test/rig/wire.ts'

const OPEN: Regime = { decide: () => ({ outcome: 'allow' }), catalogue: SHOP, sampleRows: 0 }
const MASKED: Regime = {
  decide: () => ({ outcome: 'allow', obligations: { mask: [{ labels: ['*'], with: 'redact' }] } }),
  labels: SHOP_LABELS,
  catalogue: SHOP,
  sampleRows: 0,
}
const IN = 'copy orders from stdin'
const EXECUTED = [wire.parse('', IN), wire.bind('', ''), wire.execute('')]
const BOUND = [backend.parseComplete(), backend.bindComplete()]

/** What a client may ask at the end, when everything must be in step again. */
async function expectInStep(talk: Talk): Promise<void> {
  talk.sent()
  talk.heard()
  await talk.says(wire.query('select 1'))
  await talk.answers(backend.description('a'), backend.row('1'), backend.complete('SELECT 1'), backend.ready())
  expect(talk.failure).toBeUndefined()
  expect(talk.heard()).toEqual(['T a 25 0', 'D 1', 'C SELECT 1', 'Z I'])
  expect(talk.open.size).toBe(0)
}

describe('COPY FROM STDIN', () => {
  test('by a simple Query', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN))
    await talk.answers(backend.copyIn())
    await talk.says(wire.copyData('1\n'), wire.copyDone())
    expect(talk.sent()).toEqual([`Q ${IN}`, 'd 2', 'c'])
    await talk.answers(backend.complete('COPY 1'), backend.ready())
    await expectInStep(talk)
  })

  test('everything at once: CopyDone leaves before CopyInResponse is there', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN), wire.copyData('1\n'), wire.copyDone())
    expect(talk.sent()).toEqual([`Q ${IN}`, 'd 2', 'c'])
    await talk.answers(backend.copyIn(), backend.complete('COPY 1'), backend.ready())
    await expectInStep(talk)
  })

  test('A52: with a Sync before the data ends, which the server throws away', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(...EXECUTED, wire.sync())
    await talk.answers(...BOUND, backend.copyIn())
    await talk.says(wire.sync(), wire.copyData('1\n'), wire.copyDone(), wire.sync())
    await talk.answers(backend.complete('COPY 1'), backend.ready())
    await expectInStep(talk)
  })

  test('A52: with the early Sync and all data at once', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(...EXECUTED, wire.sync(), wire.copyData('1\n'), wire.copyDone(), wire.sync())
    await talk.answers(...BOUND, backend.copyIn(), backend.complete('COPY 1'), backend.ready())
    await expectInStep(talk)
  })

  test('with the early Sync, refused by the server before it starts: then that Sync counts', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(...EXECUTED, wire.sync(), wire.copyData('1\n'), wire.copyDone(), wire.sync())
    await talk.answers(...BOUND, backend.error('42501'), backend.ready(), backend.ready())
    await expectInStep(talk)
  })

  test('refused by the server before it starts, with its end already on the way', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN), wire.copyData('1\n'), wire.copyDone(), wire.copyDone(), wire.query('select 2'))
    await talk.answers(backend.error('42501'), backend.ready())
    await talk.answers(backend.description('a'), backend.row('2'), backend.complete('SELECT 1'), backend.ready())
    await expectInStep(talk)
  })

  test('failed by the client', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(...EXECUTED, wire.sync())
    await talk.answers(...BOUND, backend.copyIn())
    await talk.says(wire.copyFail('no'), wire.sync())
    await talk.answers(backend.error('57014'), backend.ready())
    await expectInStep(talk)
  })

  test('failed by the server in the midst of it', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN))
    await talk.answers(backend.copyIn())
    await talk.says(wire.copyData('1\n'))
    await talk.answers(backend.error('22P02'), backend.ready())
    await talk.says(wire.copyData('2\n'), wire.copyDone())
    await expectInStep(talk)
  })

  test('a CopyData whose header has left leaves whole when the COPY fails in its midst: nothing else is read as its rest', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN))
    await talk.answers(backend.copyIn())
    const message = wire.copyData('x'.repeat(100))
    await talk.says(message.subarray(0, 20))
    await talk.answers(backend.error('22P02'), backend.ready())
    await talk.says(message.subarray(20), wire.query('select 1'))
    expect(talk.sent()).toEqual([`Q ${IN}`, 'd 100', 'Q select 1'])
  })

  test('a CopyData whose header was dropped is dropped whole', async () => {
    const talk = await Talk.open(OPEN)
    const message = wire.copyData('x'.repeat(100))
    await talk.says(message.subarray(0, 20))
    await talk.says(message.subarray(20), wire.query('select 1'))
    expect(talk.sent()).toEqual(['Q select 1'])
  })

  test('A51: stray copy messages are dropped', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.copyData('x'), wire.copyDone(), wire.copyFail('y'))
    expect(talk.sent()).toEqual([])
    await expectInStep(talk)
  })

  test('A52: a Query instead of data ends the session before it is sent', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN))
    await talk.answers(backend.copyIn())
    await talk.says(wire.query('select 1'))
    expect(talk.failure?.code).toBe('protocol.malformed')
    expect(talk.sent()).toEqual([`Q ${IN}`])
  })

  test('A52: so does one that waited while the server began to want data', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.parse('s', 'select 1'), wire.sync())
    await talk.answers(backend.parseComplete(), backend.ready())
    await talk.says(
      ...EXECUTED,
      wire.close('S', 's'),
      wire.parse('s', 'select 2'),
      wire.flush(),
      wire.parse('s', 'select 3'),
    )
    await talk.answers(...BOUND, backend.copyIn())
    expect(talk.failure?.code).toBe('protocol.malformed')
  })

  test('data the client sends to a COPY nobody permitted is not sent', async () => {
    const talk = await Talk.open({ ...OPEN, decide: () => ({ outcome: 'deny' }) })
    await talk.says(wire.query(IN), wire.copyData('1\n'), wire.copyDone())
    expect(talk.sent()).toEqual(['Q SLUICE REFUSED'])
  })

  test('by two Queries at once, each with its data', async () => {
    const talk = await Talk.open(OPEN)
    const one = [wire.query(IN), wire.copyData('1\n'), wire.copyDone()]
    await talk.says(...one, ...one)
    const answer = [backend.copyIn(), backend.complete('COPY 1'), backend.ready()]
    await talk.answers(...answer, ...answer)
    await expectInStep(talk)
  })
})

describe('COPY TO STDOUT', () => {
  const out = (text: string) => frame('d', text)
  const frame = (type: string, text = '') => wire.frame(type, Buffer.from(text))

  test('passes, and its rows are counted', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query('copy orders to stdout'))
    await talk.answers(
      backend.copyOut(),
      out('1\n'),
      out('2\n'),
      frame('c'),
      backend.complete('COPY 2'),
      backend.ready(),
    )
    expect(talk.heard().map((line) => line[0])).toEqual(['H', 'd', 'd', 'c', 'C', 'Z'])
    expect(talk.told.at(-1)).toContain('"rows":2')
    await expectInStep(talk)
  })

  test('B14: is masked, whatever pieces it comes in', async () => {
    const talk = await Talk.open(MASKED)
    await talk.says(wire.query('copy customers (id, ssn) to stdout'))
    await talk.answers(backend.copyOut(2), out('1\t987-65-'), out('4321\n'))
    await talk.answers(frame('c'), backend.complete('COPY 1'), backend.ready())
    const all = framesOf(talk.toClientAll).frames.filter(({ type }) => type === 'd')
    expect(all.map(({ bytes }) => bytes.toString('utf8', 5))).toEqual(['1\t*masked*\n'])
  })

  test.each([
    ['data', [out('987-65-4321\n')]],
    ['its end', [frame('c')]],
    ['data after its end', [backend.copyOut(2), frame('c'), out('987-65-4321\n')]],
    ['an answer cut short', [frame('H', '\0')]],
    ['both ways', [wire.frame('W', Buffer.alloc(3))]],
    ['a COPY the other way', [backend.copyIn()]],
  ])('%s without a COPY to belong to ends the session', async (_, messages) => {
    const talk = await Talk.open(MASKED)
    await talk.says(wire.query('copy customers (id, ssn) to stdout'))
    await talk.answers(...messages)
    expect(talk.failure?.code).toBe('protocol.target')
    expect(talk.toClientAll.toString()).not.toContain('987-65-4321')
  })

  test('a message of any size passes in pieces where nothing is masked', async () => {
    const talk = await Talk.open({ ...OPEN, sampleRows: 20 })
    await talk.says(wire.query('copy orders to stdout'))
    const large = out('x'.repeat(100_000))
    await talk.answers(backend.copyOut(), large.subarray(0, 50))
    expect(framesOf(talk.toClientAll).rest.length).toBe(50)
    await talk.answers(large.subarray(50), frame('c'), backend.complete('COPY 1'), backend.ready())
    await expectInStep(talk)
  })
})

describe('B46 masked text in the data of COPY FROM STDIN', () => {
  const masked = '7\tada\t***@***.com\n'

  test.each<[string, Buffer[]]>([
    ['whole', [wire.copyData('1\ta\ta@b.c\n'), wire.copyData(masked)]],
    ['across two messages', [wire.copyData(masked.slice(0, 9)), wire.copyData(masked.slice(9))]],
    ['byte by byte', [...masked].map((byte) => wire.copyData(byte))],
    ['in one long message', [wire.copyData(`${'1\ta\ta@b.c\n'.repeat(5000)}${masked}`)]],
  ])('%s: the COPY fails, its client hears why, and everything is in step', async (_, data) => {
    for (const size of [Number.MAX_SAFE_INTEGER, 7]) {
      const talk = await Talk.open(MASKED)
      await talk.says(wire.query(IN))
      await talk.answers(backend.copyIn())
      const said = Buffer.concat([...data, wire.copyData('9\tx\ty\n'), wire.copyDone()])
      for (let at = 0; at < said.length; at += size) talk.fromClient(said.subarray(at, at + size))
      await Talk.settled()
      const sent = talk.toTargetAll
      expect(sent.includes('***@***')).toBe(false)
      expect(framesOf(sent)).toMatchObject({ rest: Buffer.alloc(0) })
      expect(talk.sent().filter((one) => !one.startsWith('d '))).toEqual([`Q ${IN}`, 'f refused'])
      await talk.answers(backend.error('57014', 'COPY from stdin failed: refused'), backend.ready())
      expect(talk.heard().slice(1)).toEqual([expect.stringContaining('mask.write'), 'Z I'])
      await expectInStep(talk)
    }
  })

  test('by the extended protocol, with everything said at once', async () => {
    const talk = await Talk.open(MASKED)
    await talk.says(...EXECUTED, wire.copyData(masked), wire.copyDone(), wire.sync())
    expect(talk.sent().at(-1)).toBe('S')
    await talk.answers(
      ...BOUND,
      backend.noData(),
      backend.copyIn(),
      backend.error('57014', 'COPY from stdin failed: refused'),
      backend.ready(),
    )
    expect(talk.heard().slice(3)).toEqual([expect.stringContaining('mask.write'), 'Z I'])
    await expectInStep(talk)
  })

  test('passes where nothing is masked', async () => {
    const talk = await Talk.open(OPEN)
    await talk.says(wire.query(IN))
    await talk.answers(backend.copyIn())
    await talk.says(wire.copyData(masked), wire.copyDone())
    expect(talk.toTargetAll.includes('***@***')).toBe(true)
    await talk.answers(backend.complete('COPY 1'), backend.ready())
    await expectInStep(talk)
  })
})
