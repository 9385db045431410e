import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Front } from './forward.ts'
import { LIMITS } from './limits.ts'

export interface GatewayPlace {
  readonly host: string
  readonly port: number
  /** PEM its certificate is verified by; undefined: the system's authorities. */
  readonly ca: string | undefined
}

/** Length, then the code of an encryption request (PostgreSQL 53.2.10, 53.2.11). */
const REQUEST = 8
const SSL = 80_877_103
const GSSENC = 80_877_104

/**
 * PostgreSQL: on this machine in the clear, to a gateway elsewhere by TLS, its certificate verified — also for programs that could not, or
 * would not.
 */
export function postgresFront(gateway: GatewayPlace): Front {
  return {
    async connect(client) {
      if (!(await declineEncryption(client))) return undefined
      return await reach(gateway)
    },
    refuse(client, why) {
      const fields = `SFATAL\0VFATAL\0C08006\0Mthe gateway cannot be reached from here: ${why.replaceAll('\0', '')}\0\0`
      const message = Buffer.alloc(5 + Buffer.byteLength(fields))
      message.write('E')
      message.writeInt32BE(message.length - 1, 1)
      message.write(fields, 5)
      client.end(message)
    },
  }
}

/** Answers requests for encryption with no, until something else comes, which stays unread. False when the client left. */
async function declineEncryption(client: Socket): Promise<boolean> {
  const late = setTimeout(() => client.destroy(), LIMITS.greeting_ms)
  try {
    for (let asked = 0; asked < 3; asked++) {
      const head = await read(client, REQUEST)
      if (!head) return false
      const code = head.readInt32BE(4)
      if (head.readInt32BE(0) !== REQUEST || (code !== SSL && code !== GSSENC)) {
        client.unshift(head)
        return true
      }
      client.write('N')
    }
    return false
  } finally {
    clearTimeout(late)
  }
}

/** Exactly this many bytes, or undefined when the other side left before. */
async function read(stream: Duplex, bytes: number): Promise<Buffer | undefined> {
  for (;;) {
    const chunk = stream.read(bytes) as Buffer | null
    if (chunk !== null) return chunk.length === bytes ? chunk : undefined
    if (stream.readableEnded || stream.destroyed) return undefined
    const over = new AbortController()
    try {
      await Promise.race(['readable', 'end', 'close'].map((event) => once(stream, event, { signal: over.signal })))
    } catch {
      return undefined
    } finally {
      over.abort()
    }
  }
}

async function reach({ host, port, ca }: GatewayPlace): Promise<Duplex> {
  const socket = connect({ host, port, noDelay: true })
  const late = setTimeout(() => socket.destroy(new Error('no answer in time')), LIMITS.dial_ms)
  try {
    await once(socket, 'connect')
    if (isLoopback(host)) return socket
    const request = Buffer.alloc(REQUEST)
    request.writeInt32BE(REQUEST, 0)
    request.writeInt32BE(SSL, 4)
    socket.write(request)
    const answer = await read(socket, 1)
    if (answer?.toString() !== 'S') throw new Error('it offers no TLS, and a token does not travel in the clear')
    const secure = connectTls({
      ...{ socket, host, minVersion: 'TLSv1.2' },
      // An address has no place in SNI (RFC 6066 §3); it is verified as the host all the same.
      ...(isIP(host) ? {} : { servername: host }),
      ...(ca ? { ca } : {}),
    })
    await once(secure, 'secureConnect')
    return secure
  } catch (error) {
    socket.destroy()
    throw new Error(`${host}:${port}: ${(error as Error).message}`, { cause: error })
  } finally {
    clearTimeout(late)
  }
}

export function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|localhost|::1)$/.test(host)
}
