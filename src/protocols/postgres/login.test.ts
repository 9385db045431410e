import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Authority, type Issued } from '../../../test/rig/certificates.ts'
import { startFaultProxy } from '../../../test/rig/fault-proxy.ts'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import { Secret } from '../../kit/secret.ts'
import type { TargetPem, Upstream } from '../contract.ts'
import { refusalFields } from './handshake.ts'
import { Intake, TARGET } from './intake.ts'
import { LOGIN_MS } from './limits.ts'
import { type LoggedIn, type LoginWish, login } from './login.ts'
import { frame, query, sslRequest } from './messages.ts'

const ROLES = `
  create role trusting login;
  create role plain login password 'plain-secret';
  set password_encryption = 'md5';
  create role hashed login password 'md5-secret';
  set password_encryption = 'scram-sha-256';
  create role scrambled login password 'scram-secret';
  create role spelled login password U&'pass\\00a0wo\\00adrd \\2168 ª';
  create role hebrew login password U&'\\05d0bc';
  create role certified login;
  create role twisted login password 'twisted-secret';
  create database twisting;
  alter role twisted set standard_conforming_strings = off;
  alter role twisted set client_encoding = 'SJIS';
  alter database twisting set standard_conforming_strings = off;
  alter database twisting set client_encoding = 'LATIN1';`
const HBA = (kind: string) => [
  'local all all trust',
  `${kind} all postgres 127.0.0.1/32 scram-sha-256`,
  `${kind} all trusting 127.0.0.1/32 trust`,
  `${kind} all plain 127.0.0.1/32 password`,
  `${kind} all hashed 127.0.0.1/32 md5`,
  ...(kind === 'hostssl' ? ['hostssl all certified 127.0.0.1/32 cert'] : []),
  `${kind} all all 127.0.0.1/32 scram-sha-256`,
]

let authority: Authority
let certificate: Issued
let open: PostgresServer
let secure: PostgresServer
let newest: PostgresServer

beforeAll(async () => {
  authority = await Authority.create()
  certificate = await authority.issue('db.test', { names: 'DNS:db.test,IP:127.0.0.1' })
  const tls = {
    ssl: 'on',
    ssl_cert_file: certificate.certFile,
    ssl_key_file: certificate.keyFile,
    ssl_ca_file: authority.caFile,
  }
  ;[open, secure, newest] = await Promise.all([
    startPostgres({ hba: HBA('host') }),
    startPostgres({ hba: HBA('hostssl'), settings: tls }),
    startPostgres({ hba: HBA('hostssl'), settings: tls, major: 18 }),
  ])
  await Promise.all([open, secure, newest].map((server) => probe(server, ROLES)))
})
afterAll(() => Promise.all([open, secure, newest].map((server) => server?.stop())))

const never = new AbortController().signal
const WISH: LoginWish = { database: 'postgres', settings: new Map(), protocolMinor: 0, signal: never }

interface Account {
  readonly port: number
  readonly user: string
  readonly password?: string | undefined
  readonly tls?: Upstream['tls']
  readonly pem?: TargetPem
}

async function upstreamOf({ port, user, password, tls = { mode: 'disable' }, pem = {} }: Account): Promise<Upstream> {
  const redial = async () => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  const secret = password === undefined ? undefined : new Secret(password)
  return { stream: await redial(), host: 'db.test', user, password: secret, database: undefined, tls, pem, redial }
}

const loginAs = async (account: Account, wish: Partial<LoginWish> = {}) =>
  login(await upstreamOf(account), { ...WISH, ...wish })

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
    const tls = { mode: major === 15 ? ('disable' as const) : ('require' as const) }
    const settings = new Map([['search_path', 'a, b']])
    const session = await loginAs(
      { port: server.port, user: 'twisted', password: 'twisted-secret', tls },
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
    const error = await refusal(
      loginAs({ port: newest.port, user: 'trusting', tls: { mode: 'require' } }, { database: 'twisting' }),
    )
    expect(error.code).toBe('protocol.target')
    await probe({ ...newest, database: 'postgres' }, 'drop database twisting with (force); create database twisting')
  })
})

