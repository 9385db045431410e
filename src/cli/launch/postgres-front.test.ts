import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Authority } from '../../../test/rig/certificates.ts'
import { type LocalPort, openLocalPort } from './forward.ts'
import { postgresFront } from './postgres-front.ts'

/** Leads to this machine and is not its loopback address: to the front it is a gateway elsewhere. */
const ELSEWHERE = '0.0.0.0'
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const GSSENC_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 48])
const STARTUP = Buffer.from([0, 0, 0, 12, 0, 3, 0, 0, 120, 0, 120, 0])

let authority: Authority
let issued: { cert: string; key: string }
beforeAll(async () => {
  authority = await Authority.create()
  issued = await authority.issue('gateway', { names: `IP:${ELSEWHERE}` })
})

let gateway: Server
let port: LocalPort
let said: string[]
/** What the gateway was sent, once TLS stands. */
let heard: Buffer[]
afterEach(async () => {
  await port?.close()
  gateway?.close()
})

/** A gateway that answers an SSLRequest as told, and then repeats what it hears. */
async function start(answer: 'S' | 'N', front: { host?: string; ca?: string } = {}): Promise<Socket> {
  heard = []
  said = []
  const repeat = async (stream: Socket) => {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      heard.push(chunk)
      stream.write(chunk)
    }
  }
  gateway = createServer(async (socket) => {
    socket.on('error', () => {})
    if (front.host === '127.0.0.1') return void repeat(socket).catch(() => {})
    await once(socket, 'readable')
    socket.read(8)
    socket.write(answer)
    if (answer === 'S') repeat(new TLSSocket(socket, { isServer: true, ...issued })).catch(() => {})
  })
  gateway.listen(0, '127.0.0.1')
  await once(gateway, 'listening')
  const place = { host: ELSEWHERE, port: (gateway.address() as AddressInfo).port, ca: authority.ca, ...front }
  port = await openLocalPort(postgresFront(place), 0, (why) => said.push(why))
  const client = connect(port.port, port.host)
  await once(client, 'connect')
  return client
}

async function next(client: Socket): Promise<string> {
  await once(client, 'readable')
  return (client.read() as Buffer | null)?.toString('latin1') ?? ''
}

/** The start-up message, however it is cut on its way. */
async function echoed(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of client.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    if (Buffer.concat(chunks).length >= STARTUP.length) break
  }
  return Buffer.concat(chunks)
}

describe('a local port of PostgreSQL', () => {
  it('declines encryption on this machine, and carries what follows by TLS to a gateway elsewhere', async () => {
    const client = await start('S')
    client.write(GSSENC_REQUEST)
    expect(await next(client)).toBe('N')
    client.write(SSL_REQUEST)
    expect(await next(client)).toBe('N')
    client.write(STARTUP)
    expect(await echoed(client)).toEqual(STARTUP)
    expect(Buffer.concat(heard)).toEqual(STARTUP)
  })

  it('goes straight to a gateway on this machine', async () => {
    const client = await start('S', { host: '127.0.0.1' })
    client.write(STARTUP)
    expect(await echoed(client)).toEqual(STARTUP)
  })

  it.each<[string, 'S' | 'N', { ca?: () => string }, RegExp]>([
    ['that offers no TLS', 'N', {}, /no TLS/],
    ['whose certificate nobody vouches for', 'S', { ca: () => issued.cert }, /certificate|self/i],
  ])('sends nothing to a gateway %s', async (_, answer, { ca }, why) => {
    const client = await start(answer, ca ? { ca: ca() } : {})
    client.write(STARTUP)
    expect(await next(client)).toMatch(/^E[\s\S]*C08006\0Mthe gateway cannot be reached/)
    expect(said.join()).toMatch(why)
    expect(heard).toEqual([])
  })

  it('says so in PostgreSQL’s words when nobody is there, and when a client asks for encryption for ever hangs up', async () => {
    const client = await start('S')
    gateway.close()
    client.write(STARTUP)
    expect(await next(client)).toMatch(/08006/)
    const other = connect(port.port, port.host)
    await once(other, 'connect')
    for (let i = 0; i < 3; i++) {
      other.write(SSL_REQUEST)
      expect(await next(other)).toBe('N')
    }
    other.resume()
    await once(other, 'end')
  })
})
