import {
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hash,
  type KeyObject,
} from 'node:crypto'
import { SluiceError } from '../../kit/errors.ts'
import type { KeyExchange } from './transport-library.ts'

/** The post-quantum hybrid that OpenSSH 10 prefers and warns its user without: draft-ietf-sshm-mlkem-hybrid-kex. */
export const HYBRID = 'mlkem768x25519-sha256'
/** Same curve, same hash: the exchange of the library that the hybrid takes the place of. */
export const STAND_IN = 'curve25519-sha256'

/** FIPS 203, ML-KEM-768: encapsulation key and ciphertext; then X25519's public key (RFC 7748). */
const ENCAPSULATION_KEY_BYTES = 1184
const CIPHERTEXT_BYTES = 1088
const X25519_BYTES = 32

/** DER of a SubjectPublicKeyInfo up to the key itself. */
const MLKEM_HEAD = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')
const X25519_HEAD = Buffer.from('302a300506032b656e032100', 'hex')

/**
 * Makes a Curve25519 exchange of the library the hybrid one: C_INIT = encapsulation key ‖ X25519 key, S_REPLY = ciphertext ‖ X25519 key,
 * K = SHA-256(ML-KEM secret ‖ X25519 secret), encoded as a string (§2.4: not as an mpint).
 */
export function makeHybrid(exchange: KeyExchange, server: boolean): void {
  exchange.negotiated.kex = HYBRID
  const side = server ? new Responder() : new Initiator()
  exchange.convertPublicKey = (key) => key
  exchange.getPublicKey = () => side.publicPart
  exchange.computeSecret = (other) => {
    try {
      return side.secret(other)
    } catch (thrown) {
      return thrown as Error
    }
  }
}

/** The client's side. */
class Initiator {
  readonly #kem = generateKeyPairSync('ml-kem-768')
  readonly #curve = generateKeyPairSync('x25519')
  readonly publicPart = Buffer.concat([
    rawOf(this.#kem.publicKey, ENCAPSULATION_KEY_BYTES),
    rawOf(this.#curve.publicKey, X25519_BYTES),
  ])

  secret(reply: Buffer): Buffer {
    const [ciphertext, point] = parts(reply, CIPHERTEXT_BYTES)
    return combine(decapsulate(this.#kem.privateKey, ciphertext), curveSecret(this.#curve.privateKey, point))
  }
}

/** The server's side: its public part is an answer to the client's. */
class Responder {
  #reply: Buffer = Buffer.alloc(0)

  get publicPart(): Buffer {
    return this.#reply
  }

  secret(init: Buffer): Buffer {
    const [encapsulationKey, point] = parts(init, ENCAPSULATION_KEY_BYTES)
    const curve = generateKeyPairSync('x25519')
    // Reading the key makes the check FIPS 203 §7.2 asks for: every coefficient is reduced.
    const { sharedKey, ciphertext } = encapsulate(publicKey(MLKEM_HEAD, encapsulationKey))
    this.#reply = Buffer.concat([ciphertext, rawOf(curve.publicKey, X25519_BYTES)])
    return combine(sharedKey, curveSecret(curve.privateKey, point))
  }
}

function parts(bytes: Buffer, first: number): [Buffer, Buffer] {
  if (bytes.length !== first + X25519_BYTES)
    throw new SluiceError('protocol.malformed', `${HYBRID}: ${bytes.length} bytes`)
  return [bytes.subarray(0, first), bytes.subarray(first)]
}

/** An all-zero result, which a point of small order gives, is refused by Node's own check (RFC 7748 §6.1). */
function curveSecret(privateKey: KeyObject, point: Buffer): Buffer {
  return diffieHellman({ privateKey, publicKey: publicKey(X25519_HEAD, point) })
}

function combine(kem: Buffer, curve: Buffer): Buffer {
  return hash('sha256', Buffer.concat([kem, curve]), 'buffer')
}

function publicKey(head: Buffer, raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([head, raw]), format: 'der', type: 'spki' })
}

function rawOf(key: KeyObject, bytes: number): Buffer {
  return key.export({ type: 'spki', format: 'der' }).subarray(-bytes)
}