describe('protocol 3.2', () => {
  test('a server that speaks it hands out a long cancel key', async () => {
    const session = await loginAs(
      { port: newest.port, user: 'trusting', tls: { mode: 'require' } },
      { protocolMinor: 2 },
    )
    expect([session.protocolMinor, session.cancelKey.length, session.serverMajor]).toEqual([2, 32, 18])
    session.stream.destroy()
  })
  test('an older one talks it down', async () => {
    const session = await loginAs({ port: open.port, user: 'trusting' }, { protocolMinor: 2 })
    expect([session.protocolMinor, session.cancelKey.length]).toEqual([0, 4])
    session.stream.destroy()
  })
})

describe('TLS to the target', () => {
  const scrambled = { user: 'scrambled', password: 'scram-secret' }
  test.each(['require', 'verify-ca', 'verify-full'] as const)('%s', async (mode) => {
    for (const { port } of [secure, newest]) {
      const session = await loginAs({ port, ...scrambled, tls: { mode, ca: 'ca.crt' }, pem: { ca: authority.ca } })
      expect(await ask(session, 'select ssl from pg_stat_ssl where pid = pg_backend_pid()')).toBe('t')
      session.stream.destroy()
    }
  })

  test('a password goes in the clear through TLS', async () => {
    const session = await loginAs({
      port: secure.port,
      user: 'plain',
      password: 'plain-secret',
      tls: { mode: 'require' },
    })
    session.stream.destroy()
  })

  test('a client certificate', async () => {
    const client = await authority.issue('certified')
    const tls = { mode: 'verify-full', ca: 'ca.crt', cert: 'c.crt', key: 'c.key' } as const
    const pem = { ca: authority.ca, cert: client.cert, key: new Secret(client.key) }
    const session = await loginAs({ port: secure.port, user: 'certified', tls, pem })
    expect(await ask(session, 'select current_user')).toBe('certified')
    session.stream.destroy()
    expect((await refusal(loginAs({ port: secure.port, user: 'certified', tls: { mode: 'require' } }))).code).toBe(
      'target.login',
    )
  })

  test.each([
    ['verify-full', 'another host', { serverName: 'other.test' }],
    ['verify-ca', 'another authority', {}],
    ['require', 'another authority, because one is given', {}],
  ] as const)('%s refuses %s', async (mode, _, more) => {
    const ca = 'serverName' in more ? authority.ca : (await Authority.create()).ca
    const error = await refusal(
      loginAs({ port: secure.port, ...scrambled, tls: { mode, ca: 'ca.crt', ...more }, pem: { ca } }),
    )
    expect(error.code).toBe('target.login')
  })

  test('a file that was not loaded is not passed over', async () => {
    const error = await refusal(loginAs({ port: secure.port, ...scrambled, tls: { mode: 'verify-ca', ca: 'ca.crt' } }))
    expect(error.code).toBe('target.login')
  })

  test('A47: a server that declines TLS gets no password', async () => {
    const error = await refusal(loginAs({ port: open.port, ...scrambled, tls: { mode: 'require' } }))
    expect([error.code, error.detail]).toEqual(['target.login', 'the target declines TLS'])
  })

  test('A45: bytes in the clear behind its answer are not read as encrypted', async () => {
    const said = await fakeTarget(
      async (peer) => {
        peer.send(Buffer.from('SE'))
      },
      { tls: { mode: 'require' } },
    )
    expect(said.code).toBe('protocol.target')
  })
})

describe('A48: SCRAM is bound to the certificate', () => {
  test.each([
    ['P-256, SHA-384', { digest: 'sha384' }],
    ['RSA, SHA-512', { key: 'rsa:2048', digest: 'sha512' }],
    ['Ed25519, which names no digest: not bound', { key: 'ed25519', digest: 'sha256' }, 'ed25519'],
  ])('%s', async (_, options, signer = 'ec') => {
    const issued = await (await Authority.create(signer)).issue('db.test', options)
    const settings = { ssl: 'on', ssl_cert_file: issued.certFile, ssl_key_file: issued.keyFile }
    await using server = await startPostgres({ settings })
    const session = await loginAs({
      port: server.port,
      user: 'postgres',
      password: server.password,
      tls: { mode: 'require' },
    })
    expect(await ask(session, 'select 1')).toBe('1')
    session.stream.destroy()
  })

  test('a man in the middle whose certificate is accepted learns nothing and gets nowhere', async () => {
    const other = await authority.issue('db.test')
    const context = createSecureContext({ cert: other.cert, key: other.key })
    const middle = createServer((socket) => void relayTls(socket, context, secure.port))
    middle.listen(0, '127.0.0.1')
    await once(middle, 'listening')
    const { port } = middle.address() as { port: number }
    const account = { port, user: 'scrambled', password: 'scram-secret' }
    const error = await refusal(
      loginAs({ ...account, tls: { mode: 'verify-ca', ca: 'ca.crt' }, pem: { ca: authority.ca } }),
    )
    expect([error.code, error.detail]).toEqual(['target.login', '28000 SCRAM channel binding check failed'])
    middle.close()
  })
})

