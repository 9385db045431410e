/** Every request there is, from either side: decided, passed on where it belongs, answered here, or refused (ATTACKS D1, D6 to D9, D20, D27, D28). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { MESSAGE, openFailure, readOpen, requestBody } from '../../src/protocols/ssh/channel-messages.ts'
import * as tables from '../../src/protocols/ssh/request-table.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { transcripts } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget, type RawPeer, rawClient, takeSession } from '../rig/ssh-peer.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'
import { until } from '../rig/until.ts'

/** Signs in, and nothing else. */
const NOTHING = `
kind: Agent
name: bot
owner: ops
---
kind: Rule
name: never
who: principal.kind == "agent"
on: true
when: op.text == "what nobody asks for"
then: allow
`

const bool = Buffer.from([0])
const terminal = Buffer.concat([
  sshString('xterm'),
  sshUint32(80),
  sshUint32(24),
  sshUint32(0),
  sshUint32(0),
  sshString(Buffer.from([0])),
])
const UNKNOWN = 'something-new@example.com'

describe.skipIf(sshdMissing)('requests of a client', () => {
  let sshd: Sshd
  let stage: SshGateway
  beforeAll(async () => {
    sshd = await startSshd({ keepRights: true })
    stage = await startSshGateway({
      target: sshd,
      policy: `${ALLOW_ALL}\nwhen: principal.kind == "human"\n---${NOTHING}`,
    })
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })
  const WHO = { nothing: 'agent:bot', everything: 'human:suite' } as const

  /** What each request carries. */
  const channels: Record<string, () => Buffer> = {
    'direct-tcpip': () =>
      Buffer.concat([sshString('127.0.0.1'), sshUint32(sshd.port), sshString('127.0.0.1'), sshUint32(1)]),
    'direct-streamlocal@openssh.com': () =>
      Buffer.concat([sshString('/run/nothing-here'), sshString(''), sshUint32(0)]),
  }
  const requests: Record<string, Buffer> = {
    exec: sshString('exit 5'),
    subsystem: sshString('sftp'),
    'pty-req': terminal,
    env: Buffer.concat([sshString('LANG'), sshString('C')]),
    'x11-req': Buffer.concat([bool, sshString('MIT-MAGIC-COOKIE-1'), sshString('00'), sshUint32(0)]),
    'window-change': Buffer.concat([sshUint32(1), sshUint32(1), sshUint32(0), sshUint32(0)]),
    signal: sshString('TERM'),
    break: sshUint32(0),
  }
  const globals: Record<string, Buffer> = {
    'tcpip-forward': Buffer.concat([sshString('127.0.0.1'), sshUint32(0)]),
    'cancel-tcpip-forward': Buffer.concat([sshString('127.0.0.1'), sshUint32(1)]),
    'streamlocal-forward@openssh.com': sshString('/run/nothing-here/x'),
    'cancel-streamlocal-forward@openssh.com': sshString('/run/nothing-here/x'),
  }

  it.each([...Object.entries(tables.CLIENT_CHANNELS), [UNKNOWN, 'refuse']])(
    'channel %s: %s',
    async (type, treatment) => {
      for (const policy of ['nothing', 'everything'] as const) {
        await using peer = await rawClient(stage, WHO[policy])
        const opened = await peer.open(type!, channels[type!]?.())
        const open = typeof opened === 'object'
        if (treatment === 'refuse') expect(opened).toBe(3)
        else if (treatment === 'here') expect(open).toBe(true)
        // Nothing listens on the socket: the target's own answer is connect failed.
        else if (policy === 'everything') expect(open || opened === 2).toBe(true)
        else expect(opened).toBe(1)
        // The connection goes on.
        expect(typeof (await peer.open('session'))).toBe('object')
      }
    },
  )

  it.each([...Object.entries(tables.CLIENT_REQUESTS), [UNKNOWN, 'refuse']])(
    'request %s: %s',
    async (name, treatment) => {
      for (const policy of ['nothing', 'everything'] as const) {
        await using peer = await rawClient(stage, WHO[policy])
        const channel = (await peer.open('session')) as { ours: number; theirs: number }
        const granted = await peer.request(channel, name!, requests[name!])
        const starts = ['exec', 'shell', 'subsystem'].includes(name!)
        if (starts) {
          // A refused program is one that ended: clients show why.
          expect(granted).toBe(true)
          if (policy === 'nothing') {
            expect(await peer.exit(channel.ours)).toBe(126)
            expect(peer.text(channel.ours)).toContain('"code":"policy.default"')
          } else if (name === 'exec') expect(await peer.exit(channel.ours)).toBe(5)
        } else if (treatment === 'decide' && policy === 'everything') {
          // This sshd forwards no X11.
          expect(granted).toBe(name !== 'x11-req')
        } else expect(granted).toBe(false)
        // The channel, or another, goes on.
        const next = starts ? ((await peer.open('session')) as typeof channel) : channel
        expect(await peer.request(next, 'exec', sshString('true'))).toBe(true)
        expect(await peer.exit(next.ours)).toBe(policy === 'everything' ? 0 : 126)
      }
    },
  )

  it.each([...Object.entries(tables.CLIENT_GLOBALS), [UNKNOWN, 'refuse']])(
    'global request %s: %s',
    async (name, treatment) => {
      for (const policy of ['nothing', 'everything'] as const) {
        await using peer = await rawClient(stage, WHO[policy])
        const granted = await peer.global(name!, globals[name!])
        if (treatment === 'here') expect(granted).toBe(true)
        else expect(granted).toBe(name === 'tcpip-forward' && policy === 'everything')
        expect(await peer.global('keepalive@openssh.com')).toBe(true)
      }
    },
  )

  it('D28: after no-more-sessions there are none', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    expect(await peer.global('no-more-sessions@openssh.com')).toBe(true)
    expect(await peer.open('session')).toBe(1)
  })

  it('D28: answers come in the order of the questions', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const names = [...'abcdefgh'].flatMap((letter) => ['tcpip-forward', letter, 'keepalive@openssh.com'])
    const said = await Promise.all(names.map((name) => peer.global(name, globals[name])))
    expect(said).toEqual(names.map((name) => name.length > 1))
  })

  it.each([
    'LD_PRELOAD',
    'LD_LIBRARY_PATH',
    'BASH_ENV',
    'ENV',
    'PATH',
    'GIT_SSH_COMMAND',
    'PYTHONSTARTUP',
    'PERL5OPT',
    'NODE_OPTIONS',
    'IFS',
    'SSH_ASKPASS',
    'LESSOPEN',
    'PROMPT_COMMAND',
    'LANG=x',
    'LC_ALL\0',
    '',
    'BASH_FUNC_ls%%',
  ])('D6: the variable %j is passed on to nobody', async (name) => {
    await using target = await fakeTarget()
    await using gate = await startSshGateway({ target, policy: ALLOW_ALL })
    await using peer = await rawClient(gate, 'human:suite')
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    expect(await peer.request(channel, 'env', Buffer.concat([sshString(name), sshString('/tmp/evil')]))).toBe(false)
    const asked = peer.request(channel, 'env', Buffer.concat([sshString('LC_ALL'), sshString('C')]))
    await using other = await target.next()
    const half = await takeSession(other)
    const { message } = await other.until((heard) => heard.name === 'env')
    other.say(MESSAGE.SUCCESS, half.theirs)
    expect(await asked).toBe(true)
    expect(message.includes('LC_ALL')).toBe(true)
    expect(other.heard.filter((heard) => heard.name === 'env')).toHaveLength(1)
  })

  it.each([
    ['169.254.169.254', 80],
    ['::ffff:169.254.169.254', 80],
    ['::ffff:a9fe:a9fe', 80],
    ['fd00:ec2::254', 80],
    ['fe80::1', 80],
    ['169.254.1.1', 22],
    ['0.0.0.0', 22],
    ['::', 22],
    ['224.0.0.1', 22],
    ['100.100.100.200', 80],
    ['127.0.0.1', 0],
    ['127.0.0.1', 65_536],
  ])('D7: no rule opens a way to %s port %d', async (host, port) => {
    await using peer = await rawClient(stage, WHO.everything)
    const rest = Buffer.concat([sshString(host), sshUint32(port), sshString('127.0.0.1'), sshUint32(1)])
    expect(await peer.open('direct-tcpip', rest)).toBe(1)
    await until(async () => (await transcripts(stage)).some(({ reason }) => reason === 'ssh.address'))
  })

  it('D7: a name is judged by where it leads, and connected to what was judged', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const to = (host: string) =>
      peer.open(
        'direct-tcpip',
        Buffer.concat([sshString(host), sshUint32(sshd.port), sshString('127.0.0.1'), sshUint32(1)]),
      )
    expect(typeof (await to('localhost'))).toBe('object')
    // Spellings a resolver takes for an address are no names.
    for (const host of ['0xa9fea9fe', '2852039166', '169.254.43518', '0251.0376.0251.0376'])
      expect(await to(host)).toBe(1)
  })

  it('D1: bytes before a program was asked for reach no program', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    peer.data(channel.theirs, 'touch /tmp/x\n')
    expect(await peer.request(channel, 'exec', sshString('cat'))).toBe(true)
    peer.data(channel.theirs, 'only this')
    peer.say(MESSAGE.EOF, channel.theirs)
    await peer.exit(channel.ours)
    expect(peer.text(channel.ours)).toBe('only this')
  })

  it('D1: one channel runs one program', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    expect(await peer.request(channel, 'exec', sshString('sleep 0.3; echo first'))).toBe(true)
    for (const name of ['exec', 'shell', 'subsystem', 'pty-req', 'env'])
      expect(await peer.request(channel, name, requests[name])).toBe(false)
    expect(await peer.exit(channel.ours)).toBe(0)
  })

  it('D20: more channels than the bound are refused, and those within go on', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const opened = await Promise.all(Array.from({ length: 300 }, () => peer.open('session')))
    expect(opened.filter((each) => typeof each === 'object')).toHaveLength(256)
    const channel = opened[0] as { ours: number; theirs: number }
    expect(await peer.request(channel, 'exec', sshString('exit 4'))).toBe(true)
    expect(await peer.exit(channel.ours)).toBe(4)
  })

  it('D20: a flood of requests on one channel ends that channel', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    for (let i = 0; i < 5_000; i++)
      peer.say(
        MESSAGE.REQUEST,
        channel.theirs,
        requestBody('env', true, Buffer.concat([sshString('LANG'), sshString('C')])),
      )
    await peer.until(({ type, channel: of }) => type === MESSAGE.CLOSE && of === channel.ours)
    expect(await peer.global('keepalive@openssh.com')).toBe(true)
  })

  it('D20: a client that sends more than its window loses the channel', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    const channel = (await peer.open('session')) as { ours: number; theirs: number }
    expect(await peer.request(channel, 'exec', sshString('sleep 30'))).toBe(true)
    for (let i = 0; i < 200; i++) peer.data(channel.theirs, Buffer.alloc(32_000))
    await peer.until(({ type, channel: of }) => type === MESSAGE.CLOSE && of === channel.ours)
  })

  it('a message about a channel that is not there is no matter', async () => {
    await using peer = await rawClient(stage, WHO.everything)
    for (let type = 91; type <= 100; type++) peer.say(type, 4_000, Buffer.alloc(16))
    expect(await peer.global('keepalive@openssh.com')).toBe(true)
  })

  it.each([
    ['a request without its name', Buffer.from([MESSAGE.REQUEST, 0, 0, 0, 0, 0])],
    ['an open message cut short', Buffer.from([MESSAGE.OPEN, 0, 0, 0, 7, 115])],
    ['a global request of the length of the sea', Buffer.from([MESSAGE.GLOBAL_REQUEST, 255, 255, 255, 255])],
    ['data longer than it is', Buffer.from([MESSAGE.DATA, 0, 0, 0, 0, 0, 0, 255, 255])],
  ])('%s ends that connection, not the gateway', async (_, message) => {
    await using peer = await rawClient(stage, WHO.everything)
    await peer.open('session')
    peer.line.send(message)
    await expect(peer.until(() => false)).rejects.toThrow('ended')
    await using next = await rawClient(stage, WHO.everything)
    expect(await next.global('keepalive@openssh.com')).toBe(true)
  })
})

