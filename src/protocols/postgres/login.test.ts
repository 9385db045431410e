import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startFaultProxy } from '../../../test/rig/fault-proxy.ts'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { type UpstreamAccount, upstreamTo } from '../../../test/rig/upstream.ts'
import { type SluiceError, toSluiceError } from '../../kit/errors.ts'
import { refusalFields } from './handshake.ts'
import { Intake, TARGET } from './intake.ts'
import { type LoggedIn, type LoginWish, login } from './login.ts'
import { query } from './messages.ts'

const ROLES = `
  create role trusting login;
  create role plain login password 'plain-secret';
  set password_encryption = 'md5';
  create role hashed login password 'md5-secret';
  set password_encryption = 'scram-sha-256';
  create role scrambled login password 'scram-secret';
  create role spelled login password U&'pass\\00a0wo\\00adrd \\2168 ª';
  create role hebrew login password U&'\\05d0bc';
  create role twisted login password 'twisted-secret';
  create database twisting;
  alter role twisted set standard_conforming_strings = off;
  alter role twisted set client_encoding = 'SJIS';
  alter database twisting set standard_conforming_strings = off;
  alter database twisting set client_encoding = 'LATIN1';`
const HBA = [
  'local all all trust',
  'host all trusting 127.0.0.1/32 trust',
  'host all plain 127.0.0.1/32 password',
  'host all hashed 127.0.0.1/32 md5',
  'host all all 127.0.0.1/32 scram-sha-256',
]

let open: PostgresServer
let newest: PostgresServer
beforeAll(async () => {
  ;[open, newest] = await Promise.all([startPostgres({ hba: HBA }), startPostgres({ hba: HBA, major: 18 })])
  await Promise.all([open, newest].map((server) => probe(server, ROLES)))
})
afterAll(() => Promise.all([open?.stop(), newest?.stop()]))

const never = new AbortController().signal
const WISH: LoginWish = { database: 'postgres', settings: new Map(), protocolMinor: 0, signal: never }

const loginAs = async (account: UpstreamAccount, wish: Partial<LoginWish> = {}) =>
  login(await upstreamTo(account), { ...WISH, ...wish })

/** First column of the first row. */
async function ask({ stream }: LoggedIn, sql: string): Promise<string> {
  const intake = new Intake(stream, { ms: 5_000, signals: [] }, { blame: TARGET })
  stream.write(query(sql))
  let value = ''
  for (let type = ''; type !== 'Z'; ) {
    const message = await intake.message(100_000)
    type = String.fromCharCode(message.type)
    if (type === 'D') value = message.body.subarray(6, 6 + message.body.readInt32BE(2)).toString()
    if (type === 'E') throw new Error(message.body.toString())
  }
  intake.release()
  return value
}

async function refusal(attempt: Promise<LoggedIn>): Promise<SluiceError> {
  const error = await attempt.then(
    () => new Error('it logged in'),
    (thrown) => thrown,
  )
  return toSluiceError(error)
}

