import type { Duplex } from 'node:stream'
import { type SecureContext, TLSSocket } from 'node:tls'
import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { ClientStream, Gate } from '../contract.ts'
import { refusalFields, refuse } from './handshake.ts'
import { CLIENT, Intake } from './intake.ts'
import { CANCEL_KEY_BYTES, NAME_BYTES, OPENING_MS, STARTUP_BYTES } from './limits.ts'
import { negotiateProtocolVersion, type ProtocolMinor } from './messages.ts'
import { acceptSetting, isTrue, readOptions, settingName } from './settings.ts'

/** What a client's first packets asked for. `gone`: it left, or never said anything; there is nobody to answer. */
export type Opening =
  | {
      readonly kind: 'startup'
      /** TLS when `secure`, else the client's own stream. */
      readonly stream: Duplex
      readonly secure: boolean
      /** PEM of the certificate the client proved it holds the key of. Its chain is not judged here. */
      readonly clientCertificate?: string
      readonly protocolMinor: ProtocolMinor
      readonly startup: StartupParameters
    }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: Buffer }
  | { readonly kind: 'gone' }

export interface StartupParameters {
  /** As sent: `reporting+orders`. */
  readonly user: string
  /** `reporting`; undefined when the client picked none. */
  readonly upstreamUser: string | undefined
  /** `orders` */
  readonly resource: string
  /** Undefined when absent or the same as `user`: that is what libpq fills in for whoever names none. */
  readonly database: string | undefined
  readonly applicationName: string | undefined
  /** Allow-listed settings by lower-case name, from direct parameters and `options`. */
  readonly settings: ReadonlyMap<string, string>
  /** It asked for a replication connection. */
  readonly replication: boolean
}

const SSL_REQUEST = 80877103
const GSSENC_REQUEST = 80877104
const CANCEL_REQUEST = 80877102
/** First byte of a TLS record that carries a handshake: a client that skips SSLRequest (sslnegotiation=direct). */
const TLS_HANDSHAKE = 0x16
const NEWEST_MINOR = 2

/**
 * Reads a client's first packets up to its StartupMessage or CancelRequest, answering SSLRequest and GSSENCRequest on the way. Bounded by
 * OPENING_MS and STARTUP_BYTES. A packet that is malformed or not acceptable throws SluiceError, after the client was told (FATAL) and its
 * stream ended. Spec: "Message Flow", Start-up, SSL Session Encryption.
 */
export async function receiveOpening(client: ClientStream, gate: Gate): Promise<Opening> {
  const intake = new Intake(client, { ms: OPENING_MS, signals: [gate.closing] }, { blame: CLIENT })
  try {
    return await open(intake, gate)
  } catch (thrown) {
    const error = toSluiceError(thrown)
    if (error.code === 'client.left' || error.code === 'client.late') {
      intake.stream.destroy()
      client.destroy()
      return { kind: 'gone' }
    }
    // A stream flows only after its last reader has let go of it.
    intake.release()
    refuse(intake.stream, refusalFields(error))
    throw error
  } finally {
    intake.release()
  }
}

async function open(intake: Intake, gate: Gate): Promise<Opening> {
  let tls: TLSSocket | undefined
  // Each kind of encryption may be asked for once, and none inside TLS, as on the server.
  const unasked = new Set([SSL_REQUEST, GSSENC_REQUEST])
  for (;;) {
    const head = await intake.take(4)
    if (head[0] === TLS_HANDSHAKE && unasked.size === 2 && gate.tls) {
      intake.stream.unshift(head)
      tls = await secure(intake, gate.tls)
      unasked.clear()
      // Without the protocol's name the peer may be a browser led here by somebody else (ALPACA); PostgreSQL 17 insists as well.
      if (tls.alpnProtocol !== 'postgresql') throw intake.malformed('direct TLS without ALPN')
      continue
    }
    const packet = await packetBody(intake, head)
    const code = packet.int32()
    if (unasked.delete(code)) {
      packet.finish()
      // Bytes sent before the answer would be read as if they had come encrypted (A45).
      if (intake.ahead) throw intake.malformed('bytes in the clear behind an encryption request')
      if (code === SSL_REQUEST && gate.tls) {
        intake.stream.write('S')
        tls = await secure(intake, gate.tls)
        unasked.clear()
      } else intake.stream.write('N')
    } else if (code === CANCEL_REQUEST) return cancel(packet)
    else return startup({ stream: intake.stream, tls, packet, version: code, gate })
  }
}

/** What stands behind a start-up packet's length, which the server bounds by 10,000 as well (A50). */
async function packetBody(intake: Intake, head: Buffer): Promise<ByteReader> {
  const length = head.readUInt32BE() - 4
  if (length < 4 || length > STARTUP_BYTES) throw intake.malformed(`start-up packet of length ${length + 4}`)
  return new ByteReader(await intake.take(length))
}