describe('requests of a target', () => {
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

  /** A client, its target, and a program that runs. */
  async function running(): Promise<{
    client: RawPeer
    other: RawPeer
    channel: { ours: number; theirs: number }
    half: { theirs: number }
  }> {
    const client = await rawClient(stage, 'human:suite')
    const other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, 'exec', sshString('true'))
    const half = await takeSession(other)
    await other.until(({ name }) => name === 'exec')
    other.say(MESSAGE.SUCCESS, half.theirs)
    expect(await asked).toBe(true)
    return { client, other, channel, half }
  }

  it.each([...Object.entries(tables.TARGET_REQUESTS), [UNKNOWN, 'refuse'], ['exec', 'refuse']])(
    'request %s: %s',
    async (name, treatment) => {
      const { client, other, channel, half } = await running()
      await using _client = client
      await using _other = other
      const rest =
        name === 'exit-signal'
          ? Buffer.concat([sshString('KILL'), bool, sshString('why'), sshString('')])
          : sshUint32(3)
      other.say(MESSAGE.REQUEST, half.theirs, requestBody(name!, false, rest))
      other.say(MESSAGE.REQUEST, half.theirs, requestBody('exit-status', false, sshUint32(77)))
      await client.until(
        ({ message, name: heard }) => heard === 'exit-status' && message.readUInt32BE(message.length - 4) === 77,
      )
      const heard = client.heard.filter((each) => each.channel === channel.ours && each.name === name)
      expect(heard.length).toBe(name === 'exit-status' ? 2 : treatment === 'follow' ? 1 : 0)
    },
  )

  it.each([...Object.entries(tables.TARGET_GLOBALS), [UNKNOWN, 'refuse']])(
    'D28: global request %s is not passed on',
    async (name) => {
      const { client, other } = await running()
      await using _client = client
      await using _other = other
      expect(await other.global(name!, sshString('x'))).toBe(false)
      expect(client.heard.filter(({ type }) => type === MESSAGE.GLOBAL_REQUEST)).toEqual([])
    },
  )

  it.each([...Object.keys(tables.TARGET_CHANNELS), UNKNOWN])(
    'D7 D9: the target opens no %s nobody asked for',
    async (type) => {
      const { client, other } = await running()
      await using _client = client
      await using _other = other
      const rest = Buffer.concat([sshString('127.0.0.1'), sshUint32(80), sshString('127.0.0.1'), sshUint32(1)])
      expect(typeof (await other.open(type, rest))).toBe('number')
      expect(client.heard.filter((heard) => heard.type === MESSAGE.OPEN)).toEqual([])
    },
  )

  it('D9: once the client has lent its agent, the target may use it, each time on record', async () => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, 'auth-agent-req@openssh.com')
    const half = await takeSession(other)
    await other.until(({ name }) => name === 'auth-agent-req@openssh.com')
    other.say(MESSAGE.SUCCESS, half.theirs)
    expect(await asked).toBe(true)
    other.open('auth-agent@openssh.com').catch(() => {})
    expect((await client.until(({ type }) => type === MESSAGE.OPEN)).name).toBe('auth-agent@openssh.com')
    await until(async () => (await transcripts(stage)).some(({ verb }) => verb === 'auth-agent@openssh.com'))
  })

  it('D20: a target that floods with opens nobody answers is not buffered for', async () => {
    const { client, other } = await running()
    await using _client = client
    await using _other = other
    const answers = await Promise.all(
      Array.from({ length: 2_000 }, () =>
        other.open('forwarded-tcpip', Buffer.concat([sshString('x'), sshUint32(1), sshString('y'), sshUint32(1)])),
      ),
    )
    expect(new Set(answers)).toEqual(new Set([1]))
  })

  it('D20: a target that sends more than its window loses the channel', async () => {
    const { client, other, channel, half } = await running()
    await using _client = client
    await using _other = other
    for (let i = 0; i < 100; i++) other.data(half.theirs, Buffer.alloc(32_000))
    await client.until(({ type, channel: of }) => type === MESSAGE.CLOSE && of === channel.ours)
    expect(await client.global('keepalive@openssh.com')).toBe(true)
  })

  it('a target that opens no channel: the program ends, and says why', async () => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    const channel = (await client.open('session')) as { ours: number; theirs: number }
    const asked = client.request(channel, 'exec', sshString('true'))
    const { message } = await other.until(({ type }) => type === MESSAGE.OPEN)
    const { sender } = readOpen(message)
    other.line.send(openFailure(sender, 4, 'no \x1b[2J room'))
    expect(await asked).toBe(false)
    expect(await client.exit(channel.ours)).toBe(255)
    expect(client.text(channel.ours)).toContain('no \\u{1b}[2J room')
    expect(typeof (await client.open('session'))).toBe('object')
  })

  it('a target that leaves takes the client with it', async () => {
    const { client, other } = await running()
    await using _client = client
    await other[Symbol.asyncDispose]()
    await expect(client.until(() => false)).rejects.toThrow('ended')
  })
})
