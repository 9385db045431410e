import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import { Secret } from '../../src/kit/secret.ts'
import type { ConnectorIdentity } from '../../src/tunnel/connector/identity-file.ts'
import { openWay } from '../../src/tunnel/connector/way.ts'
import { createAuthority } from '../../src/tunnel/gateway/authority.ts'
import { CAPABILITIES, CONTROL_PATH, TUNNEL } from '../../src/tunnel/wire.ts'
import { SEED, type TunnelRig } from './tunnels.ts'

/** A tunnel's connection with nothing on it yet, by whoever holds this identity. */
export async function openTunnel(rig: TunnelRig, identity: Omit<ConnectorIdentity, 'name' | 'id'>): Promise<TLSSocket> {
  const { ca, cert, key } = identity
  const socket = await openWay({ host: '127.0.0.1', port: rig.port, websocket: false }, { ca, cert, key }, TUNNEL)
  socket.on('error', () => {})
  return socket
}

export interface Behaviour {
  /** Overrides of the first word. */
  readonly hello?: object
  readonly connect?: (stream: ServerHttp2Stream, authority: string) => void
}

/** A connector that is not ours: an HTTP/2 server which says what the test wants. Resolves when the gateway has heard its hello. */
export async function falseConnector(socket: TLSSocket, behaviour: Behaviour): Promise<ServerHttp2Session> {
  const session = performServerHandshake(socket, { maxSessionMemory: 100 })
  session.on('error', () => {})
  const greeted = new Promise<void>((resolve) => {
    session.on('stream', (stream, headers) => {
      stream.on('error', () => {})
      if (headers[':path'] !== CONTROL_PATH)
        return (behaviour.connect ?? accept)(stream as ServerHttp2Stream, String(headers[':authority']))
      stream.respond({ ':status': 200 })
      const hello = { say: 'hello', version: '9', capabilities: CAPABILITIES, instance: randomBytes(8).toString('hex') }
      stream.write(`${JSON.stringify({ ...hello, ...behaviour.hello })}\n`)
      stream.resume()
      stream.once('data', () => resolve())
    })
  })
  await Promise.race([greeted, once(socket, 'close')])
  return session
}

function accept(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200 })
  stream.pipe(stream)
}

/** A gateway that is not ours, with a certificate connectors take for the real one: it was broken into. Hands out each tunnel it gets. */
export async function falseGateway(
  over: { readonly cert?: string; readonly key?: string } = {},
): Promise<{ readonly port: number; next(): Promise<TLSSocket> } & AsyncDisposable> {
  const authority = createAuthority(new Secret(SEED))
  const pair = { ...authority.gatewayPair(Date.now()), ...over }
  const server = createServer({ ...pair, ca: authority.certificate, requestCert: true, ALPNProtocols: [TUNNEL] })
  const sockets = new Set<TLSSocket>()
  const waiting: TLSSocket[] = []
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {})
    sockets.add(socket)
    if (server.listenerCount('taken') > 0) server.emit('taken', socket)
    else waiting.push(socket)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async next() {
      const socket = waiting.shift()
      if (socket) return socket
      const [taken] = (await once(server, 'taken')) as [TLSSocket]
      return taken
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** One HTTP/2 frame (RFC 9113 §4.1). */
export function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const SETTINGS = frame(4, 0, 0)

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
