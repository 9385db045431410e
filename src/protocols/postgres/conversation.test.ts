/** Names, pipelines and refusals, message by message, without a server: what is sent to the target, what the client hears, what was judged. */
import { describe, expect, test } from 'vitest'
import * as backend from '../../../test/rig/backend.ts'
import { SHOP, SHOP_LABELS } from '../../../test/rig/sketch.ts'
import { type Regime, Talk } from '../../../test/rig/talk.ts'
import * as wire from '../../../test/rig/wire.ts'
import { effects } from '../../model/effects.ts'

/** Whoever says `forbidden` is refused, whoever says `ask` must ask. */
const GUARDED: Regime = {
  decide: (_, { text }) => ({ outcome: /forbidden/.test(text) ? 'deny' : /ask/.test(text) ? 'approve' : 'allow' }),
  catalogue: SHOP,
  sampleRows: 0,
}
const DONE = [backend.parseComplete(), backend.bindComplete()]

/** A session in which `s1` was prepared, and nothing is on its way. */
async function prepared(text: string): Promise<Talk> {
  const talk = await Talk.open(GUARDED)
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

/** Labels of the shop, masked; the plain columns pass. */
const MASKED: Regime = {
  decide: () => ({ outcome: 'allow', obligations: { mask: [{ labels: ['*'], with: 'redact' }] } }),
  labels: SHOP_LABELS,
  catalogue: SHOP,
  sampleRows: 0,
}
const SSN = 'select ssn from customers'

describe('cursors and portals', () => {
  test('A33: rows of a cursor made by DECLARE are masked, and the description asked for is not shown', async () => {
    const talk = await Talk.open(MASKED)
    await talk.says(wire.query(`begin; declare cc cursor for ${SSN}`))
    await talk.answers(backend.complete('BEGIN'), backend.complete('DECLARE CURSOR'), backend.ready('T'))
    talk.sent()
    talk.heard()
    await talk.says(wire.execute('cc', 2), wire.sync())
    expect(talk.sent()).toEqual(['D P cc', 'E cc', 'S'])
    await talk.answers(
      backend.description('ssn'),
      backend.row('987-65-4321'),
      backend.portalSuspended(),
      backend.ready('T'),
    )
    expect(talk.heard()).toEqual(['D *masked*', 's', 'Z T'])
  })

  test('A33: rows fetched by SQL from a portal made by Bind are masked', async () => {
    const talk = await Talk.open(MASKED)
    await talk.says(wire.query('begin'))
    await talk.answers(backend.complete('BEGIN'), backend.ready('T'))
    await talk.says(wire.parse('', SSN), wire.bind('pp', ''), wire.sync())
    await talk.answers(...DONE, backend.ready('T'))
    talk.heard()
    await talk.says(wire.query('fetch all from pp'))
    await talk.answers(
      backend.description('ssn'),
      backend.row('987-65-4321'),
      backend.complete('FETCH 1'),
      backend.ready('T'),
    )
    expect(talk.heard()[1]).toBe('D *masked*')
  })

  test('A34: of two suspended portals run in turns each keeps its own masks', async () => {
    const talk = await Talk.open(MASKED)
    const twice = [wire.execute('a', 1), wire.execute('b', 1)]
    await talk.says(
      ...[wire.parse('s', SSN), wire.parse('n', 'select note from products')],
      ...[wire.bind('a', 's'), wire.bind('b', 'n'), ...twice, ...twice, wire.sync()],
    )
    const rows = (ssn: string, note: string) => [
      backend.row(ssn),
      backend.portalSuspended(),
      backend.row(note),
      backend.portalSuspended(),
    ]
    const [a, b] = [backend.description('ssn'), backend.description('note')]
    const first = rows('1', 'x')
    await talk.answers(
      ...[backend.parseComplete(), ...DONE, backend.bindComplete(), a, first[0]!, first[1]!, b, first[2]!, first[3]!],
      ...[...rows('2', 'y'), backend.ready()],
    )
    const seen = talk.heard().filter((line) => line.startsWith('D'))
    expect(seen).toEqual(['D *masked*', 'D x', 'D *masked*', 'D y'])
  })

  test('A35: without a Describe of the client’s the gateway asks for one, once per statement it is not known of', async () => {
    const talk = await Talk.open(MASKED)
    await talk.says(wire.parse('', SSN), ...run(''))
    expect(talk.sent()).toEqual([`P  ${SSN}`, 'B', 'D P', 'E', 'S'])
    await talk.answers(
      ...DONE,
      backend.description('ssn'),
      backend.row('1'),
      backend.complete('SELECT 1'),
      backend.ready(),
    )
    expect(talk.heard()).toEqual(['1', '2', 'D *masked*', 'C SELECT 1', 'Z I'])
  })

  test('a Describe the server skipped is made up for, also in a batch that was on its way', async () => {
    const talk = await Talk.open(MASKED)
    await talk.says(wire.parse('s1', SSN), wire.sync())
    await talk.answers(backend.parseComplete(), backend.ready())
    talk.sent()
    await talk.says(wire.bind('', 'none'), wire.describe('S', 's1'), wire.sync())
    await talk.says(...run('s1'))
    expect(talk.sent().slice(-4)).toEqual(['B  s1', 'D P', 'E', 'S'])
  })

  test('a portal that has ended needs a new permit to run again', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.parse('', 'select 1'), wire.bind('', ''), wire.execute(''), wire.flush())
    await talk.answers(...DONE, backend.row('1'), backend.complete('SELECT 1'))
    await talk.says(wire.execute(''), wire.sync())
    expect(talk.granted).toEqual(['select 1', 'select 1'])
  })
})

