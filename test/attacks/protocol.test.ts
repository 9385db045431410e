/** ATTACKS A.4: messages, names and order. What one message was judged by is what runs, whatever was sent around it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  bind,
  cancelRequest,
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
  WireClient,
} from '../rig/wire.ts'
import { type Attack, DENIED, hear, hearFrom, refused, type Said } from './attack.ts'
import { decide, type Stage, startStage, type Who } from './stage.ts'

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

/** Said in one session, each element as one packet: nothing shows, nothing changes, and rows come masked. */
interface Mix {
  readonly name: string
  readonly said: readonly Said[]
  /** SQLSTATEs on the way. */
  readonly codes?: readonly string[]
  readonly rows?: number
}

const failing = parse('', 'select nothing_like_it from orders')

const MIXED: readonly Mix[] = [
  {
    name: 'A30 a name closed and given anew in one packet',
    said: [all(parse('s1', PLAIN), close('S', 's1'), parse('s1', SECRET), bind('', 's1'), run())],
  },
  { name: 'A31 PREPARE by SQL, Bind by the protocol', said: [`prepare zz as ${SECRET}`, all(bind('', 'zz'), run())] },
  { name: 'A31 Parse by the protocol, EXECUTE by SQL', said: [all(parse('yy', SECRET), sync()), 'execute yy'] },
  {
    name: 'A31 DEALLOCATE between',
    said: [all(parse('s', PLAIN), sync()), 'deallocate s', all(parse('s', SECRET), bind('', 's'), run())],
  },
  {
    name: 'A31 DISCARD ALL between',
    said: [all(parse('s', PLAIN), sync()), 'discard all', all(parse('s', SECRET), bind('', 's'), run())],
  },
  {
    name: 'A33 DECLARE, then Describe and Execute of the portal',
    said: ['begin', `declare cc cursor for ${SECRET}`, all(describeMessage('P', 'cc'), execute('cc'), sync())],
  },
  {
    name: 'A33 DECLARE, then Execute of the portal without Describe',
    said: ['begin', `declare cc cursor for ${SECRET}`, all(execute('cc', 2), execute('cc'), sync())],
  },
  {
    name: 'A33 Bind, then FETCH by SQL',
    said: ['begin', all(parse('', SECRET), bind('pp', ''), sync()), 'fetch 2 from pp', 'fetch all from pp'],
  },
  { name: 'A33 a binary cursor', said: [`begin; declare cc binary cursor for ${SECRET}`, 'fetch all from cc'] },
  {
    name: 'A33 a cursor that is held',
    said: [
      `begin; declare cc scroll cursor with hold for ${SECRET}; commit`,
      'fetch last from cc',
      all(execute('cc'), sync()),
    ],
    rows: 1,
  },
  {
    name: 'A34 two suspended portals in turn',
    said: [
      all(
        parse('', PLAIN),
        bind('a', ''),
        parse('', SECRET),
        bind('b', ''),
        execute('a', 1),
        execute('b', 1),
        execute('a', 1),
        execute('b', 1),
        execute('b'),
        execute('a'),
        sync(),
      ),
    ],
    rows: 8,
  },
  {
    name: 'A34 the same columns with and without a label',
    said: [
      all(
        parse('', SECRET),
        bind('a', ''),
        parse('', PLAIN),
        bind('b', ''),
        execute('b', 3),
        execute('a', 3),
        execute('b'),
        execute('a'),
        sync(),
      ),
    ],
    rows: 8,
  },
  { name: 'A35 rows without a description', said: [all(parse('', SECRET), bind('', ''), run())] },
  { name: 'A35 binary rows without a description', said: [all(parse('', SECRET), bind('', '', [], [1]), run())] },
  {
    name: 'A35 a description of the statement alone, then binary',
    said: [all(parse('s', SECRET), describeMessage('S', 's'), bind('', 's', [], [1]), run())],
  },
  {
    name: 'A35 a description that failed',
    said: [
      'begin',
      all(parse('s', SECRET), sync()),
      'select nothing_like_it',
      all(describeMessage('S', 's'), sync()),
      'rollback',
      all(bind('', 's'), run()),
    ],
    codes: ['42703', '25P02'],
  },
  {
    name: 'A36 a Parse that the server skipped',
    said: [all(parse('', SECRET), bind('', '', ['x']), parse('', PLAIN), sync(), bind('', ''), run())],
    codes: ['08P01'],
  },
  {
    name: 'A36 a Close and a Parse that the server skipped',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), bind('', 's'), run()),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Close and a Parse that the server skipped, then EXECUTE',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), query('execute s')),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Close and a Parse that the server skipped, then EXECUTE by the protocol',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), parse('', 'execute s'), bind('', ''), run()),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Bind that the server skipped over a held cursor',
    said: [
      `begin; declare c cursor with hold for ${SECRET}; commit`,
      all(failing, close('P', 'c'), parse('', PLAIN), bind('c', ''), sync(), run('c')),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a Describe meets the statement as it was',
    said: [
      all(parse('s', SECRET), sync()),
      all(failing, close('S', 's'), parse('s', PLAIN), sync(), describeMessage('S', 's'), sync()),
      all(bind('', 's', [], [1]), run()),
    ],
    codes: ['42703'],
  },
  {
    name: 'A36 a DEALLOCATE that the server skipped',
    said: [
      all(parse('s', SECRET), sync()),
      all(
        failing,
        parse('', 'deallocate s'),
        bind('', ''),
        execute(''),
        parse('s', PLAIN),
        sync(),
        bind('', 's'),
        run(),
      ),
    ],
    codes: ['42703'],
  },
  {
    name: 'A31 names that differ behind their 63rd byte',
    said: [
      all(parse(`${'n'.repeat(63)}x`, PLAIN), sync()),
      all(close('S', `${'n'.repeat(63)}y`), sync()),
      all(parse(`${'n'.repeat(63)}z`, SECRET), sync()),
      all(bind('', `${'n'.repeat(63)}x`), run()),
    ],
  },
  {
    name: 'A33 portals that differ behind their 63rd byte',
    said: [
      'begin',
      all(parse('', PLAIN), bind(`${'n'.repeat(63)}x`, ''), sync()),
      all(close('P', `${'n'.repeat(63)}y`), parse('', SECRET), bind(`${'n'.repeat(63)}z`, ''), sync()),
      all(run(`${'n'.repeat(63)}x`)),
    ],
  },
  {
    name: 'A33 a held cursor that was rolled back',
    said: [`begin; declare c cursor with hold for ${PLAIN}; rollback`, all(parse('', SECRET), bind('c', ''), run('c'))],
  },
  {
    name: 'A31 EXECUTE bound before its statement changed',
    said: [
      all(parse('a', PLAIN), parse('x', 'execute a'), bind('p', 'x'), close('S', 'a'), parse('a', SECRET), run('p')),
    ],
  },
  {
    name: 'A33 FETCH bound before its cursor changed',
    said: [
      'begin',
      `declare c cursor for ${PLAIN}`,
      all(parse('', 'fetch all from c'), bind('p', ''), sync()),
      'close c',
      `declare c cursor for ${SECRET}`,
      all(run('p')),
    ],
  },
  {
    name: 'A57 COPY bound before the path changed',
    said: [
      'begin',
      'set local search_path = s2',
      all(parse('', 'copy (select reverse(ssn) from customers) to stdout'), bind('p', ''), sync()),
      'set local search_path = public',
      all(run('p')),
    ],
  },
  {
    name: 'A57 COPY of a table bound before the path changed',
    said: [
      'begin',
      'set local search_path = s2',
      all(parse('', 'copy customers (ssn) to stdout'), bind('p', ''), sync()),
      'set local search_path = public',
      all(run('p')),
    ],
  },
]

