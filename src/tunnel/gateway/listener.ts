import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { createSecureContext, createServer as createTlsServer, type SecureContext, TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { SluiceError } from '../../kit/errors.ts'
import { LIMITS } from '../limits.ts'
import { streamOf } from '../web-socket.ts'
import { GATEWAY_NAME, JOIN, TUNNEL, WEB, WEBSOCKET_PATH } from '../wire.ts'

export interface ListenerParts {
  readonly host: string
  /** 0 for any free one. */
  readonly port: number
  /** The gateway's end of the tunnels, signed by the connectors' authority. Asked for anew at each handshake. */
  readonly inner: () => SecureContext
  /** What an HTTPS client sees: the WebSocket is carried in it. */
  readonly outer: { readonly cert: string; readonly key: string }
  /** A peer that chose the tunnel's or the join's protocol. Whose certificate it shows, if any, is for the taker to judge. */
  readonly accepted: (socket: TLSSocket, protocol: typeof TUNNEL | typeof JOIN, from: string) => void
}

export interface TunnelListener {
  readonly port: number
  close(): Promise<void>
}

/**
 * One port for everything: TLS 1.3, then by ALPN a tunnel, a join, or HTTP/1.1 for a WebSocket. What comes through a WebSocket is TLS again, to
 * the connector itself: whoever terminates the HTTPS in between sees nothing and proves nothing.
 */
export async function listenForConnectors(parts: ListenerParts): Promise<TunnelListener> {
  const open = new Set<Duplex>()
  const web = webSockets((stream, from) => {
    if (open.size >= LIMITS.connections) return void stream.destroy()
    track(open, stream)
    secure(stream, parts.inner(), (socket) => route(socket, from))
  })
  const route = (socket: TLSSocket, from: string): void => {
    const { alpnProtocol } = socket
    if (alpnProtocol === TUNNEL || alpnProtocol === JOIN) parts.accepted(socket, alpnProtocol, from)
    else socket.destroy()
  }
  const outer = createSecureContext({ ...parts.outer, minVersion: 'TLSv1.3' })
  const server = createTlsServer(
    {
      ...ASKING,
      ...parts.outer, // for those who name no server
      handshakeTimeout: LIMITS.handshake_ms,
      noDelay: true,
      SNICallback: (name, done) => done(null, name === GATEWAY_NAME ? parts.inner() : outer),
      ALPNProtocols: [TUNNEL, JOIN, WEB],
    },
    (socket) => {
      socket.on('error', () => socket.destroy())
      if (socket.alpnProtocol === TUNNEL || socket.alpnProtocol === JOIN) route(socket, socket.remoteAddress ?? '')
      else web.emit('connection', socket)
    },
  )
  server.maxConnections = LIMITS.connections
  server.on('connection', (socket) => track(open, socket))
  server.on('tlsClientError', (_, socket) => socket.destroy())
  const port = await listening(server, parts)
  return {
    port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const each of open) each.destroy()
      web.close()
      await closed
    },
  }
}

/** A certificate is asked for and looked at by us: a join has none. */
const ASKING = { minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: false } as const

/** TLS over what came through a WebSocket. */
function secure(stream: Duplex, secureContext: SecureContext, done: (socket: TLSSocket) => void): void {
  const socket = new TLSSocket(stream, { ...ASKING, isServer: true, secureContext, ALPNProtocols: [TUNNEL, JOIN] })
  const timer = setTimeout(() => stream.destroy(), LIMITS.handshake_ms)
  socket.on('error', () => stream.destroy())
  socket.once('close', () => stream.destroy())
  stream.once('close', () => {
    clearTimeout(timer)
    socket.destroy()
  })
  socket.once('secure', () => {
    clearTimeout(timer)
    // Only a tls.Server's own sockets are marked so; HTTP/2 waits for it (Node 24).
    done(Object.assign(socket, { secureConnecting: false }))
  })
}

function webSockets(accepted: (stream: Duplex, from: string) => void): HttpServer {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: LIMITS.webSocketMessage })
  const server = createServer(
    { maxHeaderSize: LIMITS.httpHead, headersTimeout: LIMITS.handshake_ms, requestTimeout: LIMITS.handshake_ms },
    (request, response) => {
      response.writeHead(request.url === WEBSOCKET_PATH ? 426 : 404, { Connection: 'close' })
      response.end()
    },
  )
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (request.url !== WEBSOCKET_PATH) return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
    sockets.handleUpgrade(request, socket, head, (client) =>
      accepted(streamOf(client), request.socket.remoteAddress ?? ''),
    )
  })
  return server
}

function track(open: Set<Duplex>, stream: Duplex): void {
  open.add(stream)
  stream.once('close', () => open.delete(stream))
}

function listening(server: import('node:net').Server, { host, port }: ListenerParts): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `port ${port} for connectors is already in use; choose another one`
          : cause.message
      reject(new SluiceError('config.invalid', why, { cause }))
    })
    server.listen({ host, port, backlog: 4_096 }, () => resolve((server.address() as AddressInfo).port))
  })
}
