import { SluiceError } from '../../kit/errors.ts'
import { SshReader } from '../../kit/ssh-wire.ts'
import { EARLY_MESSAGES, KEX_LIST_BYTES, REKEY_MS } from './limits.ts'
import { GcmCipher, GcmDecipher } from './transport-gcm.ts'
import { HYBRID, makeHybrid, STAND_IN } from './transport-hybrid.ts'
import { type HostKey, type KeyExchange, type PacketReader, sendMessage, type Wire } from './transport-library.ts'
import { KEX } from './transport-offer.ts'

/** RFC 4250 §4.1.2. */
const MESSAGE = { IGNORE: 2, EXT_INFO: 7, KEXINIT: 20, USERAUTH_REQUEST: 50, CONNECTION: 80 } as const

/** What may come from a client before it has proved itself, and after: transport, key exchange, user authentication towards a server. */
const FROM_CLIENT: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 7, 20, 21, ...range(30, 49), 50, 61])
/** What may come from a target: the answers to those. */
const FROM_TARGET: ReadonlySet<number> = new Set([1, 2, 3, 4, 6, 7, 20, 21, ...range(30, 49), 51, 52, 53, 60])

const METHODS: ReadonlySet<string> = new Set(['none', 'password', 'publickey', 'keyboard-interactive', 'hostbased'])
/** An SSH_MSG_IGNORE: what the library is given in place of a message that is dealt with here. */
const NOTHING = Buffer.from([MESSAGE.IGNORE, 0, 0, 0, 0])
const CERTIFIED = 'ssh-ed25519-cert-v01@openssh.com'
const PLAIN = 'ssh-ed25519'

/** What the guard of the gateway's own side shows and says. */
export interface GuardedServer {
  /** The host key, and the same under its certificate. */
  readonly hostKey: HostKey
  readonly certified: HostKey
  /** The client asks for a method this side has never heard of. */
  readonly unknownMethod: (request: { reject(methods?: readonly string[]): void }) => void
}

export interface GuardParts {
  /** Given on the gateway's side towards its clients. */
  readonly server: GuardedServer | undefined
  /** Takes encrypted bytes to the peer, and may keep them. */
  readonly write: (bytes: Buffer) => void
  /** A key exchange was begun and not finished. */
  readonly late: () => void
}

/**
 * Stands between the ciphers and ssh2 and sees every message first: refuses what has no place there, adds the key exchange and the host
 * certificates the library lacks. Throws SluiceError `protocol.malformed`; the library then ends the connection.
 */
export class Guard implements PacketReader {
  readonly #wire: Wire
  readonly #server: GuardedServer | undefined
  readonly #parts: GuardParts
  #kex: KeyExchange | undefined
  /** The KEXINIT as it came, where the library was given another. */
  #rewritten: Buffer | undefined
  #messages = 0
  #exchanges = 0
  #rekeying: NodeJS.Timeout | undefined
  /** The peer is authenticated: messages of the connection protocol may come. */
  admitted = false