describe('names and order', () => {
  test.each(MIXED)('$name', async ({ said, codes = [], rows = 4 }) => {
    const before = await stage.state()
    const seen = await hear(stage, 'agent:analyst', said)
    expect(seen.leaks, seen.lines.join('\n')).toEqual([])
    expect(seen.codes).toEqual(codes)
    expect(
      seen.data.filter((row) => /masked|0x/.test(row) || !/note/.test(row)).length,
      seen.lines.join('\n'),
    ).toBeGreaterThan(0)
    expect(seen.data).toHaveLength(rows)
    expect(await stage.state()).toBe(before)
    // What is masked here is there to be seen.
    expect((await hear(stage, 'human:raw', said)).leaks).not.toEqual([])
  })
})

/** A change that waits for people, sent so that something harmless was judged in its place. */
const UNASKED: readonly Attack[] = [
  {
    number: 'A36',
    said: [
      all(parse('a', DELETE), sync()),
      all(failing, close('S', 'a'), parse('a', PLAIN), sync(), bind('', 'a'), run()),
    ],
    code: ['42703', 'approval.pending'],
  },
  {
    number: 'A36',
    said: [
      all(parse('', DELETE), sync()),
      all(parse('x', 'select nothing_like_it from orders'), parse('', PLAIN), sync(), bind('', ''), run()),
    ],
    code: ['42703', 'approval.pending'],
  },
  {
    number: 'A36',
    said: [
      all(parse('a', DELETE), sync()),
      all(failing, close('S', 'a'), parse('a', PLAIN), sync(), query('execute a')),
    ],
    code: ['42703', 'approval.pending'],
  },
  {
    number: 'A31',
    said: [
      all(
        parse(`${'n'.repeat(63)}x`, PLAIN),
        close('S', `${'n'.repeat(63)}y`),
        parse(`${'n'.repeat(63)}z`, DELETE),
        bind('', `${'n'.repeat(63)}x`),
        run(),
      ),
    ],
    code: 'approval.pending',
  },
  {
    number: 'A31',
    said: [
      all(parse('a', PLAIN), parse('x', 'execute a'), bind('p', 'x'), close('S', 'a'), parse('a', DELETE), run('p')),
    ],
    code: 'approval.pending',
  },
  { number: 'A31', said: [all(parse('a', DELETE), sync()), 'explain analyze execute a'], code: 'approval.pending' },
  {
    number: 'A33',
    said: [
      'begin',
      all(parse('', 'delete from audit_me returning *'), bind('p', ''), sync()),
      'fetch all from p',
      'commit',
    ],
    code: ['approval.pending', '34000', '25P02', ...DENIED],
  },
]

