/** The connector's tunnel: part G.3 of the attack list, and what else either end may do to the other. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants } from 'node:http2'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/kit/secret.ts'
import { alternativeNames, endEntity, writeCertificate } from '../../src/kit/x509.ts'
import { createAuthority } from '../../src/tunnel/gateway/authority.ts'
import { LIMITS } from '../../src/tunnel/limits.ts'
import { CONTROL_PATH } from '../../src/tunnel/wire.ts'
import { type Chance, chance, eachSeed } from '../fuzz/seed.ts'
import { falseConnector, falseGateway, frame, openTunnel, PREFACE, SETTINGS, word } from '../rig/hostile.ts'
import { echo, SEED, startTarget, startTunnelRig, type TunnelRig } from '../rig/tunnels.ts'
import { until } from '../rig/until.ts'

const code = (code: string) => expect.objectContaining({ code })
const dial = (rig: TunnelRig, via: string, port = 9) => rig.tunnels.dial({ host: '127.0.0.1', port, via })
const stateOf = async (rig: TunnelRig, id: string) => (await rig.tunnels.list()).find((each) => each.id === id)?.state
const turns = (holds: () => unknown | Promise<unknown>) =>
  until(async () => {
    await pause(10)
    return Boolean(await holds())
  })

describe('G22: a certificate is good for one holder', () => {
  test('a second process with a copy stays out while the first is there, and that is an alarm', async () => {
    await using rig = await startTunnelRig()
    await using target = await startTarget(echo)
    const identity = await rig.join('vpc-1')
    await rig.connector('vpc-1', [`127.0.0.1:${target.port}`], { identity })
    await expect(rig.connector('vpc-1', ['127.0.0.1:*'], { identity })).rejects.toThrow(code('tunnel.duplicate'))
    const why = 'a second holder of the certificate'
    expect(rig.ledger).toContainEqual(expect.objectContaining({ action: 'alarm', id: identity.id, why }))
    // The first is not disturbed.
    const stream = await dial(rig, 'vpc-1', target.port)
    stream.end('still here')
    expect((await buffer(stream)).toString()).toBe('still here')
  })

  test('a copy of a certificate that was renewed since opens nothing', async () => {
    await using rig = await startTunnelRig({ renew_ms: 0 })
    const copy = await rig.join('vpc-1')
    await rig.connector('vpc-1', ['127.0.0.1:*'], { identity: copy })
    await turns(() => rig.lines.some((line) => line.includes('the certificate was renewed')))
    expect(rig.ledger.some(({ action }) => action === 'renew')).toBe(true)
    // Once the new one has been used, the old one is worth nothing.
    await rig.store.connectors.seen(copy.id, { version: '1', seen_ms: 1, seen_from: '', previous_serial: null })
    const socket = await openTunnel(rig, copy)
    await falseConnector(socket, {})
    await once(socket, 'close').catch(() => {})
    expect(rig.ledger.at(-1)).toMatchObject({ action: 'refused', why: expect.stringContaining('old copy') })
  })

  test('a revoked certificate ends its tunnel, its streams, and every attempt after', async () => {
    await using rig = await startTunnelRig()
    await using target = await startTarget(echo)
    const identity = await rig.join('vpc-1')
    await rig.connector('vpc-1', [`127.0.0.1:${target.port}`], { identity })
    const lost = Promise.withResolvers<unknown>()
    const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1', lost: lost.resolve })
    stream.resume()
    const began = performance.now()
    await rig.tunnels.revoke(identity.id, 'human:ada')
    expect(await lost.promise).toMatchObject({ code: 'tunnel.lost' })
    expect(performance.now() - began).toBeLessThan(2_000)
    await expect(dial(rig, 'vpc-1', target.port)).rejects.toThrow(code('tunnel.down'))
    await expect(rig.connector('vpc-1', ['127.0.0.1:*'], { identity })).rejects.toThrow(code('tunnel.refused'))
  })

  test('a revocation by another gateway process ends the tunnel here as well', async () => {
    await using rig = await startTunnelRig()
    const identity = await rig.join('vpc-1')
    await rig.connector('vpc-1', ['127.0.0.1:*'], { identity })
    await rig.store.connectors.revoke({ id: identity.id }, 'human:ada', Date.now())
    await turns(async () => rig.ledger.some(({ action, why }) => action === 'disconnect' && why === 'revoked'))
  })
})

describe('G23: a connector is who its certificate says, and nobody else', () => {
  test('what it says of itself changes nothing', async () => {
    await using rig = await startTunnelRig()
    const socket = await openTunnel(rig, await rig.join('vpc-2'))
    await falseConnector(socket, { hello: { name: 'vpc-1', id: 'con_0000000000000000000000', pool: 'vpc-1' } })
    await expect(dial(rig, 'vpc-1')).rejects.toThrow(code('tunnel.down'))
    expect((await rig.tunnels.list()).map(({ name, state }) => [name, state])).toEqual([['vpc-2', 'ready']])
  })

  test.each([
    ['signed by another authority, in the name of one of ours', 'foreign'],
    ['forged: every word of a real one, with another signature', 'forged'],
    ['the gateway’s own', 'gateway'],
    ['none at all', 'none'],
    ['of a connector that never joined', 'unknown'],
    ['of a connector, with another pool’s name', 'renamed'],
    ['that has ended', 'ended'],
  ] as const)('a certificate %s', async (_, kind) => {
    await using rig = await startTunnelRig()
    const real = await rig.join('vpc-1')
    const ours = createAuthority(new Secret(SEED))
    const foreign = createAuthority(new Secret(Buffer.alloc(32, 9).toString('base64')))
    const key = createPublicKey(createPrivateKey(real.key))
    const lasts = { now_ms: Date.now(), lasts_ms: 60_000 }
    const shown = {
      foreign: () => ({ cert: foreign.issue(real, key, lasts).cert, key: real.key }),
      forged: () => ({ cert: forgedFrom(real.cert), key: real.key }),
      gateway: () => ours.gatewayPair(Date.now()),
      none: () => ({}),
      unknown: () => ({
        cert: ours.issue({ name: 'vpc-1', id: `con_${'0'.repeat(22)}` }, key, lasts).cert,
        key: real.key,
      }),
      renamed: () => ({ cert: ours.issue({ name: 'vpc-9', id: real.id }, key, lasts).cert, key: real.key }),
      ended: () => ({
        cert: ours.issue(real, key, { now_ms: Date.now() - 7_200_000, lasts_ms: 60_000 }).cert,
        key: real.key,
      }),
    }[kind]()
    const socket = await openTunnel(rig, { ...(shown as { cert: string; key: string }), ca: real.ca })
    if (!socket.destroyed) await falseConnector(socket, {})
    await turns(() => socket.destroyed)
    expect(rig.ledger.at(-1)).toMatchObject({ action: 'refused' })
    await expect(dial(rig, 'vpc-1')).rejects.toThrow(code('tunnel.down'))
  })

  test('a stranger fills the ledger a few times only; connectors of the same address are not kept out', async () => {
    let failures = 0
    await using rig = await startTunnelRig({ attempts: { failed: () => ++failures > 5 } })
    const identity = await rig.join('vpc-1')
    const { ca } = identity
    for (let i = 0; i < 20; i++) {
      const socket = await openTunnel(rig, { ca } as never)
      await turns(() => socket.destroyed)
    }
    expect(rig.ledger.filter(({ action }) => action === 'refused')).toHaveLength(5)
    await rig.connector('vpc-1', ['127.0.0.1:*'], { identity })
  })

  test('another connector cannot pose as the gateway: its certificate is for one end only', async () => {
    await using rig = await startTunnelRig()
    const b = await rig.join('vpc-2')
    await using poser = await falseGateway({ cert: b.cert, key: b.key })
    const way = { host: '127.0.0.1', port: poser.port, websocket: false }
    void rig.connector('vpc-1', ['127.0.0.1:*'], { way }).catch(() => {})
    await turns(() => rig.lines.some((line) => line.includes('is not the gateway')))
  })
})

/** The same names, number and key, signed by a key of the forger's own. */
function forgedFrom(real: string): string {
  const certificate = new X509Certificate(real)
  return writeCertificate({
    subject: certificate.subject.replace('CN=', ''),
    issuer: certificate.issuer.replace('CN=', ''),
    serial: Buffer.from(certificate.serialNumber, 'hex'),
    from_ms: Date.now() - 60_000,
    to_ms: Date.now() + 3_600_000,
    publicKey: certificate.publicKey,
    signer: generateKeyPairSync('ed25519').privateKey,
    extensions: [
      alternativeNames({ uri: [certificate.subjectAltName!.replace('URI:', '')] }),
      ...endEntity('clientAuth'),
    ],
  })
}