describe('a target is logged in to by whatever it asks for', () => {
  test.each([
    ['trust', { user: 'trusting' }],
    ['a password in the clear, on loopback', { user: 'plain', password: 'plain-secret' }],
    ['MD5', { user: 'hashed', password: 'md5-secret' }],
    ['SCRAM-SHA-256', { user: 'scrambled', password: 'scram-secret' }],
    ['SCRAM with a password SASLprep changes', { user: 'spelled', password: 'pass\u00a0wo\u00adrd \u2168 ª' }],
    ['SCRAM with a password SASLprep prohibits', { user: 'hebrew', password: '\u05d0bc' }],
  ])('%s', async (_, account) => {
    const session = await loginAs({ port: open.port, ...account })
    expect(await ask(session, 'select current_user')).toBe(account.user)
    expect(await ask(session, 'select pg_backend_pid()')).toBe(String(session.processId))
    expect([session.serverMajor, session.cancelKey.length, session.leftover.length]).toEqual([15, 4, 0])
    session.stream.destroy()
  })

  test.each([
    ['wrong password, clear', { user: 'plain', password: 'x' }],
    ['wrong password, MD5', { user: 'hashed', password: 'x' }],
    ['wrong password, SCRAM', { user: 'scrambled', password: 'x' }],
    ['no password stored', { user: 'scrambled' }],
    ['unknown role', { user: 'nobody-here', password: 'x' }],
  ])('%s: the client is told nothing of the account', async (_, account) => {
    const error = await refusal(loginAs({ port: open.port, ...account }))
    expect(error.code).toBe('target.login')
    expect(JSON.stringify(refusalFields(error))).not.toMatch(new RegExp(`${account.user}|password auth`))
  })

  test('many sessions of one account at once', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 20 }, () => loginAs({ port: open.port, user: 'scrambled', password: 'scram-secret' })),
    )
    expect(new Set(sessions.map(({ processId }) => processId)).size).toBe(20)
    for (const { stream } of sessions) stream.destroy()
  })

  test('A53: a server whose bytes come one at a time', async () => {
    await using proxy = await startFaultProxy({ target: open, toClient: { piece: 1 } })
    const session = await loginAs({ port: proxy.port, user: 'scrambled', password: 'scram-secret' })
    expect(session.parameters.get('server_encoding')).toBe('UTF8')
    session.stream.destroy()
  })
})

describe('what the caller asked for wrongly, it is told', () => {
  test.each([
    [{ database: 'nowhere' }, '3D000', 'database "nowhere" does not exist'],
    [
      { settings: new Map([['datestyle', 'stardate']]) },
      '22023',
      'invalid value for parameter "DateStyle": "stardate"',
    ],
    [
      { settings: new Map([['transaction_timeout', '1s']]) },
      '42704',
      'unrecognized configuration parameter "transaction_timeout"',
    ],
  ])('%j', async (wish, code, message) => {
    const error = await refusal(loginAs({ port: open.port, user: 'trusting' }, wish))
    expect(refusalFields(error)).toEqual({ severity: 'FATAL', code, message })
  })
})

describe('A10, A12: defaults of role and database do not reach how text is read', () => {
  test.each([15, 18])('server %i', async (major) => {
    const server = major === 15 ? open : newest
    const settings = new Map([['search_path', 'a, b']])
    const session = await loginAs(
      { port: server.port, user: 'twisted', password: 'twisted-secret' },
      { database: 'twisting', settings, applicationName: 'é' },
    )
    expect(await ask(session, 'show standard_conforming_strings')).toBe('on')
    expect(await ask(session, 'show client_encoding')).toBe('UTF8')
    expect(await ask(session, "select '\\'")).toBe('\\')
    expect(await ask(session, 'show search_path')).toBe('a, b')
    session.stream.destroy()
  })

  test('a login trigger that turns them is noticed', async () => {
    await probe(
      { ...newest, database: 'twisting' },
      `create function turn() returns event_trigger language plpgsql
      as $$ begin perform set_config('standard_conforming_strings', 'off', false); end $$;
      create event trigger turning on login execute function turn(); alter event trigger turning enable always`,
    )
    const error = await refusal(loginAs({ port: newest.port, user: 'trusting' }, { database: 'twisting' }))
    expect(error.code).toBe('protocol.target')
    await probe({ ...newest, database: 'postgres' }, 'drop database twisting with (force); create database twisting')
  })
})

describe('protocol 3.2', () => {
  test('a server that speaks it hands out a long cancel key', async () => {
    const session = await loginAs({ port: newest.port, user: 'trusting' }, { protocolMinor: 2 })
    expect([session.protocolMinor, session.cancelKey.length, session.serverMajor]).toEqual([2, 32, 18])
    session.stream.destroy()
  })
  test('an older one talks it down', async () => {
    const session = await loginAs({ port: open.port, user: 'trusting' }, { protocolMinor: 2 })
    expect([session.protocolMinor, session.cancelKey.length]).toEqual([0, 4])
    session.stream.destroy()
  })
})
