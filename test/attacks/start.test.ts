/** ATTACKS A39–A50, A55: the beginning of a session, and what is no message at all. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelRequest, frame, query, WireClient } from '../rig/wire.ts'
import { hear, hearFrom } from './attack.ts'
import { type Stage, startStage, type Who } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

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