describe('R2: nothing harmless is judged in a change’s place', () => {
  test.each(UNASKED)('$number $said', async (attack) => {
    await refused(stage, { ...attack, who: 'agent:writer' })
    await decide(stage.gateway, 'reject')
  })
})

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

describe('the start', () => {
  /** A start-up packet with its pairs as they are, in order. */
  const starting = (pairs: readonly (readonly [string, string])[], version = 196608) => {
    const body = Buffer.concat([
      ...pairs.flatMap(([name, value]) => [Buffer.from(`${name}\0`), Buffer.from(`${value}\0`)]),
      Buffer.alloc(1),
    ])
    const head = Buffer.alloc(8)
    head.writeInt32BE(body.length + 8)
    head.writeInt32BE(version, 4)
    return Buffer.concat([head, body])
  }
  const told = async (pairs: readonly (readonly [string, string])[], version?: number) => {
    using client = await WireClient.unopened(stage.login('agent:reader'))
    client.send(starting(pairs, version))
    const message = await client.next()
    return `${message.type} ${message.body.toString('latin1')}`
  }
  const user = ['user', 'target'] as const

  test.each(['true', 'database', '1', 'on', 'yes', 'TRUE'])(
    'A39 replication=%s is refused, however it is written',
    async (replication) => {
      await expect(stage.open('agent:reader', { replication })).rejects.toThrow('28000')
      const seen = await hear(stage, 'human:open', ['IDENTIFY_SYSTEM'])
      expect(seen.codes).toEqual(['42601'])
    },
  )

  test.each([
    '-c role=pg_monitor',
    '-crole=pg_monitor',
    '--role=pg_monitor',
    '-c standard_conforming_strings=off',
    '-c st\\andard_conforming_strings=off',
    '-c standard-conforming-strings=off',
    '--standard-conforming-strings=no',
    '-c session_preload_libraries=x',
    '-c client_encoding=SJIS',
    '-c default_transaction_read_only=off -c session_replication_role=replica',
    '-c log_statement=none',
    '-c allow_system_table_mods=on',
    '-O',
    '-E',
    '-d 5',
    '-s',
    '-t pl',
    '-f bs',
    '-p other',
    '-v 3',
    '-W 1',
    '--single-user',
  ])('A40 options=%s', async (options) => {
    expect(await told([user, ['options', options]])).toMatch(/^E SFATAL/)
  })

  test.each([
    'role',
    'session_authorization',
    'session_replication_role',
    'log_statement',
    'dynamic_library_path',
    'Role',
    'is_superuser',
  ])('A41 %s', async (name) => {
    expect(await told([user, [name, 'x']])).toMatch(/^E SFATAL/)
  })

  test('A42 A43 a parameter twice', async () => {
    for (const pairs of [
      [user, ['user', 'postgres']],
      [user, ['database', 'a'], ['database', 'b']],
      [user, ['options', ''], ['options', '']],
      [user, ['search_path', 'a'], ['search_path', 'b']],
    ] as const)
      expect(await told(pairs)).toMatch(/^E SFATAL.*08P01/)
  })

  test('A48 the client is asked for its token alone: no SCRAM, no channel binding', async () => {
    expect(await told([user])).toBe('R \0\0\0\x03')
  })

  test('A49 newer minors and unknown options are negotiated by us, other majors refused', async () => {
    expect(await told([user, ['_pq_.x', '1']], 0x00030063)).toMatch(/^v/)
    expect(await told([user, ['_pq_.x', '1']])).toMatch(/^v.*_pq_\.x/s)
    expect(await told([user], 0x00020000)).toMatch(/^E SFATAL.*0A000/)
    expect(await told([user], 0x00040000)).toMatch(/^E SFATAL.*0A000/)
  })

  const raw = async (...bytes: readonly Buffer[]) => {
    using client = await WireClient.unopened(stage.login('agent:reader'))
    stage.tap.taken()
    client.send(...bytes)
    await client.until(({ type }) => type === 'closed')
    return Buffer.concat(stage.tap.taken()).toString('latin1')
  }
  const request = (code: number, more = Buffer.alloc(0)) => {
    const out = Buffer.alloc(8)
    out.writeInt32BE(8)
    out.writeInt32BE(code, 4)
    return Buffer.concat([out, more])
  }

  test('A45 bytes in the clear behind an SSLRequest end the connection', async () => {
    expect(await raw(request(80877103, starting([user])))).not.toMatch(/^S|^R/)
    expect(await raw(request(80877104, starting([user])))).not.toMatch(/^G|^R/)
  })

  test('A46 GSS encryption is declined', async () => {
    using client = await WireClient.unopened(stage.login('agent:reader'))
    stage.tap.taken()
    client.send(request(80877104))
    await expect.poll(() => Buffer.concat(stage.tap.taken()).toString()).toBe('N')
  })

  test('A47 a target that must have TLS and has none is not logged in to', async () => {
    using client = await WireClient.unopened(stage.login('human:raw'))
    client.send(
      starting([
        ['user', 'strict'],
        ['database', 'postgres'],
      ]),
    )
    await client.next()
    const logged = stage.server.log().length
    client.send(frame('p', Buffer.from(`${stage.gateway.token('human:raw')}\0`)))
    expect((await client.until(({ type }) => type === 'closed')).at(-2)).toMatch(/^E SFATAL/)
    expect(stage.server.log().slice(logged)).not.toContain('password')
  })

  test.each([
    ['A50 a start-up of length −1', Buffer.from('ffffffff00030000', 'hex')],
    ['A50 a start-up of length 3', Buffer.from('0000000300030000', 'hex')],
    ['A50 a start-up of 2 GiB', Buffer.from('7fffffff00030000', 'hex')],
  ])('%s', async (_, bytes) => {
    expect(await raw(bytes)).toMatch(/^E.*08P01/s)
  })
})

