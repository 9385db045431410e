/** Names, pipelines and refusals, message by message, without a server: what is sent to the target, what the client hears, what was judged. */
import { describe, expect, test } from 'vitest'
import * as backend from '../../../test/rig/backend.ts'
import { type Regime, Talk } from '../../../test/rig/talk.ts'
import * as wire from '../../../test/rig/wire.ts'
import { effects } from '../../model/effects.ts'

/** Whoever says `forbidden` is refused, whoever says `ask` must ask. */
const GUARDED: Regime = {
  decide: (_, { text }) => ({ outcome: /forbidden/.test(text) ? 'deny' : /ask/.test(text) ? 'approve' : 'allow' }),
  sampleRows: 0,
}
const DONE = [backend.parseComplete(), backend.bindComplete()]

/** A session in which `s1` was prepared, and nothing is on its way. */
async function prepared(text: string, regime = GUARDED): Promise<Talk> {
  const talk = await Talk.open(regime)
  await talk.says(wire.parse('s1', text), wire.sync())
  await talk.answers(backend.parseComplete(), backend.ready())
  talk.sent()
  talk.heard()
  return talk
}

const run = (statement: string, portal = '') => [wire.bind(portal, statement), wire.execute(portal), wire.sync()]

describe('what a name stands for', () => {
  test('A30: Close and Parse of the same name in one packet: the new text is judged', async () => {
    const talk = await prepared('select 1')
    await talk.says(wire.close('S', 's1'), wire.parse('s1', 'select 2'), ...run('s1'))
    expect(talk.sent()).toEqual(['C S s1', 'P s1 select 2', 'B  s1', 'E', 'S'])
    expect(talk.granted).toEqual(['select 2'])
  })

  test('A30: the new text is refused where it is forbidden, and nothing behind it is sent', async () => {
    const talk = await prepared('select 1')
    await talk.says(wire.close('S', 's1'), wire.parse('s1', 'select forbidden'), ...run('s1'))
    expect(talk.sent()).toEqual(['C S s1', 'P s1 SLUICE REFUSED', 'S'])
    expect(talk.granted).toEqual([])
  })

  test('a Close and Parse the server skipped leave the old statement', async () => {
    const talk = await prepared('select ask')
    await talk.says(wire.bind('', 'none'), wire.close('S', 's1'), wire.parse('s1', 'select 1'), wire.sync())
    await talk.answers(backend.error('26000'), backend.ready())
    talk.sent()
    await talk.says(...run('s1'))
    expect(talk.sent()).toEqual([])
    expect(talk.held).toBe(1)
    await talk.decided(true)
    expect(talk.sent()).toEqual(['B  s1', 'E', 'S'])
    expect(talk.granted).toEqual(['select ask'])
  })

  test('a batch behind one that may be skipped waits until it is known what its names mean', async () => {
    const talk = await prepared('select ask')
    await talk.says(
      wire.parse('', 'select 1/0'),
      wire.bind('', ''),
      wire.execute(''),
      wire.close('S', 's1'),
      wire.parse('s1', 'select 1'),
      wire.sync(),
      ...run('s1'),
    )
    expect(talk.sent()).toEqual(['P  select 1/0', 'B', 'E', 'C S s1', 'P s1 select 1', 'S'])
    await talk.answers(...DONE, backend.error('22012'), backend.ready())
    // What runs is the old text: it is that which people are asked about.
    expect(talk.held).toBe(1)
    expect(talk.sent()).toEqual([])
    await talk.decided(true)
    expect(talk.sent()).toEqual(['B  s1', 'E', 'S'])
    expect(talk.granted).toEqual(['select 1/0', 'select ask'])
  })

  test('A31: a statement made by SQL PREPARE is judged when the protocol runs it', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.query('prepare zz as select ask'))
    await talk.decided(true)
    await talk.answers(backend.complete('PREPARE'), backend.ready())
    await talk.says(...run('zz'))
    expect(talk.held).toBe(1)
  })

  test('A31: a statement made by Parse is what SQL EXECUTE runs', async () => {
    const asksToDelete: Regime = {
      decide: (operation) => ({ outcome: operation.effects & effects('delete', 'unknown') ? 'approve' : 'allow' }),
      sampleRows: 0,
    }
    const talk = await Talk.open(asksToDelete)
    await talk.says(wire.parse('yy', 'delete from orders where id = 1'), wire.sync())
    await talk.answers(backend.parseComplete(), backend.ready())
    await talk.says(wire.query('execute yy'))
    expect(talk.held).toBe(1)
    expect(talk.granted).toEqual([])
  })

  test('A32: a simple Query destroys the unnamed statement', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.parse('', 'select 1'), wire.sync())
    await talk.answers(backend.parseComplete(), backend.ready())
    await talk.says(wire.query('select 2'))
    await talk.answers(backend.description('a'), backend.row('2'), backend.complete('SELECT 1'), backend.ready())
    talk.sent()
    talk.heard()
    await talk.says(...run(''))
    expect(talk.sent()).not.toContain('B')
    await talk.answers(backend.error('26000', 'theirs'), backend.ready())
    expect(talk.heard()).toEqual([expect.stringContaining('unnamed prepared statement does not exist'), 'Z I'])
  })

  test('a failed Parse of the unnamed statement has destroyed the old one', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.parse('', 'select 1'), wire.sync())
    await talk.answers(backend.parseComplete(), backend.ready())
    await talk.says(wire.parse('', 'select nothing'), wire.sync())
    await talk.answers(backend.error('42703'), backend.ready())
    talk.sent()
    await talk.says(...run(''))
    expect(talk.granted).toEqual([])
  })

  test('portals of a later batch survive the ReadyForQuery of the batch before', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.parse('s1', 'select 1'), wire.sync(), wire.bind('p', 's1'), wire.flush())
    await talk.answers(backend.parseComplete(), backend.ready())
    await talk.answers(backend.bindComplete())
    talk.sent()
    await talk.says(wire.execute('p'), wire.sync())
    expect(talk.sent()).toEqual(['E p', 'S'])
    expect(talk.granted).toEqual(['select 1'])
  })
})
