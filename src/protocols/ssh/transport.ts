import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import ssh2, { type AuthContext, type Client, type ClientConfig, type Connection } from 'ssh2'
import { giveBack } from '../../kit/give-back.ts'
import { KEEPALIVE_MS, KEEPALIVES } from './limits.ts'
import { Guard, type GuardParts } from './transport-guard.ts'
import { HYBRID } from './transport-hybrid.ts'
import { Accepted, allowKex, type HostKey, sendMessage, type Wire, wireOf } from './transport-library.ts'
import { CIPHERS, COMPRESSION, hostKeyAlgorithms, KEX, MACS, serverOffer } from './transport-offer.ts'

allowKex(HYBRID)

const IDENT = Buffer.from('Sluice')
const CERTIFIED = 'ssh-ed25519-cert-v01@openssh.com'

/** The gateway's own key, ready for every connection. */
export interface ServerKey {
  readonly hostKey: HostKey
  readonly certified: HostKey
}

/** The host key as it is shown to clients that take certificates. */
export function certifiedKey(hostKey: HostKey, certificate: Buffer): HostKey {
  return {
    type: hostKey.type,
    getPublicSSH: () => certificate,
    getPrivatePEM: () => hostKey.getPrivatePEM(),
    sign: (bytes, hash) => hostKey.sign(bytes, hash),
  }
}

/** One leg of a session, with what the library does not give. */
export interface Leg<T> {
  readonly connection: T
  /** Says goodbye with a sentence the peer's user sees (RFC 4253 §11.1), then closes. */
  goodbye(reason: number, text: string): void
  /** From now on messages of the connection protocol are let through. */
  admit(): void
}

/** RFC 4253 §11.1. */
export const REASON = {
  PROTOCOL_ERROR: 2,
  HOST_KEY_NOT_VERIFIABLE: 9,
  BY_APPLICATION: 11,
  NO_MORE_AUTH_METHODS: 14,
} as const

/** Speaks as a server over `stream`. Nothing is sent before this returns. `unknownMethod` is told of a request the library does not know. */
export function acceptLeg(
  stream: Duplex,
  key: ServerKey,
  unknownMethod: (request: Pick<AuthContext, 'reject'>) => void,
): Leg<Connection> {
  const connection = new Accepted(
    stream,
    { 'ssh-ed25519': key.hostKey },
    IDENT,
    serverOffer([CERTIFIED, 'ssh-ed25519']),
    undefined,
    { emit: () => true },
    { keepaliveInterval: KEEPALIVE_MS, keepaliveCountMax: KEEPALIVES },
  )
  // An accepted connection is a socket: once its write is over the kernel has the bytes.
  const write = (bytes: Buffer) => {
    if (stream.writable) stream.write(bytes, () => giveBack(bytes))
  }
  return legOf(connection, stream, { server: { ...key, unknownMethod }, write })
}

export type ReachConfig = Pick<
  ClientConfig,
  'username' | 'password' | 'privateKey' | 'hostVerifier' | 'readyTimeout'
> & {
  /** Types of the keys the target may show. */
  readonly hostKeyTypes: readonly string[]
  readonly authHandler: readonly unknown[]
}

/** Speaks as a client over `stream`; the library's `ready` and `error` tell how it went. */
export function reachLeg(stream: Duplex, config: ReachConfig): Leg<Client> {
  const client = new ssh2.Client()
  const { hostKeyTypes, ...rest } = config
  client.connect({
    ...rest,
    sock: stream,
    ident: IDENT.toString(),
    keepaliveInterval: KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVES,
    algorithms: {
      kex: KEX,
      serverHostKey: hostKeyAlgorithms(hostKeyTypes),
      cipher: CIPHERS,
      hmac: MACS,
      compress: COMPRESSION,
    },
  })
  const write = (bytes: Buffer) => {
    if (stream.writable) stream.write(bytes)
  }
  return legOf(client, stream, { server: undefined, write })
}

type Side = Pick<GuardParts, 'server' | 'write'>

function legOf<T extends Connection | Client>(connection: T, stream: Duplex, side: Side): Leg<T> {
  const wire = wireOf(connection)
  const guard = new Guard(wire, { ...side, late: () => stream.destroy() })
  const events: EventEmitter = connection
  events.on('handshake', () => guard.exchanged())
  events.on('close', () => guard.cleanup())
  return {
    connection,
    goodbye: (reason, text) => goodbye(wire, stream, { reason, text }),
    admit: () => {
      guard.admitted = true
    },
  }
}

/** DISCONNECT: uint32 reason, string description, string language. */
function goodbye(wire: Wire, stream: Duplex, { reason, text }: { reason: number; text: string }): void {
  if (stream.destroyed || stream.writableEnded) return
  const words = Buffer.from(text)
  const message = Buffer.alloc(1 + 4 + 4 + words.length + 4)
  message[0] = 1
  message.writeUInt32BE(reason, 1)
  message.writeUInt32BE(words.length, 5)
  words.copy(message, 9)
  try {
    if (wire._kex && wire._kexinit === undefined) sendMessage(wire, message)
    // Whoever has not said that it speaks SSH is not spoken to.
    else if (wire._remoteIdentRaw !== undefined) wire.disconnect(reason)
  } catch {
    // The library has given this connection up already.
  }
  stream.end()
}