describe('A50 A51 messages that are none end the session, and no other', () => {
  const int32 = (value: number) => {
    const out = Buffer.alloc(4)
    out.writeInt32BE(value)
    return out
  }
  const huge = (type: string, length: number) => Buffer.concat([Buffer.from(type), int32(length)])
  test.each([
    ['a length of −1', huge('Q', -1)],
    ['a length of 3', huge('Q', 3)],
    ['a Query of 2 GiB', huge('Q', 0x7fffffff)],
    ['a Sync of 1 MiB', huge('S', 1 << 20)],
    ['a Bind of 1 GiB', huge('B', 1 << 30)],
    ['an unknown type', frame('y')],
    ['a type of the server', frame('Z', Buffer.from('I'))],
    ['a type of the login', frame('p', Buffer.from('x\0'))],
    ['an empty Query', frame('Q')],
    ['a Query without its end', frame('Q', Buffer.from('select 1'))],
    ['a Bind with more parameters than it has', frame('B', Buffer.from('0000000000ffff', 'hex'))],
    ['a Bind with a negative length', frame('B', Buffer.from('000000000001fffffffe0000', 'hex'))],
    ['a Describe of nothing', frame('D', Buffer.from('X\0'))],
  ])('%s', async (_, message) => {
    using other = await stage.open('agent:reader')
    using client = await stage.open('agent:reader')
    client.send(message)
    expect((await client.until(({ type }) => type === 'closed')).at(-2)).toMatch(/^E SFATAL .*C08P01/)
    expect((await hearFrom(stage, other, ['select 1'])).data).toEqual(['D 1'])
  })
})