describe('pipelines', () => {
  const batch = (...texts: string[]) =>
    texts.flatMap((text) => [wire.parse('', text), wire.bind('', ''), wire.execute('')])
  const done = (tag: string) => [...DONE, backend.complete(tag)]

  test('A36: allowed, refused, allowed: the first result is intact, the refusal in its turn, the rest never sent', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(...batch('insert into t values (1)', 'select forbidden', 'select 2'), wire.sync())
    expect(talk.sent()).toEqual(['P  insert into t values (1)', 'B', 'E', 'P  SLUICE REFUSED', 'S'])
    expect(talk.granted).toEqual(['insert into t values (1)'])
    await talk.answers(...done('INSERT 0 1'), backend.error('42601', 'syntax error at "SLUICE"'), backend.ready())
    const heard = talk.heard()
    expect(heard.slice(0, 3)).toEqual(['1', '2', 'C INSERT 0 1'])
    expect(heard[3]).toContain('policy.denied')
    expect(heard.join()).not.toContain('SLUICE')
    expect(heard[4]).toBe('Z I')
    expect(talk.open.size).toBe(0)
  })

  test('A37: a refusal in an open transaction fails it on the server, whose status the client is told', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.query('begin'))
    await talk.answers(backend.complete('BEGIN'), backend.ready('T'))
    talk.sent()
    talk.heard()
    await talk.says(wire.query('select forbidden'))
    expect(talk.sent()).toEqual(['Q SLUICE REFUSED'])
    await talk.answers(backend.error('42601'), backend.ready('E'))
    expect(talk.heard()).toEqual([expect.stringContaining('policy.denied'), 'Z E'])
  })

  test('what a Query was refused is not told by anything but an error', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(...batch('select forbidden'), wire.sync())
    await talk.answers(backend.parseComplete())
    expect(talk.failure?.code).toBe('protocol.target')
  })

  test('nothing is judged while the server skips, and after the Sync everything is', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(
      ...batch('select forbidden', 'select 1'),
      wire.query('select 2'),
      wire.sync(),
      wire.query('select 3'),
    )
    expect(talk.granted).toEqual(['select 3'])
  })

  test('an error that comes while the next message waits for replies: that message is skipped like the server skips it', async () => {
    const talk = await Talk.open(GUARDED)
    // What CREATE TABLE does to names is awaited before the INSERT is judged, with a Flush, because no Sync is there yet.
    await talk.says(...batch('create table x (a int)', 'insert into x values (1)'), wire.sync())
    expect(talk.sent()).toEqual(['P  create table x (a int)', 'B', 'E', 'H'])
    await talk.answers(...DONE, backend.error('42P07'))
    expect(talk.sent()).toEqual(['S'])
    await talk.answers(backend.ready())
    await talk.says(wire.query('select 1'))
    expect(talk.failure).toBeUndefined()
    expect(talk.granted).toEqual(['create table x (a int)', 'select 1'])
  })

  test.each([
    ['Query', [wire.query('select ask')]],
    ['Bind', [wire.parse('', 'select ask'), wire.bind('', ''), wire.execute('')]],
  ])('an error that comes while a %s is held: what people then permit is not sent', async (_, messages) => {
    const talk = await Talk.open(GUARDED)
    await talk.says(...batch('select 1/0'), ...messages, wire.sync())
    expect(talk.held).toBe(1)
    talk.sent()
    await talk.answers(...DONE, backend.error('22012'))
    await talk.decided(true)
    expect(talk.sent()).toEqual(['S'])
    await talk.answers(backend.ready())
    await talk.says(wire.query('select 1'))
    expect(talk.sent()).toEqual(['Q select 1'])
    expect(talk.told.at(-1)).toContain('not sent')
  })

  test('a statement whose rows come by and by does not hold up what follows', async () => {
    const talk = await Talk.open(GUARDED)
    const moving = "select set_config('search_path', 'a', false) from generate_series(1, 9)"
    await talk.says(wire.query('begin'))
    await talk.answers(backend.complete('BEGIN'), backend.ready('T'))
    await talk.says(wire.parse('', moving), wire.bind('p', ''), wire.execute('p', 1), wire.sync())
    await talk.answers(...DONE, backend.row('a'), backend.portalSuspended(), backend.ready('T'))
    talk.sent()
    await talk.says(wire.query('select 1'))
    expect(talk.sent()).toEqual(['Q select 1'])
  })
})

