import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Authority, type Issued } from '../../../test/rig/certificates.ts'
import { run } from '../../../test/rig/child.ts'
import { npmBinaries } from '../../../test/rig/postgres-binaries.ts'
import { loginEnvironment } from '../../../test/rig/psql.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Gate } from '../contract.ts'
import { refuse, requestToken } from './handshake.ts'
import { sslRequest, startupMessage } from './messages.ts'
import { type Opening, receiveOpening } from './startup.ts'

let authority: Authority
let certificate: Issued
let context: SecureContext
beforeAll(async () => {
  authority = await Authority.create()
  certificate = await authority.issue('db.test', { names: 'DNS:localhost,IP:127.0.0.1' })
  context = createSecureContext({ cert: certificate.cert, key: certificate.key })
})

const never = new AbortController().signal
const gateWith = (tls: SecureContext | undefined, loopback = true, closing = never) =>
  ({ tls, loopback, closing }) as Gate

type Startup = Extract<Opening, { kind: 'startup' }>
/** What receiveOpening came to: an opening, or the code of what it threw. */
const outcome = (client: Duplex, gate: Gate) =>
  receiveOpening(client, gate).then(
    (opening) => opening,
    (error: unknown) => (error instanceof SluiceError ? error.code : String(error)),
  )

/** Feeds bytes to an opening and hands back what it came to, and what the client was sent. */
const GSSENC = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])
const hello = (...pairs: [string, string][]) => startupMessage(0, [['user', 'orders'], ...pairs])

