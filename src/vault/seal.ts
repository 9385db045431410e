import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import { Secret } from '../kit/secret.ts'

const ALGORITHM = 'aes-256-gcm'
const KEY_BYTES = 32
const IV_BYTES = 12
const TAG_BYTES = 16

/** The key that wraps every data key: 32 bytes. */
export interface MasterKey {
  /** Names the key without telling it. */
  readonly id: string
  readonly key: Secret
}

/** A secret under its own data key, which is wrapped by the master key. Both parts are base64 of iv, tag and ciphertext. */
export interface Sealed {
  readonly key_id: string
  readonly wrapped: string
  readonly sealed: string
}

/** Reads a master key from base64 or hex text. Throws `config.invalid` unless it is 32 bytes. */
export function masterKey(text: string): MasterKey {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed, /^[0-9a-f]{64}$/i.test(trimmed) ? 'hex' : 'base64')
  if (bytes.length !== KEY_BYTES) throw new SluiceError('config.invalid', 'a master key is 32 bytes, in base64 or hex')
  return {
    id: sha256(Buffer.concat([Buffer.from('sluice master key\0'), bytes])).slice(0, 16),
    key: new Secret(bytes.toString('base64')),
  }
}

/** A new random key, in base64. */
export function randomKey(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}

/** Envelope encryption. The name is authenticated with both parts: a row cannot pass for another. */
export function seal(master: MasterKey, name: string, value: Secret): Sealed {
  const dataKey = randomBytes(KEY_BYTES)
  const wrapped = encrypt(Buffer.from(master.key.reveal(), 'base64'), `key\0${name}`, dataKey)
  const sealed = encrypt(dataKey, `secret\0${name}`, Buffer.from(value.reveal()))
  dataKey.fill(0)
  return { key_id: master.id, wrapped, sealed }
}

/** Opens what `seal` made. Throws `vault.key` when the key or the row is not the one it was sealed with. */
export function unseal(master: MasterKey, name: string, { key_id, wrapped, sealed }: Sealed): Secret {
  if (key_id !== master.id) throw new SluiceError('vault.key', `sealed with key ${key_id}, this is ${master.id}`)
  try {
    const dataKey = decrypt(Buffer.from(master.key.reveal(), 'base64'), `key\0${name}`, wrapped)
    const value = new Secret(decrypt(dataKey, `secret\0${name}`, sealed).toString())
    dataKey.fill(0)
    return value
  } catch (cause) {
    throw new SluiceError('vault.key', `${name} does not open`, { cause })
  }
}

function encrypt(key: Buffer, aad: string, clear: Buffer): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(aad))
  const body = Buffer.concat([cipher.update(clear), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64')
}

function decrypt(key: Buffer, aad: string, text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  const iv = bytes.subarray(0, IV_BYTES)
  const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)
  // The tag's length is fixed here: GCM would else accept a shorter, forgeable one.
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(aad))
    .setAuthTag(tag)
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
}