/** Without a name for its sessions, OpenSSL breaks off with whoever resumes one where certificates are asked for; JDBC does resume. */
const SESSION_NAME = 'sluice postgres'

async function secure(intake: Intake, secureContext: SecureContext): Promise<TLSSocket> {
  secureContext.context.setSessionIdContext(SESSION_NAME)
  const tls = new TLSSocket(intake.stream as Duplex as ConstructorParameters<typeof TLSSocket>[0], {
    isServer: true,
    secureContext,
    // A certificate is a claim that identity judges; here only the possession of its key is proven.
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['postgresql'],
  })
  await intake.secure(tls, 'secure')
  return tls
}

/** Int32 process id, then the key to the end: 4 bytes in protocol 3.0, up to 256 in 3.2. */
function cancel(packet: ByteReader): Opening {
  if (packet.remaining < 4 + CANCEL_KEY_BYTES.least || packet.remaining > 4 + CANCEL_KEY_BYTES.most)
    return { kind: 'gone' }
  const processId = packet.int32()
  return { kind: 'cancel', processId, secret: Buffer.from(packet.view(packet.remaining)) }
}

function startup(opened: {
  stream: Duplex
  tls: TLSSocket | undefined
  packet: ByteReader
  version: number
  gate: Gate
}): Opening {
  const { stream, tls, packet, version, gate } = opened
  const minor = version & 0xffff
  if (version >>> 16 !== 3) throw new SluiceError('protocol.version', `${version >>> 16}.${minor}`)
  const { startup, unknownOptions } = readStartup(packet)
  if (!tls && !gate.loopback) throw new SluiceError('identity.plaintext')
  const protocolMinor = minor < NEWEST_MINOR ? 0 : NEWEST_MINOR
  if (minor > NEWEST_MINOR || unknownOptions.length > 0)
    stream.write(negotiateProtocolVersion(protocolMinor, unknownOptions))
  const certificate = tls?.getPeerX509Certificate()?.toString()
  const proof = certificate === undefined ? {} : { clientCertificate: certificate }
  return { kind: 'startup', stream, secure: tls !== undefined, protocolMinor, startup, ...proof }
}

/** Pairs of strings up to an empty name, which must be the last byte. Throws SluiceError for duplicates, bad layout or a parameter off the list. */
export function readStartup(packet: ByteReader): { startup: StartupParameters; unknownOptions: string[] } {
  const pairs = new Map<string, string>()
  const unknownOptions: string[] = []
  for (let name = packet.cstring(); name !== ''; name = packet.cstring()) {
    const value = packet.cstring()
    // Settings compare without case, so two spellings of one name are duplicates too. The server takes the last one; a reader of the first errs (A42, A43).
    const key = settingName(name)
    if (pairs.has(key)) throw new SluiceError('protocol.duplicate', name)
    pairs.set(key, value)
    if (name.startsWith('_pq_.')) unknownOptions.push(name)
    else if (key !== name && OWN_NAMES.has(key)) throw new SluiceError('protocol.parameter', name)
  }
  packet.finish()
  return { startup: startupParameters(pairs), unknownOptions }
}

/** Parameters that are not settings; the server knows them in lower case only. */
const OWN_NAMES: ReadonlySet<string> = new Set(['user', 'database', 'options', 'replication'])

function startupParameters(pairs: ReadonlyMap<string, string>): StartupParameters {
  const user = pairs.get('user')
  if (!user) throw new SluiceError('protocol.user')
  const database = pairs.get('database') || undefined
  for (const name of [user, database ?? ''])
    if (Buffer.byteLength(name) > NAME_BYTES * 2) throw new SluiceError('protocol.parameter', 'a name is too long')
  if (Buffer.byteLength(database ?? '') > NAME_BYTES)
    throw new SluiceError('protocol.parameter', 'database: longer than 63 bytes')
  const settings = new Map<string, string>()
  for (const [name, value] of readOptions(pairs.get('options') ?? '')) acceptSetting(settings, name, value)
  // The server applies direct parameters after options, so they win.
  for (const [name, value] of pairs)
    if (!OWN_NAMES.has(name) && !name.startsWith('_pq_.')) acceptSetting(settings, name, value)
  const applicationName = settings.get('application_name')
  settings.delete('application_name')
  const plus = user.lastIndexOf('+')
  return {
    user,
    upstreamUser: plus < 0 ? undefined : user.slice(0, plus),
    resource: user.slice(plus + 1),
    database: database === user ? undefined : database,
    applicationName,
    settings,
    replication: readReplication(pairs.get('replication')),
  }
}

/** `database`, or what parse_bool accepts; what is neither is refused by the server as well. */
function readReplication(value: string | undefined): boolean {
  if (value === undefined || /^(of|off|0|f|fa|fal|fals|false|n|no)$/i.test(value)) return false
  if (value === 'database' || isTrue(value)) return true
  throw new SluiceError('protocol.parameter', `replication ${value}`)
}