describe('sessions', () => {
  test('A44 only who holds a session’s key cancels it; the process id is the real one', async () => {
    using client = await stage.open('human:raw')
    expect((await hearFrom(stage, client, ['select pg_backend_pid()'])).data).toEqual([`D ${client.pid}`])
    using other = await stage.open('human:raw')
    client.send(query("select pg_sleep(20), 'sleeper'"))
    const sleeping = async () =>
      (await stage.direct.query(`select from pg_stat_activity where pid = ${client.pid} and wait_event = 'PgSleep'`))
        .rowCount
    await expect.poll(sleeping).toBe(1)
    const cancel = async (secret: Buffer) => {
      using canceller = await WireClient.unopened(stage.login('human:raw'))
      canceller.send(cancelRequest(client.pid, secret))
      await canceller.until(({ type }) => type === 'closed')
    }
    await cancel(other.secret)
    await cancel(Buffer.alloc(4))
    expect(await sleeping()).toBe(1)
    await cancel(client.secret)
    expect((await client.until(({ type }) => type === 'Z')).at(-2)).toMatch(/C57014/)
  })

  test('A55 nothing of one session is left for the next', async () => {
    const pids = new Set<number>()
    for (const who of ['human:raw', 'agent:reader'] as const satisfies readonly Who[]) {
      using client = await stage.open(who)
      pids.add(client.pid)
      const seen = await hearFrom(stage, client, [
        "select current_setting('a.left', true)",
        'show work_mem',
        'select count(*) from pg_prepared_statements',
      ])
      expect(seen.data).toEqual(['D NULL', 'D 4MB', 'D 0'])
      if (who === 'human:raw')
        await client.exchange([
          query("set a.left = 'x'; set work_mem = '5MB'; prepare p as select 1; create temp table orders (id int)"),
        ])
    }
    expect(pids.size).toBe(2)
  })
})
