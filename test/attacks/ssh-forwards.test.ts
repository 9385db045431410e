/** Where forwards lead is judged here and kept to there: by address, or by a name that was vouched for (ATTACKS D7, G25). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SshReader, sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { MESSAGE, openFailure, readOpen } from '../../src/protocols/ssh/channel-messages.ts'
import { readLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget, type RawPeer, rawClient } from '../rig/ssh-peer.ts'

const NOBODY = `
kind: Agent
name: bot
owner: ops
---
kind: Rule
name: looks
who: principal.kind == "agent"
on: true
when: op.verb == "env"
then: allow
`
/** RFC 6761 §6.4: no resolver knows it. */
const ELSEWHERE = 'db.corp.invalid'

describe('D7: forwards', () => {
  let target: FakeTarget
  let stage: SshGateway
  beforeAll(async () => {
    target = await fakeTarget()
    stage = await startSshGateway({
      target,
      policy: `${ALLOW_ALL}\nwhen: principal.kind == "human"\n---${NOBODY}`,
      resource: { targetNames: [ELSEWHERE, 'metadata.google.internal', 'metadata'] },
    })
  })
  afterAll(async () => {
    await stage?.stop()
    await target?.[Symbol.asyncDispose]()
  })

  const to = (host: string | Buffer, port = 80) =>
    Buffer.concat([sshString(host), sshUint32(port), sshString('127.0.0.1'), sshUint32(1)])

  /** What the target is asked to connect to; the reason the gateway gives where it is not asked. */
  async function led(client: RawPeer, other: RawPeer, host: string | Buffer): Promise<string | number> {
    const before = other.heard.length
    const answer = client.open('direct-tcpip', to(host))
    const asked = other
      .until((heard) => heard.type === MESSAGE.OPEN && other.heard.indexOf(heard) >= before)
      .then(({ message }) => {
        const { sender, rest } = readOpen(message)
        other.line.send(openFailure(sender, 2, ''))
        return new SshReader(rest).text()
      })
    asked.catch(() => {})
    return await Promise.race([asked, answer.then(async (reason) => (reason === 1 ? 1 : await asked))])
  }

  it.each([
    ...['::169.254.169.254', '::a9fe:a9fe', '::ffff:0:169.254.169.254', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a9fe:a9fe'],
    ...[
      '2002:a9fe:a9fe::1',
      '2001:0:a9fe:a9fe::1',
      '2001:0:1:2:3:4:5601:5601',
      'fd12::5efe:169.254.169.254',
      'fec0::1',
    ],
    ...[
      '100.100.100.200',
      '168.63.129.16',
      '192.0.0.192',
      'fd00:ec2::254',
      'fd20:ce::254',
      '10.0.0.1%eth0',
      'fe80::1%1',
    ],
    // Nobody vouched for the first, and nobody may for the others.
    ...[
      'db.other.invalid',
      'metadata.google.internal',
      'metadata.google.internal.',
      'METADATA',
      'instance-data',
      '*',
      '',
      ' ',
    ],
    ...['a\0b', '127.0.0.1\0', 'db corp', '[::1]', 'é', 'x'.repeat(300)],
  ])('no rule and no resource opens a way to %j', async (host) => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    expect(await led(client, other, host)).toBe(1)
    expect(await led(client, other, Buffer.from([0xff, 0xfe]))).toBe(1)
    // It is a refusal, on record, and the connection goes on.
    expect(await led(client, other, '10.0.0.1')).toBe('10.0.0.1')
    const refused = readLedger(stage.gateway.dataDir).filter(
      (entry) => 'reason' in entry && entry.reason === 'ssh.address',
    )
    expect(refused.length).toBeGreaterThan(1)
  })

  it.each([
    ['::ffff:10.0.0.9', '10.0.0.9'],
    ['localhost', /^(127\.0\.0\.1|::1)$/],
    [ELSEWHERE, ELSEWHERE],
    ['DB.Corp.Invalid.', 'DB.Corp.Invalid.'],
  ])('to %j the target is asked to connect to %s', async (host, told) => {
    await using client = await rawClient(stage, 'human:suite')
    await using other = await target.next()
    expect(await led(client, other, host)).toEqual(typeof told === 'string' ? told : expect.stringMatching(told))
  })

  it('a name that its resource vouches for still needs a rule', async () => {
    await using client = await rawClient(stage, 'agent:bot')
    await using other = await target.next()
    expect(await led(client, other, ELSEWHERE)).toBe(1)
  })

  it.each(['a\0b', 'a b', '\xff', '127.0.0.1\n'])(
    'listening at %j is refused, and the connection goes on',
    async (host) => {
      await using client = await rawClient(stage, 'human:suite')
      await using _other = await target.next()
      const rest = Buffer.concat([sshString(Buffer.from(host, 'latin1')), sshUint32(0)])
      expect(await client.global('tcpip-forward', rest)).toBe(false)
      expect(await client.global('streamlocal-forward@openssh.com', sshString('/run/a\0b'))).toBe(false)
      expect(await client.open('direct-streamlocal@openssh.com', Buffer.concat([sshString('/run/a\0b'), to('')]))).toBe(
        1,
      )
      expect(await client.global('keepalive@openssh.com')).toBe(true)
    },
  )
})
