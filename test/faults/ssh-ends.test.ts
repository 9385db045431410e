/** Whoever leaves has left: the session, its login on the target and what is held end with it, however the connection ended (ATTACKS D26, D8). */
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { MESSAGE, requestBody } from '../../src/protocols/ssh/channel-messages.ts'
import { readLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget, rawClient, takeSession } from '../rig/ssh-peer.ts'
import { until } from '../rig/until.ts'

const HELD = `
kind: Human
name: root
groups: [admins]
---
kind: Agent
name: bot
owner: ops
---
kind: Rule
name: held
who: principal.kind == "agent"
on: true
when: op.verb in ["exec", "tcpip-forward"]
then: approve
approve: { by: [group:dba], count: 1, hold: 60s, expires: 60s }
`

const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')

/** Whether some process still holds the socket of this local port: a closed one has no inode. */
const owned = (port: string) =>
  readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some((fields) => fields[1]?.endsWith(`:${port}`) && fields[9] !== '0')

describe('D26: the end of a connection', () => {
  let target: FakeTarget
  let stage: SshGateway
  beforeAll(async () => {
    target = await fakeTarget()
    stage = await startSshGateway({
      target,
      policy: `${ALLOW_ALL}\nwhen: principal.kind == "human"\n---${HELD}`,
    })
  })
  afterAll(async () => {
    await stage?.stop()
    await target?.[Symbol.asyncDispose]()
  })
  const entries = (kind: string) => readLedger(stage.gateway.dataDir).filter((entry) => entry.kind === kind)
  const closed = async (before: number) => {
    const from = performance.now()
    await until(async () => entries('close').length > before)
    return performance.now() - from
  }

  /** How a client's connection may end without a word. */
  const ends: readonly [string, (socket: Socket) => void][] = [
    ['FIN, as of a process that was killed', (socket) => void socket.end()],
    ['reset', (socket) => void socket.resetAndDestroy()],
    ['a half-close by a client that goes on reading', (socket) => void socket.resume().end()],
  ]
  it.each(ends)('of a client by %s ends its session, its program and its login on the target', async (_, end) => {
    const before = entries('close').length
    const client = await rawClient(stage, 'human:suite')
    const peer = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const running = client.request(channel, 'exec', sshString('sleep 300')).catch(() => false)
    const { theirs } = await takeSession(peer)
    await peer.until(({ name }) => name === 'exec')
    peer.say(MESSAGE.SUCCESS, theirs)
    expect(await running).toBe(true)
    const listens = client.global('tcpip-forward', Buffer.concat([sshString('127.0.0.1'), sshUint32(0)]))
    await peer.until(({ name }) => name === 'tcpip-forward')
    peer.line.send(Buffer.concat([Buffer.from([MESSAGE.REQUEST_SUCCESS]), sshUint32(4_242)]))
    expect(await listens).toBe(true)
    end(client.socket)
    // Well within the second a kill is given; the target's end does nothing but look.
    expect(await closed(before)).toBeLessThan(1_000)
    await until(async () => peer.closed)
    // What the listener and the program came to is in the record as well.
    const { session } = entries('close').at(-1)!
    expect(entries('outcome').filter((entry) => entry.session === session)).toHaveLength(2)
  })

  it('by a kill is on record as why its program was killed, not as a fault of its own', async () => {
    const before = entries('close').length
    await using client = await rawClient(stage, 'human:suite')
    const peer = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const running = client.request(channel, 'exec', sshString('sleep 300'))
    const { theirs } = await takeSession(peer)
    await peer.until(({ name }) => name === 'exec')
    peer.say(MESSAGE.SUCCESS, theirs)
    expect(await running).toBe(true)
    const killed = fetch(`${stage.gateway.api}/api/v1/sessions/${entries('open').at(-1)!.session}/kill`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.gateway.token('human:root')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'a test' }),
    })
    await peer.until(({ name }) => name === 'signal')
    const signal = Buffer.concat([sshString('KILL'), Buffer.from([0]), sshString(''), sshString('')])
    peer.say(MESSAGE.REQUEST, theirs, requestBody('exit-signal', false, signal))
    expect((await killed).status).toBe(200)
    await closed(before)
    expect(entries('outcome').at(-1)).toMatchObject({ status: 'cancelled', tag: 'session.killed; signal KILL' })
  })

  it('of a target by FIN ends the session, and the client hears of it', async () => {
    const before = entries('close').length
    await using client = await rawClient(stage, 'human:suite')
    const peer = await target.next()
    peer.socket.end()
    expect(await closed(before)).toBeLessThan(1_000)
    await until(async () => client.closed)
  })

  it('G52: of a target that says nothing and never closes does not keep the client waiting, nor the connection for ever', async () => {
    const before = entries('close').length
    const client = await rawClient(stage, 'human:suite')
    const peer = await target.next()
    // It reads nothing any more, not even our end.
    peer.socket.pause()
    const mine = hex(peer.socket.remotePort!)
    expect(owned(mine)).toBe(true)
    client.socket.end()
    expect(await closed(before)).toBeLessThan(1_000)
    // The gateway gives it up after its linger.
    await until(async () => !owned(mine))
    peer.socket.destroy()
  })

  it('D8: of a client whose operation is held withdraws the request', async () => {
    const before = entries('close').length
    const client = await rawClient(stage, 'agent:bot')
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    void client.request(channel, 'exec', sshString('rm -rf /srv')).catch(() => {})
    await until(async () => entries('held').length > 0)
    client.socket.end()
    expect(await closed(before)).toBeLessThan(1_000)
    await until(async () => entries('approval').some((entry) => 'end' in entry && entry.end === 'cancelled'))
  })

  it('of a client that has proved nothing yet gives its place back at once', async () => {
    const sockets = Array.from({ length: 256 }, () =>
      connect({ host: '127.0.0.1', port: stage.port, allowHalfOpen: true }),
    )
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('data', resolve))))
    // 256 of one address is all there is room for.
    for (const socket of sockets) socket.resume().end()
    await until(async () => {
      const socket = connect({ host: '127.0.0.1', port: stage.port })
      const said = await new Promise((resolve) => {
        socket.once('data', () => resolve(true))
        socket.once('close', () => resolve(false))
      })
      socket.destroy()
      return said === true
    }, 5_000)
  })
})
