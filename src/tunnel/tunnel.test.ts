/** A tunnel from end to end in one process: what a session gets from `dial`. */
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { echo, startTarget, startTunnelRig } from '../../test/rig/tunnels.ts'

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