describe('stock clients', () => {
  let server: Server
  let port: number
  let gate: Gate
  const seen: (Startup | string)[] = []
  const tokens: string[] = []

  beforeAll(async () => {
    server = createServer((client) => void serve(client))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => server.close())

  /** Takes the opening and the token, then refuses: the client's output shows the refusal reached it. */
  async function serve(client: Socket): Promise<void> {
    const came = await outcome(client, gate)
    seen.push(typeof came === 'string' ? came : (came as Startup))
    if (typeof came === 'string' || came.kind !== 'startup') return
    tokens.push(await requestToken(came.stream, { ms: 5_000, signals: [] }).catch((error) => error.code))
    refuse(came.stream, { severity: 'FATAL', code: '28000', message: 'Access denied.' })
  }

  async function psql(environment: NodeJS.ProcessEnv, allow: Gate): Promise<string> {
    seen.length = tokens.length = 0
    gate = allow
    const env = {
      ...loginEnvironment({ host: 'localhost', port, user: 'rep+orders', password: 'slu_abc', database: 'shop' }),
      ...environment,
    }
    const { stderr } = await run(['psql', '-X', '-w', '-c', 'select 1'], { env: { ...env, PGHOSTADDR: '127.0.0.1' } })
    return stderr
  }

  /** libpq 18 under Debian's psql. */
  const newest = async () => ({ LD_LIBRARY_PATH: `${(await npmBinaries(18)).folder}/../lib` })

  test.each([
    ['disable', false],
    ['prefer', true],
    ['require', true],
    ['verify-ca', true],
    ['verify-full', true],
  ])('psql with sslmode=%s', async (mode, secure) => {
    for (const library of [{}, await newest()]) {
      const said = await psql(
        {
          ...library,
          PGSSLMODE: mode,
          PGSSLROOTCERT: authority.caFile,
          PGTZ: 'UTC',
          PGOPTIONS: '-c intervalstyle=postgres_verbose',
        },
        gateWith(context),
      )
      expect(said).toContain('FATAL:  Access denied.')
      expect(seen[0]).toMatchObject({
        secure,
        protocolMinor: 0,
        startup: {
          upstreamUser: 'rep',
          resource: 'orders',
          database: 'shop',
          applicationName: 'psql',
          settings: new Map([
            ['intervalstyle', 'postgres_verbose'],
            ['timezone', 'UTC'],
          ]),
        },
      })
      expect(tokens[0]).toBe('slu_abc')
    }
  })

  test('psql with sslmode=prefer goes on without TLS where there is none, and with require does not', async () => {
    expect(await psql({ PGSSLMODE: 'prefer' }, gateWith(undefined))).toContain('Access denied.')
    expect(seen[0]).toMatchObject({ secure: false })
    expect(await psql({ PGSSLMODE: 'require' }, gateWith(undefined))).toContain('server does not support SSL')
    expect(tokens).toEqual([])
  })

  test('direct TLS of libpq 17 and later', async () => {
    const direct = {
      ...(await newest()),
      PGSSLMODE: 'verify-full',
      PGSSLNEGOTIATION: 'direct',
      PGSSLROOTCERT: authority.caFile,
    }
    expect(await psql(direct, gateWith(context))).toContain('FATAL:  Access denied.')
    expect(seen).toMatchObject([{ secure: true, startup: { resource: 'orders' } }])
  })

  test.each([
    ['3.2', 2],
    ['latest', 2],
    ['3.0', 0],
  ])('A49: libpq 18 that asks for at most %s', async (version, minor) => {
    const said = await psql(
      { ...(await newest()), PGMAXPROTOCOLVERSION: version, PGSSLMODE: 'disable' },
      gateWith(context),
    )
    expect(said).toContain('Access denied.')
    expect(seen).toMatchObject([{ protocolMinor: minor }])
  })

  test('a client certificate is handed on once its key was shown', async () => {
    const client = await authority.issue('ada')
    const files = { PGSSLCERT: client.certFile, PGSSLKEY: client.keyFile, PGSSLMODE: 'require' }
    await psql(files, gateWith(context))
    expect((seen[0] as Startup).clientCertificate).toBe(client.cert)
    await psql({ PGSSLMODE: 'require' }, gateWith(context))
    expect((seen[0] as Startup).clientCertificate).toBeUndefined()
  })

  test('A refused parameter is shown by psql with its remedy', async () => {
    const said = await psql({ PGOPTIONS: '-c role=admin' }, gateWith(context))
    expect(said).toMatch(/FATAL: {2}The client sent a start-up parameter[\s\S]*DETAIL: {2}role\nHINT: {2}\w/)
  })

  /** TLS with a client of Node's, after SSLRequest or directly. */
  async function overTls(how: 'asked' | 'direct', options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connect(port, '127.0.0.1')
    if (how === 'asked') {
      socket.write(sslRequest())
      await once(socket, 'readable')
      expect(socket.read().toString()).toBe('S')
    }
    const tls = connectTls({ socket, ca: authority.ca, servername: 'localhost', ...options })
    tls.on('error', () => {})
    return tls
  }

  test('direct TLS without the protocol name is refused', async () => {
    seen.length = 0
    gate = gateWith(context)
    const tls = await overTls('direct', {})
    tls.write(hello())
    tls.resume()
    await once(tls, 'close')
    expect(seen).toEqual(['protocol.malformed'])
  })

  test('TLS inside TLS, and requests inside TLS, are refused', async () => {
    gate = gateWith(context)
    for (const packet of [sslRequest(), GSSENC]) {
      seen.length = 0
      const tls = await overTls('asked', {})
      tls.write(packet)
      tls.resume()
      await once(tls, 'close')
      expect(seen).toEqual(['protocol.version'])
    }
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a %s session may be resumed', async (version) => {
    gate = gateWith(context)
    let session: Buffer | undefined
    const reused: boolean[] = []
    for (let i = 0; i < 2; i++) {
      const tls = await overTls('asked', { maxVersion: version, ...(session ? { session } : {}) })
      tls.on('session', (fresh: Buffer) => {
        session = fresh
      })
      tls.write(hello())
      await once(tls, 'readable')
      reused.push(tls.isSessionReused())
      tls.destroy()
    }
    expect(reused).toEqual([false, true])
  })
})