/** Ends TLS on one side and begins it on the other. */
async function relayTls(socket: Socket, context: ReturnType<typeof createSecureContext>, port: number): Promise<void> {
  socket.on('error', () => {})
  await once(socket, 'readable')
  socket.read()
  socket.write('S')
  const near = new TLSSocket(socket, { isServer: true, secureContext: context })
  const raw = connect({ host: '127.0.0.1', port })
  raw.write(sslRequest())
  await once(raw, 'readable')
  raw.read()
  const far = connectTls({ socket: raw, rejectUnauthorized: false })
  for (const side of [near, far]) side.on('error', () => {})
  near.pipe(far)
  far.pipe(near)
}

interface FakePeer {
  send(...messages: Buffer[]): void
  /** Next message the login wrote, whole. */
  next(): Promise<Buffer>
}

/** A login against a target that does what `act` says; hands back what the login threw. */
async function fakeTarget(
  act: (peer: FakePeer) => Promise<void>,
  options: Partial<Upstream> & { signal?: AbortSignal } = {},
): Promise<SluiceError> {
  const [near, far] = duplexPair()
  const { signal = never, ...rest } = options
  const next = async () => {
    for (;;) {
      const chunk: Buffer | null = far.read()
      if (chunk) return chunk
      await once(far, 'readable')
    }
  }
  const peer: FakePeer = { send: (...messages) => void far.write(Buffer.concat(messages)), next }
  const upstream: Upstream = {
    stream: near,
    host: 'db.test',
    user: 'u',
    password: new Secret('p'),
    database: undefined,
    tls: { mode: 'disable' },
    redial: () => Promise.reject(new Error('not here')),
    ...rest,
  }
  const attempt = refusal(login(upstream, { ...WISH, signal }))
  await next()
  await act(peer)
  const error = await attempt
  expect(near.destroyed).toBe(true)
  return error
}

const authentication = (kind: number, rest: Buffer | string = '') => {
  const code = Buffer.alloc(4)
  code.writeInt32BE(kind)
  return frame('R', code, Buffer.from(rest))
}
const OK = authentication(0)
const SASL = authentication(10, 'SCRAM-SHA-256\0\0')
const READY = frame('Z', Buffer.from('I'))
const status = (name: string, value: string) => frame('S', Buffer.from(`${name}\0${value}\0`))
const nonceOf = (first: Buffer) => /r=([^,]+)$/.exec(first.toString())![1]!