describe('G24: where a tunnel leads is the gateway’s to say', () => {
  test('a connector opens no streams: a push ends its tunnel', async () => {
    await using rig = await startTunnelRig()
    const identity = await rig.join('vpc-1')
    // PUSH_PROMISE on the control stream (1), promising stream 2: our settings forbid it.
    const socket = await openTunnel(rig, identity)
    socket.resume()
    socket.write(SETTINGS)
    socket.write(frame(5, 4, 1, Buffer.concat([word(2), Buffer.from([0x82, 0x87, 0x84])])))
    await turns(() => socket.destroyed)
  })
})

describe('G25: a gateway gone bad cannot use a connector as its way in', () => {
  async function broken(allow: readonly string[]) {
    const rig = await startTunnelRig()
    const gateway = await falseGateway()
    const way = { host: '127.0.0.1', port: gateway.port, websocket: false }
    void rig.connector('vpc-1', allow, { way }).catch(() => {})
    const socket = await gateway.next()
    const session = connect('https://connector', { createConnection: () => socket })
    session.on('error', () => {})
    return {
      ...{ rig, session },
      async [Symbol.asyncDispose]() {
        session.destroy()
        await gateway[Symbol.asyncDispose]()
        await rig[Symbol.asyncDispose]()
      },
    }
  }
  const ask = async (session: ClientHttp2Session, authority: string) => {
    const stream = session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false })
    stream.on('error', () => {})
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
    stream.close()
    return headers[':status']
  }

  test.each([
    '127.0.0.1:22',
    'localhost:5432',
    '169.254.169.254:80',
    '[::1]:5432',
    '[::ffff:127.0.0.1]:22',
    '2130706433:5432',
    '0x7f000001:5432',
    '127.1:5432',
    'db.internal:5433',
    '0.0.0.0:5432',
  ])('it asks for %s, which is not on the list, and nothing is dialled', async (authority) => {
    await using world = await broken(['db.internal:5432'])
    expect(await ask(world.session, authority)).toBe(403)
    expect(world.rig.lines.join()).toContain('an address that is not allowed')
  })

  test('it asks for a method that is no CONNECT, or a second control stream', async () => {
    await using world = await broken(['db.internal:5432'])
    for (const headers of [
      { ':method': 'GET', ':path': '/' },
      { ':method': 'POST', ':path': '/control/../x' },
    ]) {
      const stream = world.session.request(headers)
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
      expect(answer[':status']).toBe(404)
    }
  })

  test('streams beyond the bound are refused, and the process lives', async () => {
    await using world = await broken(['127.0.0.1:*'])
    const streams = Array.from({ length: LIMITS.streams + 200 }, () => {
      const stream = world.session.request(
        { ':method': 'CONNECT', ':authority': '10.255.255.1:9' },
        { endStream: false },
      )
      stream.on('error', () => {})
      return stream
    })
    await pause(100)
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
    await turns(async () => (await ask(world.session, '127.0.0.2:1').catch(() => 0)) !== 0 || world.session.destroyed)
  })

  test('its words on the control stream are bounded as well', async () => {
    await using world = await broken(['127.0.0.1:*'])
    const control = world.session.request({ ':method': 'POST', ':path': CONTROL_PATH }, { endStream: false })
    control.on('error', () => {})
    control.resume()
    control.write('x'.repeat(LIMITS.line + 1))
    await turns(() => world.session.destroyed)
  })
})

