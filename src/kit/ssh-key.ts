import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { Secret } from './secret.ts'
import { sshString, sshUint32 } from './ssh-wire.ts'

const ED25519 = 'ssh-ed25519'
/** DER of a PKCS #8 PrivateKeyInfo for Ed25519 (RFC 8410 §7) up to the seed's 32 bytes. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED_BYTES = 32

/** An Ed25519 key of our own, kept as its seed. */
export class Ed25519Key {
  readonly #seed: Secret
  readonly #key: KeyObject
  readonly #raw: Buffer
  /** The public key as SSH writes it (RFC 8709 §4). */
  readonly blob: Buffer

  /** `seed`: 32 bytes in base64. */
  constructor(seed: Secret) {
    const bytes = Buffer.from(seed.reveal(), 'base64')
    if (bytes.length !== SEED_BYTES) throw new RangeError('a seed has 32 bytes')
    this.#seed = seed
    this.#key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, bytes]), format: 'der', type: 'pkcs8' })
    this.#raw = Buffer.from(createPublicKey(this.#key).export({ format: 'jwk' }).x!, 'base64url')
    this.blob = Buffer.concat([sshString(ED25519), sshString(this.#raw)])
  }

  static fresh(): Ed25519Key {
    return new Ed25519Key(new Secret(randomBytes(SEED_BYTES).toString('base64')))
  }

  /** The 32 bytes of the public key, without SSH's framing. */
  get raw(): Buffer {
    return this.#raw
  }

  /** A signature as SSH writes it (RFC 8709 §6). */
  sign(bytes: Buffer): Buffer {
    return Buffer.concat([sshString(ED25519), sshString(sign(null, bytes, this.#key))])
  }

  /** The line of an authorized_keys or known_hosts file, without its host. */
  publicLine(comment = ''): string {
    return `${ED25519} ${this.blob.toString('base64')}${comment && ` ${comment}`}`
  }

  /** The private key in OpenSSH's own format, unencrypted (PROTOCOL.key). */
  privateText(comment = ''): Secret {
    const check = sshUint32(randomBytes(4).readUInt32BE())
    const seed = Buffer.from(this.#seed.reveal(), 'base64')
    const inner = [check, check, this.blob, sshString(Buffer.concat([seed, this.#raw])), sshString(comment)]
    const length = inner.reduce((sum, part) => sum + part.length, 0)
    const padding = Buffer.from(Array.from({ length: (8 - (length % 8)) % 8 }, (_, i) => i + 1))
    const file = Buffer.concat([
      Buffer.from('openssh-key-v1\0'),
      sshString('none'),
      sshString('none'),
      sshString(''),
      sshUint32(1),
      sshString(this.blob),
      sshString(Buffer.concat([...inner, padding])),
    ])
    const lines = file.toString('base64').replace(/.{70}/g, '$&\n')
    return new Secret(`-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`)
  }
}