describe('a hostile target', () => {
  test.each<[string, string, Buffer[]]>([
    ['A47: asks for the password in the clear from another machine', 'target.login', [authentication(3)]],
    ['asks for Kerberos', 'target.login', [authentication(7)]],
    ['offers no mechanism we know', 'target.login', [authentication(10, 'OAUTHBEARER\0\0')]],
    ['offers only channel binding without TLS', 'target.login', [authentication(10, 'SCRAM-SHA-256-PLUS\0\0')]],
    ['continues a SASL exchange that never began', 'target.login', [authentication(11, 'x')]],
    ['asks for MD5 after SCRAM', 'target.login', [SASL, authentication(5, 'salt')]],
    ['says OK in the middle of SCRAM', 'target.login', [SASL, OK]],
    ['sends rows', 'protocol.target', [frame('D', Buffer.alloc(2))]],
    ['sends a key before authentication', 'protocol.target', [frame('K', Buffer.alloc(8))]],
    ['A50: length 3', 'protocol.target', [Buffer.from([82, 0, 0, 0, 3])]],
    ['A50: length -1', 'protocol.target', [Buffer.from([82, 255, 255, 255, 255])]],
    ['A50: 2 GiB', 'protocol.target', [Buffer.from([82, 127, 255, 255, 255])]],
    ['G26: a cancel key of 300 bytes', 'protocol.target', [OK, frame('K', Buffer.alloc(304))]],
    ['G26: two cancel keys', 'protocol.target', [OK, frame('K', Buffer.alloc(8)), frame('K', Buffer.alloc(8))]],
    ['G26: notices without end', 'protocol.target', Array(40).fill(frame('N', Buffer.alloc(60_000)))],
    ['an error cut short', 'protocol.target', [frame('E', Buffer.from('C2800'))]],
    ['an empty authentication request', 'protocol.target', [frame('R')]],
    ['a version above what was asked for', 'protocol.target', [frame('v', Buffer.from([0, 3, 0, 2, 0, 0, 0, 0]))]],
    ['does not tell its settings', 'target.version', [OK, READY]],
    ['is too old', 'target.version', [OK, status('server_version', '9.6.24'), READY]],
    ['is too new', 'target.version', [OK, status('server_version', '19.0'), READY]],
    [
      'A12: says SJIS',
      'protocol.target',
      [
        OK,
        status('server_version', '15.1'),
        status('client_encoding', 'SJIS'),
        status('standard_conforming_strings', 'on'),
        READY,
      ],
    ],
    [
      'A10: says off',
      'protocol.target',
      [
        OK,
        status('server_version', '15.1'),
        status('client_encoding', 'UTF8'),
        status('standard_conforming_strings', 'off'),
        READY,
      ],
    ],
    ['text that is not UTF-8', 'protocol.target', [OK, frame('S', Buffer.from([0xff, 0, 0x31, 0]))]],
  ])('%s', async (_, code, messages) => {
    expect((await fakeTarget(async (peer) => peer.send(...messages))).code).toBe(code)
  })

  test.each([
    ['2,000,000,000 rounds', 'protocol.target', (nonce: string) => `r=${nonce}x,s=c2FsdA==,i=2000000000`],
    ['no rounds', 'protocol.target', (nonce: string) => `r=${nonce}x,s=c2FsdA==,i=0`],
    ["another's nonce", 'protocol.target', () => 'r=abcdefgh,s=c2FsdA==,i=4096'],
    ['our nonce alone', 'protocol.target', (nonce: string) => `r=${nonce},s=c2FsdA==,i=4096`],
    ['an extension', 'protocol.target', (nonce: string) => `m=x,r=${nonce}x,s=c2FsdA==,i=4096`],
  ])('SCRAM with %s', async (_, code, first) => {
    const error = await fakeTarget(async (peer) => {
      peer.send(SASL)
      peer.send(authentication(11, first(nonceOf(await peer.next()))))
    })
    expect(error.code).toBe(code)
  })

  test.each([
    ['a signature it cannot make', authentication(12, `v=${Buffer.alloc(32).toString('base64')}`)],
    ['no signature', authentication(12, 'v=')],
    ['an error attribute', authentication(12, 'e=other-error')],
    ['OK without a signature', OK],
  ])('SCRAM that ends with %s', async (_, end) => {
    const error = await fakeTarget(async (peer) => {
      peer.send(SASL)
      const nonce = nonceOf(await peer.next())
      peer.send(authentication(11, `r=${nonce}x,s=c2FsdA==,i=4096`))
      expect((await peer.next()).toString()).toContain(`r=${nonce}x,p=`)
      peer.send(end, OK)
    })
    expect(error.code).toBe('target.login')
  })

  test('one that says nothing is given up on', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const error = await fakeTarget(async () => void vi.advanceTimersByTime(LOGIN_MS)).finally(() => vi.useRealTimers())
    expect(error.code).toBe('target.unreachable')
  })

  test('a session that ends does not wait for it', async () => {
    const ended = new AbortController()
    const error = await fakeTarget(async () => ended.abort(new SluiceError('session.killed')), { signal: ended.signal })
    expect(error.code).toBe('session.killed')
  })
})