describe('G26: what a target sends waits at the target', () => {
  test('a flood that nobody reads stays in the windows, and others pass it by', async () => {
    await using rig = await startTunnelRig()
    let written = 0
    const chunk = Buffer.alloc(65_536)
    await using flood = await startTarget((socket) => {
      const pour = () => {
        while (!socket.destroyed && socket.write(chunk)) written += chunk.length
      }
      socket.on('drain', pour)
      pour()
    })
    await using other = await startTarget(echo)
    await rig.connector('vpc-1', ['127.0.0.1:*'])
    const stalled: Duplex[] = []
    for (let i = 0; i < 8; i++) stalled.push(await dial(rig, 'vpc-1', flood.port))
    let before = -1
    await until(async () => {
      await pause(300)
      const same = written === before
      before = written
      return same
    })
    // Per stream: its window, what the connector read ahead, and the kernel's buffers on the target's own leg.
    expect(written / 8).toBeLessThan(LIMITS.streamWindow + LIMITS.ahead + (8 << 20))
    const stream = await dial(rig, 'vpc-1', other.port)
    stream.end('past the flood')
    expect((await buffer(stream)).toString()).toBe('past the flood')
    for (const each of stalled) each.destroy()
  })
})

const FLOODS: readonly (readonly [string, (at: number) => Buffer])[] = [
  ['a window that overflows', () => frame(8, 0, 0, word(0x7fffffff))],
  ['a window update of nothing', () => frame(8, 0, 0, word(0))],
  ['frames on streams that were never opened', () => frame(0, 0, 77, Buffer.alloc(100))],
  ['a stream’s id used again', () => frame(1, 5, 1, Buffer.from([0x88]))],
  ['a frame larger than allowed', () => frame(0, 0, 1, Buffer.alloc(100_000))],
  ['settings without end', () => SETTINGS],
  ['pings without end', (at) => frame(6, 0, 0, Buffer.concat([word(at), word(at)]))],
  ['settings that make no sense', () => frame(4, 0, 0, Buffer.from('000500000001', 'hex'))],
  ['a header block without end', () => frame(1, 0, 1, Buffer.alloc(16_000, 0x40))],
  [
    'continuations without end',
    (at) => (at === 0 ? frame(1, 0, 1, Buffer.from([0x88])) : frame(9, 0, 1, Buffer.alloc(0))),
  ],
  ['resets without end', (at) => frame(3, 0, 1 + 2 * at, word(8))],
  ['frames of an unknown type', () => frame(200, 255, 1, Buffer.alloc(16_000))],
  ['priorities without end', () => frame(2, 0, 1, Buffer.alloc(5))],
  ['noise', (at) => Buffer.alloc(4_096, (at * 37) & 255)],
  ['a farewell without end', () => frame(7, 0, 0, Buffer.alloc(8))],
]

