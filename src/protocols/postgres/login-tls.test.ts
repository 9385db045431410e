import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Authority } from '../../../test/rig/certificates.ts'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { type UpstreamAccount, upstreamTo } from '../../../test/rig/upstream.ts'
import { type SluiceError, toSluiceError } from '../../kit/errors.ts'
import { Secret } from '../../kit/secret.ts'
import { Intake, TARGET } from './intake.ts'
import { type LoggedIn, type LoginWish, login } from './login.ts'
import { query, sslRequest } from './messages.ts'

const ROLES = `
  create role plain login password 'plain-secret';
  create role scrambled login password 'scram-secret';
  create role certified login;`
const HBA = [
  'local all all trust',
  'hostssl all plain 127.0.0.1/32 password',
  'hostssl all certified 127.0.0.1/32 cert',
  'hostssl all all 127.0.0.1/32 scram-sha-256',
]

let authority: Authority
let open: PostgresServer
let secure: PostgresServer
let newest: PostgresServer
beforeAll(async () => {
  authority = await Authority.create()
  const issued = await authority.issue('db.test', { names: 'DNS:db.test,IP:127.0.0.1' })
  const files = { ssl_cert_file: issued.certFile, ssl_key_file: issued.keyFile, ssl_ca_file: authority.caFile }
  const settings = { ssl: 'on', ...files }
  ;[open, secure, newest] = await Promise.all([
    startPostgres(),
    startPostgres({ hba: HBA, settings }),
    startPostgres({ hba: HBA, settings, major: 18 }),
  ])
  await Promise.all([secure, newest].map((server) => probe(server, ROLES)))
})
afterAll(() => Promise.all([open, secure, newest].map((server) => server?.stop())))

const WISH: LoginWish = {
  database: 'postgres',
  settings: new Map(),
  protocolMinor: 0,
  signal: new AbortController().signal,
}

const loginAs = async (account: UpstreamAccount) => login(await upstreamTo(account), WISH)

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
    expect(error.code).toBe('target.tls_failed')
  })

  test("a file that holds no certificate is the administrator's to mend", async () => {
    const pem = { ca: authority.ca, cert: 'not PEM', key: new Secret('neither') }
    const tls = { mode: 'verify-ca', ca: 'ca.crt', cert: 'c.crt', key: 'c.key' } as const
    expect((await refusal(loginAs({ port: secure.port, ...scrambled, tls, pem }))).code).toBe('target.tls_files')
  })

  test('a file that was not loaded is not passed over', async () => {
    const error = await refusal(loginAs({ port: secure.port, ...scrambled, tls: { mode: 'verify-ca', ca: 'ca.crt' } }))
    expect(error.code).toBe('target.tls_files')
  })

  test('A47: a server that declines TLS gets no password', async () => {
    const error = await refusal(loginAs({ port: open.port, ...scrambled, tls: { mode: 'require' } }))
    expect([error.code, error.detail]).toEqual(['target.tls_declined', 'the answer to SSLRequest is no'])
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
