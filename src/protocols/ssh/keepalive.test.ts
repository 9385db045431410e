import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { Ed25519Key } from '../../kit/ssh-key.ts'
import { KEEPALIVE_MS, KEEPALIVES } from './limits.ts'
import { PacketLine } from './packet-line.ts'
import { acceptLeg, reachLeg } from './transport.ts'
import { readPrivateKey } from './transport-library.ts'

/** Both legs, authenticated, over a real socket, each with its channel layer replaced as in a session. */
async function legs() {
  const key = Ed25519Key.fresh()
  const hostKey = readPrivateKey(key.privateText().reveal())
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const near = acceptLeg(accepted, { hostKey, certified: hostKey }, () => {})
  near.connection.on('authentication', (context) => context.accept())
  const far = reachLeg(socket, {
    username: 'x',
    hostKeyTypes: ['ssh-ed25519'],
    hostVerifier: () => true,
    readyTimeout: 0,
    authHandler: [{ type: 'none', username: 'x' }],
  })
  await Promise.all([once(near.connection as never, 'ready'), once(far.connection as never, 'ready')])
  for (const leg of [near, far]) leg.admit()
  for (const { connection } of [near, far]) new PacketLine(connection)
  const dead = (connection: typeof near.connection | typeof far.connection) =>
    new Promise((resolve) => connection.on('error', (error: Error) => resolve(error.message)))
  return { accepted, socket, near: dead(near.connection), far: dead(far.connection), close: () => server.close() }
}

test.each(['near', 'far'] as const)(
  'D26: a %s peer that has vanished without a word is given up in 150 s',
  async (leg) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    try {
      expect(KEEPALIVE_MS * (KEEPALIVES + 1)).toBe(150_000)
      const { accepted, socket, near, far, close } = await legs()
      let end: unknown
      void (leg === 'near' ? near : far).then((why) => {
        end = why
      })
      // Nothing comes any more, and nothing ends.
      for (const each of [accepted, socket]) each.pause().removeAllListeners('data')
      await vi.advanceTimersByTimeAsync(149_000)
      expect(end).toBeUndefined()
      await vi.advanceTimersByTimeAsync(2_000)
      expect(end).toBe('Keepalive timeout')
      for (const each of [accepted, socket]) each.destroy()
      close()
    } finally {
      vi.useRealTimers()
    }
  },
)
