/** A tunnel from end to end in one process: what a session gets from `dial`. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { freePort } from '../../test/rig/port.ts'
import { tempFolder } from '../../test/rig/temp.ts'
import { echo, startTarget, startTunnelRig } from '../../test/rig/tunnels.ts'
import { until } from '../../test/rig/until.ts'
import { systemClock } from '../kit/clock.ts'
import { Secret } from '../kit/secret.ts'
import { readIdentity } from './connector/identity-file.ts'
import { join } from './connector/join.ts'

test('a target is reached through the connector, and both directions end by themselves', async () => {
  await using rig = await startTunnelRig()
  await using target = await startTarget(echo)
  await rig.connector('vpc-1', [`127.0.0.1:${target.port}`])
  const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1' })
  stream.write('hello ')
  const [first] = (await once(stream, 'data')) as [Buffer]
  expect(first.toString()).toBe('hello ')
  stream.end('and goodbye')
  expect((await buffer(stream)).toString()).toBe('and goodbye')
})

test('over a WebSocket the same', async () => {
  await using rig = await startTunnelRig()
  await using target = await startTarget(echo)
  await rig.connector('vpc-1', [`127.0.0.1:${target.port}`], {
    way: { host: '127.0.0.1', port: rig.port, websocket: true },
  })
  const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1' })
  const bulk = Buffer.alloc(8 << 20, 'bulk')
  stream.end(bulk)
  expect((await buffer(stream)).equals(bulk)).toBe(true)
})

test.each([
  ['straight through it', false, ''],
  ['by WebSocket through it, with a name and a password', true, 'ada:p%40ss@'],
])('an HTTP proxy on the way: %s', async (_, websocket, credentials) => {
  await using rig = await startTunnelRig()
  await using target = await startTarget(echo)
  const asked: (string | undefined)[] = []
  const proxy = createServer()
  proxy.on('connect', (request: IncomingMessage, client: Duplex) => {
    asked.push(request.url, request.headers['proxy-authorization'])
    const [host, port] = request.url!.split(':') as [string, string]
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(upstream).pipe(client)
    })
    for (const each of [client, upstream]) each.on('error', () => each.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const way = { host: '127.0.0.1', port: rig.port, websocket, proxy: new URL(`http://${credentials}127.0.0.1:${port}`) }
  await rig.connector('vpc-1', [`127.0.0.1:${target.port}`], { way })
  const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1' })
  stream.end('through two of them')
  expect((await buffer(stream)).toString()).toBe('through two of them')
  expect(asked[0]).toBe(`127.0.0.1:${rig.port}`)
  expect(asked[1]).toBe(credentials ? `Basic ${Buffer.from('ada:p@ss').toString('base64')}` : undefined)
  proxy.closeAllConnections()
  proxy.close()
})

test('a proxy that refuses is named as the reason', async () => {
  await using rig = await startTunnelRig()
  const proxy = createServer()
  proxy.on('connect', (_: IncomingMessage, client: Duplex) => client.end('HTTP/1.1 407 Who are you\r\n\r\n'))
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const { port } = proxy.address() as AddressInfo
  const way = { host: '127.0.0.1', port: rig.port, websocket: false, proxy: new URL(`http://127.0.0.1:${port}`) }
  await expect(join(way, new Secret(await rig.token('vpc-1')), '1')).rejects.toThrow(/the proxy answers 407/)
  proxy.close()
})

test('a certificate is renewed in the tunnel that stands, kept before it is used, and used at the next dial', async () => {
  await using rig = await startTunnelRig({ renew_ms: 0, certificate_ms: 3_600_000 })
  const folder = tempFolder('renewal')
  const identity = await rig.join('vpc-1')
  const connector = await rig.connector('vpc-1', ['127.0.0.1:*'], { identity, folder: folder.path })
  const kept = () => readIdentity(folder.path)
  await until(async () => kept() !== undefined)
  expect(kept()).toMatchObject({ id: identity.id, name: 'vpc-1', ca: identity.ca })
  expect(kept()!.key).not.toBe(identity.key)
  const { serial, previous_serial } = (await rig.store.connectors.list(0))[0]!
  expect(new X509Certificate(kept()!.cert).serialNumber.toLowerCase()).toBe(serial)
  expect(new X509Certificate(identity.cert).serialNumber.toLowerCase()).toBe(previous_serial)
  connector.stop()
  await rig.connector('vpc-1', ['127.0.0.1:*'], { identity: kept()! })
  expect((await rig.store.connectors.list(0))[0]!.previous_serial).toBeNull()
  folder.remove()
})

test('both directions end by themselves, each in its own time', async () => {
  await using rig = await startTunnelRig()
  // Answers only once it has heard the end.
  await using target = await startTarget((socket) => {
    void buffer(socket).then((heard) => socket.end(`heard ${heard.length}`))
  })
  await rig.connector('vpc-1', ['127.0.0.1:*'])
  const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1' })
  stream.end(Buffer.alloc(300_000))
  expect((await buffer(stream)).toString()).toBe('heard 300000')
})

test('a target that resets is a stream that breaks, not one that ends', async () => {
  await using rig = await startTunnelRig()
  await using target = await startTarget((socket) => void socket.once('data', () => socket.resetAndDestroy()))
  await rig.connector('vpc-1', ['127.0.0.1:*'])
  const stream = await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'vpc-1' })
  stream.write('x')
  await expect(buffer(stream)).rejects.toThrow()
})

test('a target that does not answer, or is not there, is told apart from a connector that is not', async () => {
  await using rig = await startTunnelRig()
  const free = await freePort()
  const dial = (via: string) => rig.tunnels.dial({ host: '127.0.0.1', port: free, via })
  await expect(dial('vpc-1')).rejects.toMatchObject({ code: 'tunnel.down' })
  await rig.connector('vpc-1', ['127.0.0.1:*'])
  await expect(dial('vpc-1')).rejects.toMatchObject({ code: 'target.unreachable' })
  await expect(dial('vpc-2')).rejects.toMatchObject({ code: 'tunnel.down' })
})

test('members of a pool share the load: each new stream goes where fewest are', async () => {
  await using rig = await startTunnelRig()
  await using target = await startTarget(echo)
  for (let i = 0; i < 3; i++) await rig.connector('pool', ['127.0.0.1:*'])
  for (let i = 0; i < 30; i++) await rig.tunnels.dial({ host: '127.0.0.1', port: target.port, via: 'pool' })
  expect((await rig.tunnels.list()).map(({ streams }) => streams)).toEqual([10, 10, 10])
})

test('a connector that left was last seen when it left, not when it came', async () => {
  let later_ms = 0
  await using rig = await startTunnelRig({ clock: { ...systemClock, now_ms: () => Date.now() + later_ms } })
  const connector = await rig.connector('vpc-1', [])
  const came_ms = Date.now()
  later_ms = 60_000
  connector.stop()
  const seen_ms = async () => (await rig.store.connectors.list(0))[0]!.seen_ms
  await until(async () => (await seen_ms()) >= came_ms + 60_000)
})
