/** Limits, held operations and ends: every permit is settled once, whatever happens to what it permitted. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import * as backend from '../../../test/rig/backend.ts'
import { framesOf } from '../../../test/rig/frames.ts'
import { SHOP } from '../../../test/rig/sketch.ts'
import { type Regime, Talk } from '../../../test/rig/talk.ts'
import * as wire from '../../../test/rig/wire.ts'
import type { Obligations } from '../../model/decision.ts'

const limited = (obligations: Partial<Obligations>): Regime => ({
  decide: () => ({ outcome: 'allow', obligations: { mask: [], ...obligations } }),
  catalogue: SHOP,
  sampleRows: 0,
})
const ASKING: Regime = {
  decide: (_, { text }) => ({ outcome: text.includes('ask') ? 'approve' : 'allow' }),
  catalogue: SHOP,
  sampleRows: 0,
}
const BOUND = [backend.parseComplete(), backend.bindComplete()]
const TEXT = 'select id from orders'
const rows = (count: number) => Array.from({ length: count }, (_, i) => backend.row(String(i)))
const batch = (text = TEXT, most = 0) => [wire.parse('', text), wire.bind('', ''), wire.execute('', most)]
const settlements = (talk: Talk) => talk.told.filter((line) => line.startsWith('settle')).map((line) => line.slice(7))

describe('most rows', () => {
  test('the target is told to stop, and its error is replaced by the reason', async () => {
    const talk = await Talk.open(limited({ rows: 2 }))
    await talk.says(wire.query(TEXT))
    await talk.answers(backend.description('id'), ...rows(5))
    expect(talk.cancels).toBe(1)
    await talk.answers(...rows(5), backend.error('57014', 'canceling statement'), backend.ready())
    const heard = talk.heard()
    expect(heard.slice(0, 3)).toEqual(['T id 25 0', 'D 0', 'D 1'])
    expect(heard[3]).toContain('limit.rows')
    expect(heard[4]).toBe('Z I')
    expect(talk.cancels).toBe(1)
    expect(settlements(talk)).toEqual([expect.stringMatching(/^1 .*"cancelled".*"rows":2/)])
  })

  test('where the target finishes before it hears of it, the client hears the reason and then nothing until ReadyForQuery', async () => {
    const talk = await Talk.open(limited({ rows: 2 }))
    await talk.says(...batch(), ...batch(), wire.sync())
    const answer = [...BOUND, ...rows(3), backend.complete('SELECT 3')]
    await talk.answers(...answer, ...answer, backend.ready())
    expect(talk.heard()).toEqual(['1', '2', 'D 0', 'D 1', expect.stringContaining('limit.rows'), 'Z I'])
    expect(settlements(talk).length).toBe(2)
    await talk.says(wire.query(TEXT))
    await talk.answers(backend.description('id'), ...rows(1), backend.complete('SELECT 1'), backend.ready())
    expect(talk.heard()).toEqual(['T id 25 0', 'D 0', 'C SELECT 1', 'Z I'])
  })

  test('they count over all Executes of a portal, and a suspension does not hide that they are reached', async () => {
    const talk = await Talk.open(limited({ rows: 3 }))
    await talk.says(wire.query('begin'))
    await talk.answers(backend.complete('BEGIN'), backend.ready('T'))
    talk.heard()
    await talk.says(wire.parse('', TEXT), wire.bind('p', ''), wire.execute('p', 2), wire.sync())
    await talk.answers(...BOUND, ...rows(2), backend.portalSuspended(), backend.ready('T'))
    await talk.says(wire.execute('p', 2), wire.sync())
    await talk.answers(...rows(2), backend.portalSuspended(), backend.ready('T'))
    const expected = ['1', '2', 'D 0', 'D 1', 's', 'Z T', 'D 0', expect.stringContaining('limit.rows'), 'Z T']
    expect(talk.heard()).toEqual(expected)
  })

  test('a row too many is dropped unseen, however large and in whatever pieces', async () => {
    const talk = await Talk.open(limited({ rows: 1 }))
    await talk.says(wire.query(TEXT))
    const large = backend.row('x'.repeat(100_000))
    await talk.answers(backend.description('id'), ...rows(1), large.subarray(0, 100))
    await talk.answers(large.subarray(100, 5000))
    await talk.answers(large.subarray(5000), backend.error('57014'), backend.ready())
    expect(talk.heard().map((line) => line[0])).toEqual(['T', 'D', 'E', 'Z'])
  })

  test('of COPY TO STDOUT count as rows of a SELECT do', async () => {
    const talk = await Talk.open(limited({ rows: 1 }))
    await talk.says(wire.query('copy orders to stdout'))
    const row = wire.copyData('1\n')
    await talk.answers(backend.copyOut(), row, row, wire.copyDone(), backend.complete('COPY 2'), backend.ready())
    expect(talk.heard().map((line) => line[0])).toEqual(['H', 'd', 'c', 'E', 'Z'])
    expect(talk.cancels).toBe(1)
  })
})

describe('most time', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  test('the target is told to stop, and its error is replaced by the reason', async () => {
    const talk = await Talk.open(limited({ timeout_ms: 100 }))
    await talk.says(wire.query(TEXT))
    vi.advanceTimersByTime(99)
    expect(talk.cancels).toBe(0)
    vi.advanceTimersByTime(1)
    expect(talk.cancels).toBe(1)
    await talk.answers(backend.error('57014'), backend.ready())
    expect(talk.heard()[0]).toContain('limit.timeout')
  })

  test('does not count while others run before it: nobody else is cancelled for it', async () => {
    const regime: Regime = {
      ...limited({}),
      decide: (_, { text }) => ({
        outcome: 'allow',
        obligations: text === TEXT ? { mask: [], timeout_ms: 100 } : { mask: [] },
      }),
    }
    const talk = await Talk.open(regime)
    await talk.says(wire.query('select 1'), wire.query(TEXT))
    vi.advanceTimersByTime(1000)
    expect(talk.cancels).toBe(0)
    await talk.answers(backend.description('a'), backend.complete('SELECT 0'), backend.ready())
    vi.advanceTimersByTime(100)
    expect(talk.cancels).toBe(1)
  })

  test('does not count while a portal rests, and goes on where it was', async () => {
    const talk = await Talk.open(limited({ timeout_ms: 100 }))
    await talk.says(wire.query('begin'))
    await talk.answers(backend.complete('BEGIN'), backend.ready('T'))
    await talk.says(wire.parse('', TEXT), wire.bind('p', ''), wire.execute('p', 1), wire.sync())
    await talk.answers(...BOUND)
    vi.advanceTimersByTime(60)
    await talk.answers(...rows(1), backend.portalSuspended(), backend.ready('T'))
    vi.advanceTimersByTime(10_000)
    expect(talk.cancels).toBe(0)
    await talk.says(wire.execute('p', 1), wire.sync())
    vi.advanceTimersByTime(39)
    expect(talk.cancels).toBe(0)
    vi.advanceTimersByTime(1)
    expect(talk.cancels).toBe(1)
  })

  test('an operation that is over cancels nothing any more', async () => {
    const talk = await Talk.open(limited({ timeout_ms: 100 }))
    await talk.says(...batch(), wire.sync())
    await talk.answers(...BOUND, backend.complete('SELECT 0'), backend.ready())
    vi.advanceTimersByTime(10_000)
    expect(talk.cancels).toBe(0)
  })
})

describe('held for people', () => {
  test('nothing behind it is judged or sent; once it is permitted all goes on in order', async () => {
    const talk = await Talk.open(ASKING)
    await talk.says(wire.query('select 1'), wire.query('select ask'), wire.query('select 2'))
    expect(talk.sent()).toEqual(['Q select 1'])
    expect(talk.heard()).toEqual([expect.stringContaining('waiting for approval apr_2')])
    expect(talk.parked).toBe(true)
    await talk.decided(true)
    expect(talk.sent()).toEqual(['Q select ask', 'Q select 2'])
    expect(talk.parked).toBe(false)
  })

  test('what is rejected is refused in its turn', async () => {
    const talk = await Talk.open(ASKING)
    await talk.says(...batch('select ask'), wire.sync())
    talk.heard()
    await talk.decided(false)
    expect(talk.sent()).toEqual(['P  select ask', expect.stringContaining('SLUICE REFUSED'), 'S'])
    await talk.answers(backend.parseComplete(), backend.error('26000'), backend.ready())
    expect(talk.heard()).toEqual(['1', expect.stringContaining('approval.rejected'), 'Z I'])
  })

  test.each([
    ['Query', [wire.query('select ask')]],
    ['Bind', [...batch('select ask'), wire.sync()]],
  ])('a client that leaves while its %s is held: what people then permit is not sent', async (_, messages) => {
    const talk = await Talk.open(ASKING)
    await talk.says(...messages)
    talk.sent()
    talk.clientLeft()
    await talk.decided(true)
    expect(talk.sent()).toEqual([])
    expect(talk.open.size).toBe(0)
  })

  test('the notice stands between two messages, also when a large row is just passing', async () => {
    const talk = await Talk.open(ASKING)
    await talk.says(wire.query(TEXT))
    const large = backend.row('x'.repeat(100_000))
    await talk.answers(backend.description('id'), large.subarray(0, 70_000))
    await talk.says(wire.query('select ask'))
    expect(talk.held).toBe(1)
    await talk.answers(large.subarray(70_000), backend.complete('SELECT 1'), backend.ready())
    const { frames, rest } = framesOf(talk.toClientAll)
    expect(frames.map(({ type }) => type).join('')).toBe('TDNCZ')
    expect(rest.length).toBe(0)
  })

  test('a permit given at Bind that is never used is settled when its portal goes', async () => {
    const talk = await Talk.open(ASKING)
    await talk.says(wire.parse('', 'select ask'), wire.bind('p', ''), wire.close('P', 'p'), wire.sync())
    await talk.decided(true)
    await talk.answers(...BOUND, backend.closeComplete(), backend.ready())
    expect(settlements(talk)).toEqual([expect.stringMatching(/^1 .*"cancelled","tag":"not executed"/)])
  })

  test('a permit given at Bind is used once', async () => {
    const talk = await Talk.open(ASKING)
    await talk.says(wire.parse('', 'select ask'), wire.bind('', ''), wire.execute(''), wire.flush())
    await talk.decided(true)
    await talk.answers(...BOUND, ...rows(1), backend.complete('SELECT 1'))
    await talk.says(wire.execute(''))
    expect(talk.held).toBe(1)
  })
})

describe('ends', () => {
  test('a suspended portal is settled when its transaction ends', async () => {
    const talk = await Talk.open(limited({}))
    await talk.says(...batch(TEXT, 1), wire.sync())
    await talk.answers(...BOUND, ...rows(1), backend.portalSuspended())
    expect(settlements(talk)).toEqual([])
    await talk.answers(backend.ready())
    expect(settlements(talk)).toEqual([expect.stringMatching(/^1 .*"ok","tag":"suspended","rows":1/)])
  })

  test('an Execute of a cursor made by SQL is settled when it suspends: the next is another operation', async () => {
    const talk = await Talk.open(limited({}))
    await talk.says(wire.query(`begin; declare cc cursor for ${TEXT}`))
    await talk.answers(backend.complete('BEGIN'), backend.complete('DECLARE CURSOR'), backend.ready('T'))
    await talk.says(wire.execute('cc', 1), wire.sync())
    await talk.answers(...rows(1), backend.portalSuspended(), backend.ready('T'))
    expect(settlements(talk).at(-1)).toMatch(/^2 .*"ok","tag":"suspended","rows":1/)
    expect(talk.open.size).toBe(0)
  })

  test('one that another Execute still runs is not', async () => {
    const talk = await Talk.open(limited({}))
    await talk.says(...batch(TEXT, 1), wire.execute('', 1), wire.execute('', 1), wire.sync())
    await talk.answers(...BOUND, ...rows(1), backend.portalSuspended(), ...rows(1), backend.portalSuspended())
    await talk.answers(...rows(1), backend.complete('SELECT 1'), backend.ready())
    expect(settlements(talk)).toEqual([expect.stringMatching(/^1 .*"ok","tag":"SELECT 1","rows":3/)])
  })

  test.each([
    ['Terminate', async (talk: Talk) => await talk.says(wire.frame('X'))],
    ['a client that leaves', async (talk: Talk) => talk.clientLeft()],
    ['a target that leaves', async (talk: Talk) => talk.targetLeft()],
    ['a target that breaks the protocol', async (talk: Talk) => await talk.answers(wire.frame('y'))],
  ])('%s settles what is on its way as unknown, and a resting portal as what it was', async (_, end) => {
    const talk = await Talk.open(limited({}))
    await talk.says(...batch(TEXT, 1), wire.flush())
    await talk.answers(...BOUND, ...rows(1), backend.portalSuspended())
    await talk.says(wire.parse('s', 'select 2'), wire.bind('q', 's'), wire.execute('q'))
    await end(talk)
    expect(talk.over).toBe(true)
    expect(talk.open.size).toBe(0)
    expect(settlements(talk).sort()).toEqual([
      expect.stringMatching(/^1 .*"ok"/),
      expect.stringMatching(/^2 .*"unknown"/),
    ])
  })

  test('Terminate is the last thing the target hears', async () => {
    const talk = await Talk.open(limited({}))
    await talk.says(wire.frame('X'), wire.query('select 1'))
    expect(talk.sent()).toEqual(['X'])
  })

  test('in the midst of a message nothing is added to it', async () => {
    const talk = await Talk.open(limited({}))
    await talk.says(wire.query(TEXT))
    const large = backend.row('x'.repeat(100_000))
    await talk.answers(large.subarray(0, 70_000))
    talk.targetLeft()
    expect(talk.toClientAll.equals(large.subarray(0, 70_000))).toBe(true)
  })
})