describe('G27: the multiplexer’s own rules, by the frame', () => {
  test.each(FLOODS)('from a connector: %s', async (_, next) => {
    await using rig = await startTunnelRig()
    await using target = await startTarget(echo)
    await rig.connector('good', [`127.0.0.1:${target.port}`])
    const before = process.memoryUsage().rss
    const socket = await openTunnel(rig, await rig.join('bad'))
    socket.write(SETTINGS)
    await flood(socket, next)
    expect(process.memoryUsage().rss - before).toBeLessThan(150 << 20)
    const stream = await dial(rig, 'good', target.port)
    stream.end('served')
    expect((await buffer(stream)).toString()).toBe('served')
  })

  test.each(FLOODS)('from a gateway: %s', async (_, next) => {
    await using rig = await startTunnelRig()
    await using gateway = await falseGateway()
    const way = { host: '127.0.0.1', port: gateway.port, websocket: false }
    const waits: number[] = []
    const backoff = { next: () => waits.push(1) }
    void rig.connector('vpc-1', ['127.0.0.1:*'], { way, backoff: backoff as never }).catch(() => {})
    const socket = await gateway.next()
    socket.write(Buffer.concat([PREFACE, SETTINGS]))
    await flood(socket, next)
    // Either it bears it, or it ends this tunnel and dials again; it is there in both cases.
    socket.destroy()
    const again = await gateway.next()
    expect(again.destroyed).toBe(false)
  })

  const drained = (socket: Duplex) => once(socket, 'drain').catch(() => {})

  test('frames at random, from either end: whoever hears them is there afterwards', async () => {
    await using rig = await startTunnelRig()
    await using target = await startTarget(echo)
    await rig.connector('good', [`127.0.0.1:${target.port}`])
    await using gateway = await falseGateway()
    const way = { host: '127.0.0.1', port: gateway.port, websocket: false }
    const backoff = { next: () => 1 }
    void rig.connector('far', ['127.0.0.1:*'], { way, backoff: backoff as never }).catch(() => {})
    const bad = await rig.join('bad')
    await eachSeed(25, async (seed) => {
      const random = chance(seed)
      const ends = [await openTunnel(rig, bad), await gateway.next()] as const
      ends[1].write(PREFACE)
      for (const socket of ends) {
        socket.on('error', () => {})
        socket.resume()
        socket.write(SETTINGS)
        for (let i = 0; i < 150 && !socket.destroyed; i++) socket.write(randomFrame(random))
      }
      await pause(5)
      for (const socket of ends) socket.destroy()
    })
    const stream = await dial(rig, 'good', target.port)
    stream.end('served')
    expect((await buffer(stream)).toString()).toBe('served')
    expect((await gateway.next()).destroyed).toBe(false)
  }, 120_000)

  /** Mostly well-formed, seldom meant: types 0 to 10, few streams, short payloads. */
  function randomFrame(random: Chance): Buffer {
    const payload = Buffer.from(Array.from({ length: random.below(random.of([1, 10, 120])) }, () => random.below(256)))
    const bytes = frame(random.below(11), random.below(256), random.below(8), payload)
    // Now and then the length lies.
    if (random.below(20) === 0) bytes[2] = random.below(256)
    return bytes
  }

  async function flood(socket: Duplex, next: (at: number) => Buffer): Promise<void> {
    socket.on('error', () => {})
    socket.resume()
    for (let at = 0; at < 5_000 && !socket.destroyed; at++) {
      if (!socket.write(next(at))) await Promise.race([drained(socket), pause(200)])
    }
    await pause(20)
  }

  test('one slow stream does not hold up the others: credit is per stream', async () => {
    await using rig = await startTunnelRig()
    const megabytes = Buffer.alloc(16 << 20, 'x')
    await using target = await startTarget((socket) => socket.end(megabytes))
    await rig.connector('vpc-1', ['127.0.0.1:*'])
    const slow = await dial(rig, 'vpc-1', target.port)
    const fast = await dial(rig, 'vpc-1', target.port)
    expect((await buffer(fast)).length).toBe(megabytes.length)
    expect((await buffer(slow)).length).toBe(megabytes.length)
  })

  test('headers that are too large end the stream or the tunnel, not the gateway', async () => {
    await using rig = await startTunnelRig()
    const socket = await openTunnel(rig, await rig.join('bad'))
    await falseConnector(socket, {
      connect: (stream) =>
        stream.respond({
          ':status': 200,
          ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`x-${i}`, 'y'.repeat(200)])),
        }),
    })
    await expect(dial(rig, 'bad')).rejects.toThrow()
  })

  test.each([
    ['a status that is none', { ':status': 299 }, 'target.unreachable', 'the connector refused'],
    [
      'a reason nobody knows',
      { ':status': 502, 'sluice-why': '<script>' },
      'target.unreachable',
      'the connector refused',
    ],
    [
      'the list',
      { ':status': 403, 'sluice-why': 'not-allowed' },
      'tunnel.forbidden',
      /^no entry of its list allows \S+:\d+$/,
    ],
  ])('an answer with %s is a refusal', async (_, headers, expected, detail) => {
    await using rig = await startTunnelRig()
    const socket = await openTunnel(rig, await rig.join('bad'))
    await falseConnector(socket, { connect: (stream) => stream.respond(headers, { endStream: true }) })
    await expect(dial(rig, 'bad')).rejects.toMatchObject({ code: expected, detail: expect.stringMatching(detail) })
  })
})

