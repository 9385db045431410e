/** Attacks on SSH's transport: D17, D19, D20, D23, and bytes that are no SSH. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sshString } from '../../src/kit/ssh-wire.ts'
import { OfferLists, sendMessage, type Wire } from '../../src/protocols/ssh/transport-library.ts'
import { KEX } from '../../src/protocols/ssh/transport-offer.ts'
import { chance, eachSeed } from '../fuzz/seed.ts'
import { run } from '../rig/child.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { authRequest, HEAR, passwordRequest, RawSsh } from '../rig/ssh-raw.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

/** A message as it crosses the line before keys are exchanged (RFC 4253 §6): padded to 8 bytes, by 4 at least. */
function plainPacket(payload: Buffer): Buffer {
  const padding = 11 - ((payload.length + 8) % 8)
  const packet = Buffer.alloc(5 + payload.length + padding)
  packet.writeUInt32BE(packet.length - 4)
  packet[4] = padding
  payload.copy(packet, 5)
  return packet
}

const IGNORE = plainPacket(Buffer.concat([Buffer.from([2]), sshString('')]))

/** A man in the middle who puts a packet behind the first one of one side, before keys are exchanged. */
async function intruder(port: number, side: 'client' | 'server'): Promise<Server> {
  const server = createServer((client) => {
    const target = connect(port, '127.0.0.1')
    for (const socket of [client, target]) socket.on('error', () => {})
    const [from, to] = side === 'client' ? [client, target] : [target, client]
    ;(side === 'client' ? target : client).pipe(from as never)
    let kept = Buffer.alloc(0)
    let done = false
    from.on('data', (chunk: Buffer) => {
      if (done) return void to.write(chunk)
      kept = Buffer.concat([kept, chunk])
      const ident = kept.indexOf('\n') + 1
      if (ident === 0 || kept.length < ident + 4) return
      const end = ident + 4 + kept.readUInt32BE(ident)
      if (kept.length < end) return
      to.write(Buffer.concat([kept.subarray(0, end), IGNORE, kept.subarray(end)]))
      done = true
    })
    from.on('close', () => to.destroy())
    to.on('close', () => from.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

describe.skipIf(sshdMissing)('Attacks on SSH’s transport', () => {
  let sshd: Sshd
  let stage: SshGateway

  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: ALLOW_ALL })
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })

  const works = async () =>
    expect(await stage.ssh('human:suite', ['web-1@127.0.0.1', 'echo in'])).toMatchObject({ status: 0, stdout: 'in\n' })

  /** Says bytes to a fresh connection and resolves with all it heard when that closes. */
  async function says(bytes: Buffer | string, localAddress = '127.0.0.1'): Promise<string> {
    const socket = connect({ port: stage.port, host: '127.0.0.1', localAddress })
    let heard = ''
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.write(bytes)
    await once(socket, 'close')
    return heard
  }

  it.each(['client', 'server'] as const)(
    'D17: a packet slipped in before the keys, from the %s’s side, ends the connection',
    async (side) => {
      const server = await intruder(stage.port, side)
      const options = stage.options.map((each) => (each.startsWith('Port=') ? `Port=${portOf(server)}` : each))
      const done = await run(['ssh', ...options, 'web-1@127.0.0.1', 'echo in'], {
        env: stage.password(stage.gateway.token('human:suite')),
        timeout_ms: 20_000,
      })
      server.close()
      expect(done).toMatchObject({ status: 255, stdout: '' })
    },
  )

  it.each(['client', 'server'] as const)(
    'D17: the same between the gateway and its target, from the %s’s side',
    async (side) => {
      const server = await intruder(sshd.port, side)
      await using other = await startSshGateway({ target: { ...sshd, port: portOf(server) }, policy: ALLOW_ALL })
      const done = await other.ssh('human:suite', ['web-1@127.0.0.1', 'echo in'])
      server.close()
      expect(done).toMatchObject({ status: 255, stdout: '' })
      expect(done.stderr).toContain('came to no encrypted connection')
    },
  )

  /** A client without strict key exchange. */
  const lax = (cipher: string, mac: string) => (wire: Wire) => {
    const direction = { cipher: [cipher], mac: [mac], compress: ['none'], lang: [] }
    const offer = new OfferLists({ kex: KEX.slice(1), serverHostKey: ['ssh-ed25519'], cs: direction, sc: direction })
    ;(wire as unknown as { _offer: unknown })._offer = offer
    // The library takes the other side's word alone for an agreement.
    Object.defineProperty(wire, '_strictMode', { get: () => false })
  }

  it.each([
    ['aes128-gcm@openssh.com', 'hmac-sha2-256', true],
    ['aes128-ctr', 'hmac-sha2-256', true],
    ['aes128-ctr', 'hmac-sha2-256-etm@openssh.com', false],
  ])('D17: without strict key exchange %s with %s is %s', async (cipher, mac, taken) => {
    using raw = await RawSsh.open(stage.port, lax(cipher, mac))
    raw.say(passwordRequest('web-1', stage.gateway.token('human:suite')))
    const answer = await raw.hear([HEAR.SUCCESS, HEAR.FAILURE])
    expect(answer?.[0] === HEAR.SUCCESS).toBe(taken)
  })

  it('D19: a key exchange that is begun and never finished stops nobody else', async () => {
    using raw = await RawSsh.open(stage.port)
    raw.say(passwordRequest('web-1', stage.gateway.token('human:suite')))
    expect(await raw.hear(HEAR.SUCCESS)).toBeDefined()
    // A KEXINIT, and then what may not come during an exchange.
    const lists = Buffer.concat(Array.from({ length: 10 }, () => sshString('curve25519-sha256')))
    sendMessage(raw.wire, Buffer.concat([Buffer.from([20]), Buffer.alloc(16), lists, Buffer.alloc(5)]))
    await raw.gone()
    await works()
  })

  it.each([
    ['a packet of 4 GB', Buffer.from([0xff, 0xff, 0xff, 0xff, 4, 20])],
    ['a packet of 35,001 bytes', Buffer.from([0, 0, 0x88, 0xc0, 4, 20])],
    ['an empty packet', Buffer.alloc(16)],
    ['a packet that is all padding', Buffer.from([0, 0, 0, 12, 255, ...Buffer.alloc(11)])],
    ['a KEXINIT without lists', plainPacket(Buffer.from([20]))],
    [
      'a KEXINIT with a list of 4 GB',
      plainPacket(Buffer.concat([Buffer.from([20]), Buffer.alloc(16), Buffer.alloc(4, 0xff)])),
    ],
    [
      'a KEXINIT of 30 KB',
      plainPacket(Buffer.concat([Buffer.from([20]), Buffer.alloc(16), sshString('a,'.repeat(15_000))])),
    ],
    ['a message from after the exchange', plainPacket(Buffer.concat([Buffer.from([50]), sshString('root')]))],
    ['NEWKEYS before anything', plainPacket(Buffer.from([21]))],
    ['noise', Buffer.from(Array.from({ length: 2_000 }, (_, i) => (i * 7919) % 251))],
  ])('D20: %s is refused at once', async (_, packet) => {
    await says(Buffer.concat([Buffer.from('SSH-2.0-attack\r\n'), packet]))
    await works()
  })

  it.each([
    ['no line at all', Buffer.alloc(20_000, 0x41)],
    ['a line of 9,000 bytes', `SSH-2.0-${'a'.repeat(9_000)}\r\n`],
    ['another version', 'SSH-1.5-old\r\n'],
    ['a greeting before the line', 'hello\r\nSSH-2.0-x\r\n'],
    ['HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a TLS hello', Buffer.from('16030100c8010000c4030300', 'hex')],
    ['a lone carriage return', 'SSH-2.0-x\rSSH-2.0-y\r\n'],
    ['a NUL', 'SSH-2.0-\0x\r\n\0\0\0\0'],
  ])('D23: instead of an identification %s', async (_, bytes) => {
    const ended = says(bytes)
    // What is not refused waits for more, and is cut by the login grace.
    await Promise.race([ended, works()])
    await works()
  })

  it('D23: hundreds that never sign in keep nobody of another address out', async () => {
    const silent: Socket[] = []
    const from = { port: stage.port, host: '127.0.0.1', localAddress: '127.0.0.2' }
    for (let i = 0; i < 300; i++) {
      const socket = connect(from)
      socket.on('error', () => {})
      silent.push(socket)
    }
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    const refused = silent.filter((_, i) => i >= 256).map((socket) => (socket.closed ? true : once(socket, 'close')))
    for (const socket of silent) socket.resume()
    await Promise.all(refused)
    await works()
    for (const socket of silent) socket.destroy()
  })

  it('D23: a flood of messages before sign-in ends the connection', async () => {
    using raw = await RawSsh.open(stage.port)
    for (let i = 0; i < 250; i++) raw.say(Buffer.concat([Buffer.from([2]), sshString('x')]))
    await raw.gone()
    await works()
  })

  it('many requests at once are answered one after the other, and none twice', async () => {
    using raw = await RawSsh.open(stage.port)
    for (let i = 0; i < 20; i++) raw.say(authRequest('web-1', 'none'))
    raw.say(passwordRequest('web-1', stage.gateway.token('human:suite')))
    await raw.hear([HEAR.SUCCESS, HEAR.DISCONNECT])
    const count = (type: number) => raw.heard.filter((message) => message[0] === type).length
    expect(count(HEAR.SUCCESS)).toBeLessThanOrEqual(1)
    expect(count(HEAR.FAILURE)).toBeLessThanOrEqual(20)
  })

  it('whatever is said before sign-in, nobody gets in by it and the gateway stands', async () => {
    const words = ['web-1', 'ssh-connection', 'publickey', 'password', 'none', 'ssh-ed25519', '', 'x'.repeat(300)]
    const types = [1, 2, 3, 4, 5, 7, 20, 21, 30, 31, 50, 50, 50, 50, 60, 61, 61, 80, 90, 94, 255]
    await eachSeed(60, async (seed) => {
      const { below, of } = chance(seed)
      const some = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most) }, make)
      const parts = [
        () => Buffer.from(some(40, () => below(256))),
        () => sshString(of(words)),
        () => of([Buffer.alloc(4), Buffer.alloc(4, 0xff), Buffer.from([1])]),
      ]
      using raw = await RawSsh.open(stage.port)
      for (let said = 0; said < 6 && !raw.closed; said++)
        raw.say(Buffer.concat([Buffer.from([of(types)]), ...some(7, () => of(parts)())]))
      raw.say(authRequest('web-1', 'none'))
      await raw.hear([HEAR.FAILURE, HEAR.SUCCESS, HEAR.DISCONNECT])
      expect(raw.heard.some((message) => message[0] === HEAR.SUCCESS)).toBe(false)
    })
    await works()
    expect(stage.gateway.log()).not.toContain('internal')
  }, 60_000)
})
