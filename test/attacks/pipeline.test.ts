/** ATTACKS A32, A36–A38, A51–A53, A60: what a refusal does to the messages around it, and messages that are no statements. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bind,
  close,
  copyData,
  copyDone,
  copyFail,
  describe as describeMessage,
  execute,
  frame,
  parse,
  query,
  sync,
} from '../rig/wire.ts'
import { DENIED, hear, hearFrom, refused } from './attack.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

/** Its rows show nothing of their origin, so that only what was traced can mask them. */
const SECRET = 'select reverse(ssn) as note from customers order by id'
const PLAIN = 'select note from customers order by id'
const DELETE = 'delete from audit_me'
const all = (...messages: readonly Buffer[]) => Buffer.concat(messages)
const run = (portal = '') => all(execute(portal), sync())
const oidOf = async (name: string) =>
  (await stage.direct.query<{ oid: number }>('select oid::int from pg_proc where proname = $1 limit 1', [name]))
    .rows[0]!.oid

function functionCall(oid: number, ...args: readonly string[]): Buffer {
  const numbers = (...values: readonly number[]) =>
    Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 255)))
  const fields = args.map((arg) => Buffer.concat([Buffer.of(0, 0, 0, Buffer.byteLength(arg)), Buffer.from(arg)]))
  const id = Buffer.alloc(4)
  id.writeUInt32BE(oid)
  return frame('F', id, numbers(0), numbers(args.length), ...fields, numbers(0))
}

describe('A38 A60 a function called by its number is refused', () => {
  test.each([
    ['query_to_xml', ['select ssn from customers', 't', 'f', '']],
    ['pg_read_file', ['/etc/hostname']],
    ['set_config', ['role', 'pg_monitor', 'f']],
    ['lo_open', ['1', '262144']],
    ['loread', ['0', '10']],
    ['lo_creat', ['-1']],
    ['length', ['abc']],
  ] as const)('%s', async (name, args) => {
    const message = functionCall(await oidOf(name), ...args)
    await refused(stage, { number: 'A38', said: [message], code: DENIED, twin: ['select 1'], shows: /D 1/ })
    // Who may call anything still gets nothing that is not masked.
    const open = await hear(stage, 'human:open', [message])
    expect(open.codes).toEqual(['mask.copy'])
    expect(open.leaks).toEqual([])
  })
})

describe('a pipeline', () => {
  test('A36 goes on to its error and no further, and what came before stands', async () => {
    const seen = await hear(stage, 'agent:reader', [
      all(
        parse('', 'select 1'),
        bind('', ''),
        execute(''),
        parse('', DELETE),
        bind('', ''),
        execute(''),
        parse('', 'select 2'),
        bind('', ''),
        execute(''),
        sync(),
      ),
      'select 3',
    ])
    expect(seen.codes).toEqual(['policy.default'])
    expect(seen.data).toEqual(['D 1', 'D 3'])
    expect(seen.lines.filter((line) => line.startsWith('Z'))).toEqual(['Z I', 'Z I'])
  })

  test('A36 a Query before the Sync is swallowed as well', async () => {
    using client = await stage.open('agent:reader')
    const lines = await client.exchange(
      [parse('', DELETE), query('select 7'), query(DELETE), sync(), query('select 8')],
      2,
    )
    expect(lines.filter((line) => line.startsWith('D'))).toEqual(['D 8'])
  })

  test('A36 every mixture of allowed, refused and failing messages ends like the server’s own errors', async () => {
    // What the gateway refuses fails on the twin too, there because no such table is.
    const mixtures = [
      ['select 1', DELETE, 'select 2'],
      [DELETE, 'select 1'],
      ['select 1/0', DELETE],
      [DELETE, 'select 1/0', 'select 2'],
      ['select 1', 'select 2', DELETE],
    ]
    for (const texts of mixtures) {
      const pipeline = (sql: readonly string[]) =>
        all(...sql.map((text) => all(parse('', text), bind('', ''), execute(''))), sync(), query('select 9'))
      const shape = (lines: readonly string[]) => lines.map((line) => line[0]).join('')
      const seen = await hear(stage, 'agent:reader', [pipeline(texts)])
      const twin = await hear(stage, 'human:raw', [
        pipeline(texts.map((text) => (text === DELETE ? 'delete from no_such_table' : text))),
      ])
      expect(shape(seen.lines)).toBe(shape(twin.lines))
    }
  })

  test('A37 a refusal in an open transaction aborts it, and ReadyForQuery says so', async () => {
    const seen = await hear(stage, 'agent:reader', ['begin', 'select 1', DELETE, 'select 2', 'rollback', 'select 3'])
    expect(seen.lines.filter((line) => line.startsWith('Z'))).toEqual(['Z T', 'Z T', 'Z E', 'Z E', 'Z I', 'Z I'])
    expect(seen.codes).toEqual(['policy.default', '25P02'])
  })

  test('a name the client makes cannot make a refused message run', async () => {
    // Names a gateway might take for impossible, in case it sends one in a refused message’s place.
    const names = ['sluice refused'.padEnd(63, '.'), 'sluice refused', 'SLUICE REFUSED']
    using client = await stage.open('human:open')
    for (const name of names) {
      const lines = await client.exchange([parse('', 'set a.b = 1'), bind(name, ''), execute('no such portal'), sync()])
      expect(lines.at(-2)).toMatch(/^E .*C34000/)
      const bound = await client.exchange([
        parse(name, 'set a.b = 1'),
        bind('', 'no such statement'),
        execute(''),
        sync(),
      ])
      expect(bound.at(-2)).toMatch(/^E .*C26000/)
      await client.exchange([close('S', name), sync()])
    }
    expect((await hearFrom(stage, client, ["select current_setting('a.b', true)"])).data).toEqual(['D NULL'])
  })

  test('A53 the same comes whatever the segments are', async () => {
    const said = all(
      parse('', SECRET),
      bind('', ''),
      execute(''),
      parse('', DELETE),
      sync(),
      query('select 1; select ssn from customers limit 1'),
    )
    const whole = (await hear(stage, 'agent:analyst', [said])).lines
    for (const step of [1, 2, 3, 7, 13]) {
      using client = await stage.open('agent:analyst')
      for (let at = 0; at < said.length; at += step) {
        client.send(said.subarray(at, at + step))
        await new Promise(setImmediate)
      }
      let ready = 0
      expect(await client.until(({ type }) => type === 'Z' && ++ready === 2)).toEqual(whole)
    }
  })
})

