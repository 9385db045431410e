/** Everything a target can say beside its output: masked as output is, and nobody's cursor moves (ATTACKS D11, D22, D24). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { MESSAGE, openFailure, readOpen, requestBody } from '../../src/protocols/ssh/channel-messages.ts'
import { FXP, sftpPacket, statusPacket } from '../../src/protocols/ssh/sftp-packets.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget, type RawPeer, rawClient, takeSession } from '../rig/ssh-peer.ts'

/** As docs/guides/masking.md has it: everything is allowed, and values are masked but in files. */
const POLICY = `
kind: Human
name: suite
groups: [suite]
---
kind: Rule
name: everything
who: 'true'
on: 'true'
then: allow
---
kind: Rule
name: masked
who: 'true'
on: 'true'
then: oblige
oblige: { mask: [{ labels: ["pii.*", "pci.*"], with: redact }] }
`
const WORDS = 'core of ann.smith@example.com 4111111111111111 \x1b]0;x\x07'
const SHOWN = 'core of *masked* *masked* \\u{1b}]0;x\\u{7}'
const NO = Buffer.from([0])

describe('words of a target', () => {
  let target: FakeTarget
  let stage: SshGateway
  beforeAll(async () => {
    target = await fakeTarget()
    stage = await startSshGateway({ target, policy: POLICY })
  })
  afterAll(async () => {
    await stage?.stop()
    await target?.[Symbol.asyncDispose]()
  })

  /** A client, its target, and what was asked for. */
  async function running(name: string, what: string) {
    const client = await rawClient(stage, 'human:suite')
    const other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, name, sshString(what))
    const half = await takeSession(other)
    await other.until((heard) => heard.name === name)
    other.say(MESSAGE.SUCCESS, half.theirs)
    expect(await asked).toBe(true)
    return { client, other, channel, half }
  }

  /** What the client hears in standard error of this channel. */
  async function stderr(client: RawPeer, channel: { ours: number }): Promise<string> {
    const heard = await client.until((each) => each.type === MESSAGE.EXTENDED_DATA && each.channel === channel.ours)
    return heard.bytes!.toString()
  }

  it.each([
    ['EVIL\x1b[2J', 'UNKNOWN@sluice'],
    ['ann.smith@example.com', 'UNKNOWN@sluice'],
    ['term', 'UNKNOWN@sluice'],
    ['SEGV', 'SEGV'],
    ['SIG@openssh.com', 'SIG@openssh.com'],
  ])('D22: the signal %j is heard as %s, and its message masked and inert', async (said, heard) => {
    const { client, other, channel, half } = await running('exec', 'true')
    await using _client = client
    await using _other = other
    const rest = Buffer.concat([sshString(said), NO, sshString(WORDS), sshString('x\x1b[2J'), Buffer.from('more')])
    other.say(MESSAGE.REQUEST, half.theirs, requestBody('exit-signal', false, rest))
    const { message } = await client.until((each) => each.name === 'exit-signal' && each.channel === channel.ours)
    expect(message.subarray(5)).toEqual(
      requestBody('exit-signal', false, Buffer.concat([sshString(heard), NO, sshString(SHOWN), sshString('')])),
    )
  })

  it('D22: an exit status carries four bytes, however many come', async () => {
    const { client, other, half } = await running('exec', 'true')
    await using _client = client
    await using _other = other
    other.say(
      ...([MESSAGE.REQUEST, half.theirs] as const),
      requestBody('exit-status', false, Buffer.concat([sshUint32(7), sshString(WORDS)])),
    )
    const { message } = await client.until((each) => each.name === 'exit-status')
    expect(message.subarray(5)).toEqual(requestBody('exit-status', false, sshUint32(7)))
  })

  it('D11: why a target opens no channel', async () => {
    const client = await rawClient(stage, 'human:suite')
    const other = await target.next()
    await using _client = client
    await using _other = other
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, 'exec', sshString('true'))
    const open = await other.until(({ type }) => type === MESSAGE.OPEN)
    other.line.send(openFailure(readOpen(open.message).sender, 1, WORDS))
    await asked
    expect(await stderr(client, channel)).toBe(`sluice: the target opened no channel: ${SHOWN}\n`)
  })

  it.each([
    [
      'a message without its end',
      Buffer.from([MESSAGE.REQUEST, 0, 0, 0, 0, 0, 0, 0, 9, 120]),
      'the target broke the protocol',
    ],
    ['nothing more', undefined, 'the target closed the connection'],
  ])('D22: a target that sends %s: the client is told why it ends', async (_, message, why) => {
    const { client, other } = await running('exec', 'true')
    await using _client = client
    const said = client.goodbye()
    if (message) other.line.send(message)
    else await other[Symbol.asyncDispose]()
    expect(await said).toBe(`sluice: ${why}`)
  })

  it('D20: a command that fits in no packet: the client is told why it ends', async () => {
    const client = await rawClient(stage, 'human:suite')
    const other = await target.next()
    await using _client = client
    await using _other = other
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const said = client.goodbye()
    client.say(MESSAGE.REQUEST, channel.theirs, requestBody('exec', true, sshString(`true ${'x'.repeat(60_000)}`)))
    expect(await said).toContain('more than 35,000 bytes')
  })

  it.each([
    ['subsystem', 'sftp'],
    ['exec', 'scp -t /srv/x'],
  ])('D11: standard error of %s %s', async (name, what) => {
    const { client, other, channel, half } = await running(name, what)
    await using _client = client
    await using _other = other
    other.say(MESSAGE.EXTENDED_DATA, half.theirs, Buffer.concat([sshUint32(1), sshString(`${WORDS}\n`)]))
    expect(await stderr(client, channel)).toBe(`${SHOWN}\n`)
  })

  it('D11: an answer of scp', async () => {
    const { client, other, channel, half } = await running('exec', 'scp -t /srv/x')
    await using _client = client
    await using _other = other
    other.data(half.theirs, `\x01scp: ${WORDS}\n`)
    await client.until((each) => each.type === MESSAGE.DATA && each.channel === channel.ours)
    expect(client.text(channel.ours)).toBe(`\x01scp: ${SHOWN}\n`)
  })

  it('D11: sentences, names and listings of sftp', async () => {
    const { client, other, channel, half } = await running('subsystem', 'sftp')
    await using _client = client
    await using _other = other
    const heard = (after: number) =>
      other.until((each) => each.type === MESSAGE.DATA && other.heard.indexOf(each) >= after)
    const entry = (name: string, long: string) => [sshString(name), sshString(long), sshUint32(0)]
    const answer = async (ask: Buffer | undefined, make: (id: number, asked: Buffer) => Buffer) => {
      const after = other.heard.length
      if (ask) client.data(channel.theirs, ask)
      const { bytes } = await heard(after)
      other.data(half.theirs, make(bytes!.length >= 9 ? bytes!.readUInt32BE(5) : 0, bytes!))
    }
    const greeting = Buffer.concat([sshUint32(3), sshString('fsync@openssh.com'), sshString(WORDS)])
    const version = Buffer.concat([sshUint32(greeting.length + 1), Buffer.from([FXP.VERSION]), greeting])
    const home = (id: number) => sftpPacket(FXP.NAME, id, sshUint32(1), ...entry('/', ''))
    await answer(Buffer.from([0, 0, 0, 5, FXP.INIT, 0, 0, 0, 3]), () => version)
    await answer(undefined, home)
    await client.until((each) => each.type === MESSAGE.DATA)
    const from = client.text(channel.ours).length
    // OPENDIR is asked about first: what it leads to.
    await answer(sftpPacket(FXP.OPENDIR, 1, sshString('/d')), home)
    await answer(undefined, (id) => sftpPacket(FXP.HANDLE, id, sshString('h')))
    await answer(sftpPacket(FXP.READDIR, 2, sshString('h')), (id) =>
      sftpPacket(FXP.NAME, id, sshUint32(2), ...entry('ann.smith@example.com', WORDS), ...entry('plain', 'plain')),
    )
    await answer(sftpPacket(FXP.READDIR, 3, sshString('h')), (id) => statusPacket(id, 4, WORDS))
    await client.until((each) => (each.bytes?.includes('core') && each.bytes[4] === FXP.STATUS) ?? false)
    const said = Buffer.from(client.text(channel.ours).slice(from))
    expect(said.toString()).not.toMatch(/ann\.smith|4111|\x1b/)
    expect(said.includes(sshString(SHOWN))).toBe(true)
    expect(said.includes(Buffer.concat(entry('*masked*', SHOWN)))).toBe(true)
    expect(said.includes(Buffer.concat(entry('plain', 'plain')))).toBe(true)
    expect(client.text(channel.ours)).not.toContain('fsync')
  })
})