  constructor(wire: Wire, parts: GuardParts) {
    this.#wire = wire
    this.#parts = parts
    this.#server = parts.server
    const { write } = wire._packetRW
    // Nothing is ever compressed, so the library's reader has nothing to do; it hands a new one in after every key exchange.
    const line = { write } as { write: typeof write; read: PacketReader }
    Object.defineProperty(line, 'read', { get: () => this, set: () => {} })
    wire._packetRW = line
    Object.defineProperty(wire, '_kex', { get: () => this.#kex, set: (kex?: KeyExchange) => this.#adopt(kex) })
  }

  /** Key exchanges completed. */
  get exchanges(): number {
    return this.#exchanges
  }

  cleanup(): void {
    clearTimeout(this.#rekeying)
  }

  /** The library has finished a key exchange. Throws `protocol.malformed` for one whose outcome is not safe. */
  exchanged(): void {
    clearTimeout(this.#rekeying)
    this.#exchanges++
    this.#quicken()
    const kex = this.#kex
    if (!kex) return
    const { cs, sc } = kex.negotiated
    // Prefix truncation (CVE-2023-48795) is possible with encrypt-then-MAC where a peer has no strict key exchange.
    if (!this.#wire._strictMode && [cs.mac, sc.mac].some((mac) => mac.includes('-etm@')))
      throw malformed('encrypt-then-MAC without strict key exchange (CVE-2023-48795)')
    if (this.#exchanges === 1 && this.#server && this.#wantsExtensions) this.#sayExtensions()
  }

  /** The library has just made its ciphers; nothing has passed them yet. */
  #quicken(): void {
    const wire = this.#wire
    if (wire._cipher._encSSLName?.endsWith('-gcm')) wire._cipher = new GcmCipher(wire._cipher, this.#parts.write)
    if (wire._decipher._decipherSSLName?.endsWith('-gcm')) wire._decipher = new GcmDecipher(wire._decipher)
  }

  #wantsExtensions = false

  #adopt(kex: KeyExchange | undefined): void {
    this.#kex = kex
    if (!kex) return
    if (this.#server) {
      this.#certify(kex, this.#server)
      // The library's own list of signature algorithms names SHA-1 and lacks a comma.
      Object.defineProperty(kex, 'remoteExtInfoEnabled', {
        get: () => false,
        set: (wants: boolean) => {
          this.#wantsExtensions = wants
        },
      })
    }
    if (this.#rewritten) {
      kex._remoteKexinit = this.#rewritten
      this.#rewritten = undefined
      makeHybrid(kex, this.#wire._server)
    }
  }

  /** The library looks the host key up by the algorithm's name, and signs under that name: a certificate's signature has the key's. */
  #certify({ negotiated }: KeyExchange, { hostKey, certified }: GuardedServer): void {
    const wanted = negotiated.serverHostKey === CERTIFIED
    if (wanted) negotiated.serverHostKey = PLAIN
    this.#wire._hostKeys = { [PLAIN]: wanted ? certified : hostKey }
  }

  /** EXT_INFO (RFC 8308 §2.3): uint32 count, string name, string value. */
  #sayExtensions(): void {
    const message = Buffer.concat([
      Buffer.from([MESSAGE.EXT_INFO, 0, 0, 0, 1]),
      ...['server-sig-algs', SIGNATURES].flatMap((text) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(text.length)
        return [length, Buffer.from(text)]
      }),
    ])
    sendMessage(this.#wire, message)
  }

  read(payload: Buffer): Buffer {
    const type = payload[0]!
    if (type === MESSAGE.KEXINIT) return this.#kexInit(payload)
    if (type >= MESSAGE.CONNECTION) {
      if (this.admitted) return payload
      throw malformed(`message ${type} before sign-in`)
    }
    if (!(this.#server ? FROM_CLIENT : FROM_TARGET).has(type)) throw malformed(`message ${type}`)
    if (!this.admitted && ++this.#messages > EARLY_MESSAGES) throw malformed('too many messages before sign-in')
    return type === MESSAGE.USERAUTH_REQUEST ? this.#authRequest(payload) : payload
  }

  #kexInit(payload: Buffer): Buffer {
    if (payload.length > KEX_LIST_BYTES) throw malformed('a key exchange of endless lists')
    clearTimeout(this.#rekeying)
    this.#rekeying = setTimeout(this.#parts.late, REKEY_MS)
    this.#rekeying.unref()
    const names = new SshReader(payload.subarray(17)).string()
    const theirs = names.toString('latin1').split(',')
    const [first, second] = this.#server ? [theirs, KEX] : [KEX, theirs]
    if (first.find((name) => second.includes(name)) !== HYBRID) return payload
    this.#rewritten = payload
    return withList(payload, names.length, theirs.map((name) => (name === HYBRID ? STAND_IN : name)).join(','))
  }

  /** The library hangs up on a method it does not know; RFC 4252 §5.1 wants a failure. */
  #authRequest(payload: Buffer): Buffer {
    const reader = new SshReader(payload.subarray(1))
    reader.string()
    reader.string()
    const method = reader.string().toString('latin1')
    if (METHODS.has(method)) return payload
    this.#wire._authsQueue.push(method)
    this.#server?.unknownMethod({ reject: (methods = []) => this.#wire.authFailure(methods) })
    return NOTHING
  }
}

const SIGNATURES = 'ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256'

/** A KEXINIT with another first list. */
function withList(payload: Buffer, length: number, list: string): Buffer {
  const head = Buffer.alloc(4)
  head.writeUInt32BE(list.length)
  return Buffer.concat([payload.subarray(0, 17), head, Buffer.from(list, 'latin1'), payload.subarray(17 + 4 + length)])
}

function malformed(detail: string): SluiceError {
  return new SluiceError('protocol.malformed', detail)
}

function* range(from: number, to: number): Generator<number> {
  for (let each = from; each <= to; each++) yield each
}
