import { once } from 'node:events'
import { createConnection } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { SluiceError } from '../../kit/errors.ts'
import { isUntrusted } from '../../kit/untrusted.ts'
import { LIMITS } from '../limits.ts'
import { CIPHERS, GATEWAY_NAME, type JOIN, type TUNNEL, WEBSOCKET_PATH } from '../wire.ts'

/** How the gateway is reached. */
export interface Way {
  readonly host: string
  readonly port: number
  /** Where only HTTPS passes: TLS to the gateway inside a WebSocket. */
  readonly websocket: boolean
  /** `http://[user:password@]host:port`, or https. */
  readonly proxy?: URL | undefined
}

/** Who this end is, and whom it takes for the gateway. Without an authority it is for the caller to look at the certificate. */
export interface Credentials {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** Opens a TLS 1.3 connection to the gateway, for a tunnel or a join. Rejects with `tunnel.unreachable` or `tunnel.stranger`. */
export async function openWay(
  way: Way,
  credentials: Credentials,
  protocol: typeof TUNNEL | typeof JOIN,
): Promise<TLSSocket> {
  const late = AbortSignal.timeout(LIMITS.handshake_ms)
  let stream: Duplex | undefined
  try {
    stream = await open(way, late)
    const socket = connectTls({
      socket: stream,
      ...credentials,
      servername: GATEWAY_NAME,
      ciphers: CIPHERS,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [protocol],
      rejectUnauthorized: credentials.ca !== undefined,
    })
    tie(stream, socket)
    await once(socket, 'secureConnect', { signal: late })
    if (socket.alpnProtocol !== protocol)
      throw new SluiceError('tunnel.stranger', 'it does not speak the tunnel’s protocol')
    return socket
  } catch (thrown) {
    stream?.destroy()
    throw asSluiceError(thrown, late.aborted)
  }
}

function asSluiceError(thrown: unknown, late: boolean): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  const { code = '', message } = thrown as NodeJS.ErrnoException
  if (late) return new SluiceError('tunnel.unreachable', 'no answer in time', { cause: thrown })
  if (code.startsWith('ERR_SSL_'))
    return new SluiceError('tunnel.unreachable', 'what answers there is not a gateway’s `listen.tunnel`', {
      cause: thrown,
    })
  return new SluiceError(
    isUntrusted(code) || code.includes('ALPN') ? 'tunnel.stranger' : 'tunnel.unreachable',
    message,
    { cause: thrown },
  )
}

async function open(way: Way, signal: AbortSignal): Promise<Duplex> {
  if (!way.websocket) return await openTcp(way, signal)
  const host = way.host.includes(':') ? `[${way.host}]` : way.host
  const tcp = await openTcp(way, signal)
  // The outer TLS is there for proxies that pass HTTPS only. What it shows proves nothing, so it is not looked at: the inner one is.
  const outer = connectTls({
    socket: tcp,
    servername: nameOf(way.host),
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
  })
  tie(tcp, outer)
  await once(outer, 'secureConnect', { signal })
  // Loaded where it is needed: a connector is small.
  const [{ WebSocket }, { streamOf }] = await Promise.all([import('ws'), import('../web-socket.ts')])
  const socket = new WebSocket(`wss://${host}:${way.port}${WEBSOCKET_PATH}`, {
    createConnection: () => outer,
    perMessageDeflate: false,
    maxPayload: LIMITS.webSocketMessage,
    handshakeTimeout: LIMITS.handshake_ms,
    followRedirects: false,
  })
  await once(socket, 'open', { signal })
  return streamOf(socket)
}

/** One laid over the other: they end together. */
function tie(under: Duplex, over: Duplex): void {
  under.once('close', () => over.destroy())
  over.once('close', () => under.destroy())
  for (const each of [under, over]) each.on('error', () => each.destroy())
}

/** Server Name Indication carries names only. */
function nameOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host
}

async function openTcp({ host, port, proxy }: Way, signal: AbortSignal): Promise<Duplex> {
  if (proxy) return await throughProxy(proxy, `${host.includes(':') ? `[${host}]` : host}:${port}`, signal)
  const socket = createConnection({ host, port, noDelay: true, keepAlive: true })
  await once(socket, 'connect', { signal })
  return socket
}

/** An HTTP proxy's CONNECT (RFC 9110 §9.3.6). */
async function throughProxy(proxy: URL, authority: string, signal: AbortSignal): Promise<Duplex> {
  const { request: open } = await (proxy.protocol === 'https:' ? import('node:https') : import('node:http'))
  return await new Promise((resolve, reject) => {
    const request = open({
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
      method: 'CONNECT',
      path: authority,
      headers: { Host: authority, ...(proxy.username && { 'Proxy-Authorization': basic(proxy) }) },
      maxHeaderSize: LIMITS.httpHead,
      agent: false,
      signal,
    })
    const refused = (status: number | undefined) =>
      reject(new SluiceError('tunnel.unreachable', `the proxy answers ${status}`))
    request.once('error', reject)
    request.once('response', (response) => {
      refused(response.statusCode)
      request.destroy()
    })
    request.once('connect', (response, socket, head) => {
      if (response.statusCode !== 200) {
        socket.destroy()
        return refused(response.statusCode)
      }
      socket.setNoDelay(true)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.end()
  })
}

function basic({ username, password }: URL): string {
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`
}
