import { once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { createSecureContext, type SecureContext } from 'node:tls'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { Authority, type Issued } from '../../../test/rig/certificates.ts'
import { SluiceError } from '../../kit/errors.ts'
import type { Gate } from '../contract.ts'
import { OPENING_MS } from './limits.ts'
import { cancelRequest, cstring, readErrorFields, sslRequest, startupMessage } from './messages.ts'
import { type Opening, receiveOpening } from './startup.ts'

let authority: Authority
let certificate: Issued
let _context: SecureContext
beforeAll(async () => {
  authority = await Authority.create()
  certificate = await authority.issue('db.test', { names: 'DNS:localhost,IP:127.0.0.1' })
  _context = createSecureContext({ cert: certificate.cert, key: certificate.key })
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
async function fed(
  pieces: readonly Buffer[],
  gate = gateWith(undefined),
): Promise<{ came: Opening | string; sent: Buffer }> {
  const [near, far] = duplexPair()
  const came = outcome(near, gate)
  for (const piece of pieces) far.write(piece)
  far.end()
  const parts: Buffer[] = []
  const end = once(far, 'close')
  far.on('data', (part: Buffer) => parts.push(part))
  const result = await came
  near.end()
  near.resume()
  await end
  return { came: result, sent: Buffer.concat(parts) }
}

const GSSENC = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])
const hello = (...pairs: [string, string][]) => startupMessage(0, [['user', 'orders'], ...pairs])
const raw = (version: number, body: Buffer) => {
  const packet = Buffer.alloc(8)
  packet.writeInt32BE(8 + body.length)
  packet.writeUInt32BE(version, 4)
  return Buffer.concat([packet, body])
}
const fieldsOf = (sent: Buffer) => readErrorFields(sent.subarray(sent.indexOf('E') + 5))

describe('a StartupMessage names who wants what', () => {
  test.each([
    ['the resource', hello(), { user: 'orders', resource: 'orders', upstreamUser: undefined, database: undefined }],
    [
      'an upstream user',
      startupMessage(0, [['user', 'reporting+orders']]),
      { resource: 'orders', upstreamUser: 'reporting' },
    ],
    [
      'an upstream user with a plus',
      startupMessage(0, [['user', 'a+b+orders']]),
      { resource: 'orders', upstreamUser: 'a+b' },
    ],
    [
      'no upstream user before the plus',
      startupMessage(0, [['user', '+orders']]),
      { resource: 'orders', upstreamUser: '' },
    ],
    ['a database', hello(['database', 'shop']), { database: 'shop' }],
    ['the database libpq fills in', hello(['database', 'orders']), { database: undefined }],
    ['an empty database', hello(['database', '']), { database: undefined }],
    ['an application', hello(['application_name', 'psql']), { applicationName: 'psql', settings: new Map() }],
    [
      'settings',
      hello(['DateStyle', 'ISO'], ['search_path', 's']),
      {
        settings: new Map([
          ['datestyle', 'ISO'],
          ['search_path', 's'],
        ]),
      },
    ],
    [
      'settings in options',
      hello(['options', '-c work_mem=1MB --lock-timeout=5']),
      {
        settings: new Map([
          ['work_mem', '1MB'],
          ['lock_timeout', '5'],
        ]),
      },
    ],
    [
      'a setting in both: the direct one wins',
      hello(['search_path', 'b'], ['options', '-c search_path=a']),
      { settings: new Map([['search_path', 'b']]) },
    ],
    ['an application in options', hello(['options', '-c application_name=x']), { applicationName: 'x' }],
    ['A39: replication', hello(['replication', 'database']), { replication: true }],
    ['A39: physical replication', hello(['replication', 'tru']), { replication: true }],
    ['no replication', hello(['replication', 'off']), { replication: false }],
    ['what asyncpg sends', hello(['client_encoding', "'utf-8'"]), { settings: new Map() }],
  ])('%s', async (_, packet, expected) => {
    const { came, sent } = await fed([packet])
    expect((came as Startup).startup).toMatchObject(expected)
    expect(sent).toEqual(Buffer.alloc(0))
  })
})

describe('what is not acceptable is refused in the protocol, and nothing else happens', () => {
  const pairs = (...texts: string[]) => raw(196608, Buffer.concat([...texts.map(cstring), Buffer.of(0)]))
  test.each([
    ['A42: two users', pairs('user', 'low', 'user', 'postgres'), 'protocol.duplicate', '08P01'],
    ['A43: two databases', pairs('user', 'a', 'database', 'x', 'database', 'y'), 'protocol.duplicate', '08P01'],
    [
      'A42: a setting in two spellings',
      pairs('user', 'a', 'DateStyle', 'x', 'datestyle', 'y'),
      'protocol.duplicate',
      '08P01',
    ],
    ['A42: two options', pairs('user', 'a', 'options', '', 'options', '-c role=x'), 'protocol.duplicate', '08P01'],
    ['A42: USER beside user', pairs('user', 'a', 'USER', 'b'), 'protocol.duplicate', '08P01'],
    ['DATABASE', pairs('user', 'a', 'DATABASE', 'b'), 'protocol.parameter', '0A000'],
    ['A40: a role in options', hello(['options', '-c search_path=s2 -c role=low']), 'protocol.parameter', '0A000'],
    [
      'A40: standard_conforming_strings in options',
      hello(['options', '-c standard_conforming_strings=off']),
      'sql.setting',
      '22023',
    ],
    [
      'A40: the same, escaped',
      hello(['options', String.raw`-\c standard\_conforming_strings=o\ff`]),
      'sql.setting',
      '22023',
    ],
    ['A41: a role', hello(['role', 'low']), 'protocol.parameter', '0A000'],
    ['A12: an encoding', hello(['client_encoding', 'SJIS']), 'sql.setting', '22023'],
    [
      'A12: an encoding overridden later',
      hello(['client_encoding', 'UTF8'], ['options', '-c client_encoding=GBK']),
      'sql.setting',
      '22023',
    ],
    ['replication of a strange kind', hello(['replication', 'maybe']), 'protocol.parameter', '0A000'],
    ['no user', startupMessage(0, [['database', 'x']]), 'protocol.user', '28000'],
    ['an empty user', pairs('user', ''), 'protocol.user', '28000'],
    ['A7: a database name the server would cut', hello(['database', 'é'.repeat(32)]), 'protocol.parameter', '0A000'],
    ['protocol 2', raw(131072, Buffer.alloc(292)), 'protocol.version', '0A000'],
    ['protocol 4', raw(262144, Buffer.from('user\0a\0\0')), 'protocol.version', '0A000'],
    ['no end', raw(196608, Buffer.from('user\0a\0')), 'protocol.malformed', '08P01'],
    ['a name without value', raw(196608, Buffer.from('user\0')), 'protocol.malformed', '08P01'],
    ['A16: bytes behind the end', raw(196608, Buffer.from('user\0a\0\0\0')), 'protocol.malformed', '08P01'],
    ['A14: invalid UTF-8', raw(196608, Buffer.from('user\0\xff\0\0', 'latin1')), 'protocol.malformed', '08P01'],
    ['nothing but a version', raw(196608, Buffer.alloc(0)), 'protocol.malformed', '08P01'],
    ['A50: length 0', Buffer.from([0, 0, 0, 0, 0, 3, 0, 0]), 'protocol.malformed', '08P01'],
    ['A50: length 7', Buffer.from([0, 0, 0, 7, 0, 3, 0]), 'protocol.malformed', '08P01'],
    ['A50: length -1', Buffer.from([255, 255, 255, 255, 0, 3]), 'protocol.malformed', '08P01'],
    ['A50: 2 GiB', Buffer.from([127, 255, 255, 255, 0, 3]), 'protocol.malformed', '08P01'],
    ['A50: one byte more than the server takes', Buffer.from([0, 0, 39, 21, 0, 3]), 'protocol.malformed', '08P01'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'protocol.malformed', '08P01'],
    ['A45: bytes behind SSLRequest', Buffer.concat([sslRequest(), hello()]), 'protocol.malformed', '08P01'],
    ['A45: bytes behind GSSENCRequest', Buffer.concat([GSSENC, hello()]), 'protocol.malformed', '08P01'],
    ['an SSLRequest with more in it', raw(80877103, Buffer.from([0])), 'protocol.malformed', '08P01'],
  ])('%s', async (_, packet, code, state) => {
    const { came, sent } = await fed([packet])
    expect(came).toBe(code)
    const fields = fieldsOf(sent)
    expect([fields.get('S'), fields.get('C')]).toEqual(['FATAL', state])
    expect(fields.get('H')).not.toBe('')
  })

  test('the client learns which parameter it was', async () => {
    expect(fieldsOf((await fed([hello(['role', 'low'])])).sent).get('D')).toBe('role')
  })

  test('a token is not asked for in the clear from another machine', async () => {
    const { came, sent } = await fed([hello()], gateWith(undefined, false))
    expect(came).toBe('identity.plaintext')
    expect(fieldsOf(sent).get('H')).toContain('sslmode=require')
  })
})

describe('requests before the start', () => {
  test.each([
    ['A46: GSS encryption is declined', [GSSENC, hello()], 'N'],
    ['TLS is declined without a certificate', [sslRequest(), hello()], 'N'],
    ['both, in either order', [sslRequest(), GSSENC, hello()], 'NN'],
    ['both, in either order', [GSSENC, sslRequest(), hello()], 'NN'],
  ])('%s', async (_, packets, answers) => {
    const [near, far] = duplexPair()
    const came = outcome(near, gateWith(undefined))
    let sent = ''
    for (const packet of packets.slice(0, -1)) {
      far.write(packet)
      await once(far, 'readable')
      sent += far.read()
    }
    far.write(packets.at(-1)!)
    expect(await came).toMatchObject({ kind: 'startup', secure: false })
    expect(sent).toBe(answers)
  })

  test('each may be made once', async () => {
    const [near, far] = duplexPair()
    const came = outcome(near, gateWith(undefined))
    far.write(sslRequest())
    await once(far, 'readable')
    far.read()
    far.write(sslRequest())
    expect(await came).toBe('protocol.version')
  })

  test.each([
    ['protocol 3.0', 4],
    ['protocol 3.2', 32],
  ])('a cancel request of %s', async (_, length) => {
    const key = Buffer.alloc(length, 7)
    expect((await fed([cancelRequest(4711, key)])).came).toEqual({ kind: 'cancel', processId: 4711, secret: key })
  })

  test.each([
    ['a cancel request without key', cancelRequest(1, Buffer.alloc(0))],
    ['a cancel request with too long a key', cancelRequest(1, Buffer.alloc(257))],
    ['nothing', Buffer.alloc(0)],
    ['half a packet', hello().subarray(0, 20)],
  ])('%s gets no answer', async (_, packet) => {
    expect(await fed([packet])).toEqual({ came: { kind: 'gone' }, sent: Buffer.alloc(0) })
  })
})

describe('A49: versions and options are negotiated by us', () => {
  test.each([
    ['3.0', 0, [], 0, false],
    ['3.1', 1, [], 0, false],
    ['3.2', 2, [], 2, false],
    ['3.3', 3, [], 2, true],
    ['3.9999', 9999, [], 2, true],
    ['3.0 with options', 0, ['_pq_.x', '_pq_.y'], 0, true],
  ] as const)('%s', async (_, asked, options, minor, negotiated) => {
    const packet = startupMessage(asked as 0, [['user', 'a'], ...options.map((name): [string, string] => [name, '1'])])
    const { came, sent } = await fed([packet])
    expect((came as Startup).protocolMinor).toBe(minor)
    if (!negotiated) return expect(sent).toEqual(Buffer.alloc(0))
    const named = options.map((name) => `${name}\0`).join('')
    expect([sent[0], sent.readInt32BE(1), sent.readInt32BE(5), sent.readInt32BE(9)]).toEqual([
      'v'.charCodeAt(0),
      sent.length - 1,
      196608 + minor,
      options.length,
    ])
    expect(sent.subarray(13).toString()).toBe(named)
  })
})

test('A53: the opening is the same in one piece and byte by byte', async () => {
  for (const packet of [
    hello(['options', '-c work_mem=1MB']),
    cancelRequest(1, Buffer.alloc(32)),
    hello(['role', 'x']),
  ]) {
    const whole = await fed([packet])
    const bytes = await fed(Array.from(packet, (byte) => Buffer.of(byte)))
    const shown = ({ came, sent }: typeof whole) =>
      JSON.stringify([typeof came === 'object' ? { ...came, stream: 0 } : came, sent.toString('hex')])
    expect(shown(bytes)).toBe(shown(whole))
  }
})

describe('waiting has an end', () => {
  test('G51: ten thousand silent clients do not delay the one that speaks, and are let go in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const silent = Array.from({ length: 10_000 }, () => outcome(duplexPair()[0], gateWith(undefined)))
    const start = performance.now()
    expect((await fed([hello()])).came).toMatchObject({ kind: 'startup' })
    expect(performance.now() - start).toBeLessThan(500)
    vi.advanceTimersByTime(OPENING_MS)
    vi.useRealTimers()
    expect(new Set((await Promise.all(silent)).map((came) => (came as Opening).kind))).toEqual(new Set(['gone']))
  })

  test('a gateway that shuts down says so', async () => {
    const closing = new AbortController()
    const [near, far] = duplexPair()
    const came = outcome(near, gateWith(undefined, true, closing.signal))
    closing.abort(new SluiceError('session.shutdown'))
    expect(await came).toBe('session.shutdown')
    await once(far, 'readable')
    expect(fieldsOf(far.read()).get('C')).toBe('57P01')
  })
})
