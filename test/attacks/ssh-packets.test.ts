/** What a peer says it takes is kept to, and never costs more than what it asked for (ATTACKS D20). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { channelMessage, MESSAGE, readOpen } from '../../src/protocols/ssh/channel-messages.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget, type RawPeer, rawClient } from '../rig/ssh-peer.ts'

const LEAST = 256
const FORWARD = Buffer.concat([sshString('10.0.0.1'), sshUint32(80), sshString('127.0.0.1'), sshUint32(1)])

/** CHANNEL_OPEN: string type, uint32 sender, uint32 window, uint32 largest packet, the rest. */
const open = (type: string, packet: number, rest = Buffer.alloc(0)) =>
  Buffer.concat([
    Buffer.from([MESSAGE.OPEN]),
    ...[sshString(type), sshUint32(7), sshUint32(1 << 20), sshUint32(packet), rest],
  ])

describe('D20: packets of no size', () => {
  let target: FakeTarget
  let stage: SshGateway
  beforeAll(async () => {
    target = await fakeTarget()
    stage = await startSshGateway({ target, policy: ALLOW_ALL })
  })
  afterAll(async () => {
    await stage?.stop()
    await target?.[Symbol.asyncDispose]()
  })

  const answerTo = async (peer: RawPeer, message: Buffer) => {
    peer.line.send(message)
    return peer.until(({ channel, type }) => channel === 7 && (type === 91 || type === 92))
  }

  it.each([0, 1, LEAST - 1])('a client that takes packets of %i bytes gets no channel', async (packet) => {
    await using client = await rawClient(stage, 'human:suite')
    await using _other = await target.next()
    for (const type of ['session', 'direct-tcpip']) {
      const { type: answer, message } = await answerTo(client, open(type, packet, FORWARD))
      expect(answer).toBe(MESSAGE.OPEN_FAILURE)
      expect(message.readUInt32BE(5)).toBe(4)
    }
    expect(await client.global('keepalive@openssh.com')).toBe(true)
  })

  it('a client that takes the least gets all of it, in pieces of that size, and no empty one', async () => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    const answer = await answerTo(client, open('session', LEAST))
    expect(answer.type).toBe(MESSAGE.OPEN_CONFIRMATION)
    const theirs = answer.message.readUInt32BE(5)
    const asked = client.request({ ours: 7, theirs }, 'exec', sshString('true'))
    const { message } = await other.until(({ type }) => type === MESSAGE.OPEN)
    const { sender } = readOpen(message)
    other.line.send(confirmation(sender, 1 << 20, 32_768))
    await other.until(({ name }) => name === 'exec')
    other.say(MESSAGE.SUCCESS, sender)
    expect(await asked).toBe(true)
    other.data(sender, Buffer.alloc(10_000, 'x'))
    other.data(sender, '')
    other.say(MESSAGE.CLOSE, sender)
    await client.until(({ type }) => type === MESSAGE.CLOSE)
    const pieces = client.heard.filter(({ type }) => type === MESSAGE.DATA).map(({ bytes }) => bytes!.length)
    expect(pieces.reduce((sum, size) => sum + size, 0)).toBe(10_000)
    expect([Math.min(...pieces) > 0, Math.max(...pieces)]).toEqual([true, LEAST])
  })

  it.each([0, LEAST - 1])('a target that takes packets of %i bytes runs nothing', async (packet) => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, 'exec', sshString('cat'))
    client.data(channel.theirs, Buffer.alloc(1_000))
    const { message } = await other.until(({ type }) => type === MESSAGE.OPEN)
    other.line.send(confirmation(readOpen(message).sender, 1 << 20, packet))
    expect(await asked).toBe(false)
    expect(await client.exit(channel.ours)).toBe(255)
    expect(client.text(channel.ours)).toContain('a packet of 256 bytes at least')
    await other.until(({ type }) => type === MESSAGE.CLOSE)
    expect(other.heard.filter(({ type }) => type === MESSAGE.DATA)).toEqual([])
    // A forward likewise.
    expect(await forwardThrough(client, other, packet)).toBe(2)
    expect(await client.global('keepalive@openssh.com')).toBe(true)
  })

  it.each([
    ['a confirmation cut short', (sender: number) => channelMessage(MESSAGE.OPEN_CONFIRMATION, sender, sshUint32(0))],
    ['a failure cut short', (sender: number) => channelMessage(MESSAGE.OPEN_FAILURE, sender, sshUint32(1))],
    [
      'a failure longer than it is',
      (sender: number) =>
        channelMessage(MESSAGE.OPEN_FAILURE, sender, Buffer.concat([sshUint32(1), sshUint32(0xffffffff)])),
    ],
    ['an adjustment of nothing', (sender: number) => channelMessage(MESSAGE.WINDOW_ADJUST, sender)],
  ])('%s is the target’s fault: the session ends, and no error of ours is logged', async (_, message) => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    void client.request(channel, 'exec', sshString('cat')).catch(() => {})
    const asked = await other.until(({ type }) => type === MESSAGE.OPEN)
    other.line.send(message(readOpen(asked.message).sender))
    await expect(client.until(() => false)).rejects.toThrow('ended')
    expect(stage.gateway.log()).not.toContain('internal')
  })

  async function forwardThrough(client: RawPeer, other: RawPeer, packet: number): Promise<number> {
    const opened = client.open('direct-tcpip', FORWARD)
    const { message } = await other.until(({ name, type }) => type === MESSAGE.OPEN && name === 'direct-tcpip')
    other.line.send(confirmation(readOpen(message).sender, 1 << 20, packet))
    return (await opened) as number
  }
})

/** uint32 sender, uint32 window, uint32 largest packet. */
const confirmation = (recipient: number, window: number, packet: number) =>
  channelMessage(
    MESSAGE.OPEN_CONFIRMATION,
    recipient,
    Buffer.concat([sshUint32(0), sshUint32(window), sshUint32(packet)]),
  )