test('A32 a simple Query destroys the unnamed statement', async () => {
  const seen = await hear(stage, 'agent:reader', [all(parse('', SECRET), sync()), 'select 1', all(bind('', ''), run())])
  expect(seen.codes).toEqual(['26000'])
  expect(seen.data).toEqual(['D 1'])
})

test('A31 A33 what was never made cannot be used', async () => {
  const unknown: readonly (readonly [Buffer, string])[] = [
    [all(bind('', 'nobody'), run()), '26000'],
    [all(run('nobody')), '34000'],
    [all(describeMessage('S', 'nobody'), sync()), '26000'],
    [all(describeMessage('P', 'nobody'), sync()), '34000'],
  ]
  for (const [message, code] of unknown) expect((await hear(stage, 'agent:reader', [message])).codes).toEqual([code])
  for (const sql of ['execute nobody', 'fetch all from nobody']) {
    const seen = await hear(stage, 'agent:reader', [sql])
    expect(DENIED).toContain(seen.codes[0])
  }
})

describe('COPY', () => {
  test('A51 stray data is dropped', async () => {
    const seen = await hear(stage, 'agent:reader', [all(copyData('x'), copyDone(), copyFail('y'), query('select 1'))])
    expect(seen.lines).toEqual(['T ?column? 23 0', 'D 1', 'C SELECT 1', 'Z I'])
  })

  test('A52 only the messages of COPY may come during COPY', async () => {
    for (const message of [query(DELETE), parse('', 'select 1'), execute('')]) {
      using client = await stage.open('human:raw')
      client.send(query('copy bait from stdin'))
      await client.until(({ type }) => type === 'G')
      client.send(message, query('select 1'))
      expect((await client.until(({ type }) => type === 'closed')).at(-2)).toMatch(/^E SFATAL/)
    }
  })

  test('A52 a Query sent before the server reads COPY data is not taken for another’s', async () => {
    using client = await stage.open('human:open')
    client.send(query('copy bait from stdin'), query(PLAIN), query(SECRET), query('select 1'))
    const lines = await client.until(({ type }) => type === 'closed')
    expect(lines.filter((line) => line.startsWith('D '))).toEqual([])
  })

  test('A52 a failed COPY leaves the session usable, whatever was sent with it', async () => {
    for (const end of [copyDone(), copyFail('no')]) {
      const said = all(query('copy no_such_table from stdin'), copyData('1\n'), end, query('select 1'))
      expect(
        (await hear(stage, 'human:raw', [all(query('copy bait from stdin'), copyFail('no'), query('select 1'))])).data,
      ).toEqual(['D 1'])
      const seen = await hear(stage, 'human:raw', [said])
      expect(seen.codes).toEqual(['42P01'])
      expect(seen.data).toEqual(['D 1'])
    }
  })
})
