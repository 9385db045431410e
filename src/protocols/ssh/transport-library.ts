import { createRequire } from 'node:module'
import type { Duplex } from 'node:stream'
import type { Connection } from 'ssh2'

/**
 * The one place that reaches into ssh2. The library knows neither OpenSSH's certificates nor a post-quantum key exchange and has no hook for
 * them; what is used of its inside is named and typed here, for exactly this version: `transport.test.ts` fails when it changes.
 */
export const LIBRARY_VERSION = '1.17.0'

const require = createRequire(import.meta.url)

interface Lists {
  readonly kex: readonly string[]
  readonly serverHostKey: readonly string[]
  readonly cs: DirectionLists
  readonly sc: DirectionLists
}
interface DirectionLists {
  readonly cipher: readonly string[]
  readonly mac: readonly string[]
  readonly compress: readonly string[]
  readonly lang: readonly string[]
}

/** What we offer in a key exchange. Names are not looked up: what is not the library's must be handled before it gets there. */
export type Offer = object & { readonly brand: 'KexInit' }

/** A parsed private key of the library. */
export interface HostKey {
  readonly type: string
  getPublicSSH(): Buffer
  getPrivatePEM(): string | null
  sign(bytes: Buffer, hash?: string): Buffer | Error
}

/** One key exchange under way. */
export interface KeyExchange {
  readonly negotiated: { kex: string; serverHostKey: string; readonly cs: Negotiated; readonly sc: Negotiated }
  remoteExtInfoEnabled: boolean
  readonly sessionID: Buffer | undefined
  _remoteKexinit: Buffer
  getPublicKey(): Buffer
  convertPublicKey(key: Buffer): Buffer
  computeSecret(other: Buffer): Buffer | Error
}
export interface Negotiated {
  readonly cipher: string
  readonly mac: string
}

/** The library's half of one connection: keys, ciphers, messages. */
export interface Wire {
  readonly _server: boolean
  _hostKeys: Readonly<Record<string, HostKey>> | undefined
  _kex: KeyExchange | undefined
  readonly _kexinit: Buffer | undefined
  readonly _remoteIdentRaw: Buffer | undefined
  readonly _strictMode: boolean | undefined
  readonly _authsQueue: string[]
  _packetRW: { read: PacketReader; readonly write: PacketWriter }
  _cipher: LibraryCipher
  _decipher: LibraryDecipher
  authPK(username: string, key: unknown, algorithm?: string, sign?: unknown): void
  authFailure(methods: readonly string[], partial?: boolean): void
  disconnect(reason: number): void
}
/** What the library encrypts with; the fields are those of its AES-GCM. */
export interface LibraryCipher {
  readonly outSeqno: number
  readonly _onWrite?: (bytes: Buffer) => void
  readonly _encSSLName?: string
  readonly _encKey?: Buffer
  readonly _encIV?: Buffer
  allocPacket(payloadBytes: number): Buffer
  encrypt(packet: Buffer): void
  free(): void
}
export interface LibraryDecipher {
  readonly inSeqno: number
  _onPayload: (payload: Buffer) => number | false | undefined
  readonly _decipherSSLName?: string
  readonly _decipherKey?: Buffer
  readonly _decipherIV?: Buffer
  decrypt(data: Buffer, at: number, end: number): number | undefined
  free(): void
}
/** Every message we receive passes `read`. */
export interface PacketReader {
  read(payload: Buffer): Buffer
  cleanup(): void
}
export interface PacketWriter {
  readonly allocStart: number
  alloc(bytes: number): Buffer
  finalize(packet: Buffer): Buffer
}

interface IncomingClient {
  new (
    socket: Duplex,
    hostKeys: Readonly<Record<string, HostKey>>,
    ident: Buffer,
    offer: Offer,
    debug: undefined,
    server: { emit(event: string, ...args: unknown[]): boolean },
    settings: { readonly keepaliveInterval: number; readonly keepaliveCountMax: number },
  ): Connection
}

const { version } = require('ssh2/package.json') as { version: string }
const { KexInit } = require('ssh2/lib/protocol/kex.js') as { KexInit: new (lists: Lists) => Offer }
const constants = require('ssh2/lib/protocol/constants.js') as { SUPPORTED_KEX: string[] }
const { parseKey } = require('ssh2/lib/protocol/keyParser.js') as {
  parseKey(text: string): HostKey | Error | HostKey[]
}
const { IncomingClient: Incoming } = require('ssh2/lib/server.js') as { IncomingClient: IncomingClient }

/** The version that is installed. */
export const installedVersion: string = version
export const OfferLists = KexInit
export const Accepted = Incoming

/** Lets the client side offer a key exchange the library does not know by name. */
export function allowKex(name: string): void {
  if (!constants.SUPPORTED_KEX.includes(name)) constants.SUPPORTED_KEX.push(name)
}

/** A private key in OpenSSH's or PEM form. Throws a RangeError for what is none. */
export function readPrivateKey(text: string): HostKey {
  const parsed = parseKey(text)
  const key = Array.isArray(parsed) ? parsed[0] : parsed
  if (!key || key instanceof Error || key.getPrivatePEM() === null) throw new RangeError('not a private key')
  return key
}

/** The library's half of a connection of either side. */
export function wireOf(connection: unknown): Wire {
  return (connection as { readonly _protocol: Wire })._protocol
}

/** Sends one whole message, from its type byte on. Only where no key exchange is under way. */
export function sendMessage(wire: Wire, message: Buffer): void {
  const { write } = wire._packetRW
  const packet = write.alloc(message.length)
  packet.set(message, write.allocStart)
  wire._cipher.encrypt(write.finalize(packet))
}