describe('text that reads differently under another setting', () => {
  const opaque = 'select mine()'
  const backslash = String.raw`select '\'`

  test('in the same pipeline as what may change the setting it is refused', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.parse('', opaque), wire.bind('', ''), wire.execute(''), wire.parse('', backslash), wire.sync())
    talk.sent()
    await talk.answers(...DONE, backend.row('1'), backend.complete('SELECT 1'))
    expect(talk.asked.join('')).toContain('sql.settings_uncertain')
    expect(talk.sent()).toEqual(['P  SLUICE REFUSED', 'S'])
  })

  test('after the Sync it waits for what the server says', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.query(opaque), wire.query(backslash))
    expect(talk.sent()).toEqual([`Q ${opaque}`])
    await talk.answers(backend.description('mine'), backend.complete('SELECT 0'))
    expect(talk.sent()).toEqual([])
    await talk.answers(backend.ready())
    expect(talk.sent()).toEqual([`Q ${backslash}`])
  })

  test('A10: when the setting has changed the session ends before the text is sent', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.query(opaque), wire.query(backslash))
    await talk.answers(
      backend.parameter('standard_conforming_strings', 'off'),
      backend.complete('SELECT 0'),
      backend.ready(),
    )
    expect(talk.failure?.code).toBe('sql.setting')
    expect(talk.sent()).toEqual([`Q ${opaque}`])
  })

  test('a suspended portal that goes on may change it again', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.query('begin'))
    await talk.answers(backend.complete('BEGIN'), backend.ready('T'))
    await talk.says(
      wire.parse('', `${opaque} from generate_series(1, 9)`),
      wire.bind('p', ''),
      wire.execute('p', 1),
      wire.sync(),
    )
    await talk.answers(...DONE, backend.row('1'), backend.portalSuspended(), backend.ready('T'))
    talk.sent()
    await talk.says(wire.execute('p', 1), wire.parse('', backslash), wire.sync())
    await talk.answers(backend.row('1'), backend.portalSuspended())
    expect(talk.sent()).toEqual(['E p', 'H', 'P  SLUICE REFUSED', 'S'])
  })

  test('a Query the server skipped leaves nothing to wait for', async () => {
    const talk = await Talk.open(GUARDED)
    await talk.says(wire.parse('', opaque), wire.bind('', ''), wire.execute(''), wire.flush())
    await talk.answers(...DONE, backend.row('1'), backend.complete('SELECT 1'))
    await talk.says(wire.bind('', '', ['too many']), wire.query('select 1'))
    await talk.answers(backend.error('08P01'))
    await talk.says(wire.sync())
    await talk.answers(backend.ready())
    talk.sent()
    await talk.says(wire.query(backslash))
    expect(talk.sent()).toEqual([`Q ${backslash}`])
  })
})