describe('G28: what a connector lacks is asked for before anything is sent through it', () => {
  test.each([
    ['nothing of what is needed', []],
    ['addresses that are not pinned', ['connect', 'half-close']],
    ['capabilities that are no list', 'all'],
    ['capabilities without end', Array.from({ length: 1_000 }, () => 'connect')],
    ['capabilities that are no texts', [1, null, {}]],
  ])('%s', async (_, capabilities) => {
    await using rig = await startTunnelRig()
    const identity = await rig.join('old')
    const socket = await openTunnel(rig, identity)
    let asked = 0
    await falseConnector(socket, { hello: { capabilities }, connect: () => void asked++ })
    await expect(dial(rig, 'old')).rejects.toThrow(/tunnel|connector/i)
    expect(await stateOf(rig, identity.id)).not.toBe('ready')
    expect(asked).toBe(0)
  })

  test('a compatible one of the same name takes over', async () => {
    await using rig = await startTunnelRig()
    await using target = await startTarget(echo)
    await falseConnector(await openTunnel(rig, await rig.join('pool')), { hello: { capabilities: [] } })
    await expect(dial(rig, 'pool', target.port)).rejects.toThrow(code('tunnel.incompatible'))
    await rig.connector('pool', ['127.0.0.1:*'])
    expect(await dial(rig, 'pool', target.port)).toBeDefined()
  })
})
