import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { SluiceError } from '../kit/errors.ts'
import type { Hash } from './tree.ts'

/** Signed notes and checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), Ed25519 only. */

const ED25519 = 0x01
const DASH = '—'
/** Longest note that is read; a checkpoint with a dozen witnesses is far shorter. */
const NOTE_units = 100_000

export interface VerifierKey {
  readonly name: string
  /** Eight hex digits. */
  readonly id: string
  readonly key: KeyObject
}

export interface SignerKey extends VerifierKey {
  readonly secret: KeyObject
}

export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Hash
}

function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: 'jwk' })
  return Buffer.from(x ?? '', 'base64url')
}

function keyId(name: string, raw: Buffer): string {
  const text = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), raw])
  return hash('sha256', text, 'hex').slice(0, 8)
}

/** A key's name is the log's origin: not empty, no spaces, no plus, no control characters. */
export function checkOrigin(origin: string): void {
  if (!/^[^\s+\p{Cc}]{1,200}$/u.test(origin)) {
    throw new SluiceError(
      'config.invalid',
      `the ledger's origin "${origin}" must be one word without "+", such as gateway.example/ledger`,
    )
  }
}

/** Throws `config.invalid` for anything but an Ed25519 private key in PEM. */
export function signerKey(origin: string, pem: string): SignerKey {
  checkOrigin(origin)
  let secret: KeyObject
  try {
    secret = createPrivateKey(pem)
  } catch (cause) {
    throw new SluiceError('config.invalid', 'the ledger key is not a PEM private key', { cause })
  }
  if (secret.asymmetricKeyType !== 'ed25519')
    throw new SluiceError('config.invalid', 'the ledger key is not an Ed25519 key')
  const key = createPublicKey(secret)
  return { name: origin, id: keyId(origin, rawPublicKey(key)), key, secret }
}

/** The text form others verify with: `<name>+<key id>+<base64 of type byte and key>`. */
export function formatVerifierKey(key: VerifierKey): string {
  return `${key.name}+${key.id}+${Buffer.concat([Buffer.of(ED25519), rawPublicKey(key.key)]).toString('base64')}`
}

/** Throws `config.invalid` unless the text is an Ed25519 verifier key whose id fits. */
export function parseVerifierKey(text: string): VerifierKey {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim())
  const bytes = Buffer.from(match?.[3] ?? '', 'base64')
  const [, name = '', id = ''] = match ?? []
  const raw = bytes.subarray(1)
  if (bytes.length !== 33 || bytes[0] !== ED25519 || keyId(name, raw) !== id) {
    throw new SluiceError('config.invalid', 'not a ledger public key: it looks like name+0a1b2c3d+AQ…')
  }
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
  return { name, id, key }
}

export function signCheckpoint(key: SignerKey, size: number, root: Hash): string {
  const text = `${key.name}\n${size}\n${Buffer.from(root, 'latin1').toString('base64')}\n`
  const signature = Buffer.concat([Buffer.from(key.id, 'hex'), sign(null, Buffer.from(text), key.secret)])
  return `${text}\n${DASH} ${key.name} ${signature.toString('base64')}\n`
}

/** Reads a checkpoint without trusting it. Undefined when it is not one. */
export function parseCheckpoint(note: string): Checkpoint | undefined {
  const [origin = '', size = '', root = ''] = note.split('\n', 3)
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size)) return undefined
  const bytes = Buffer.from(root, 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== root) return undefined
  return { origin, size: Number(size), root: bytes.toString('latin1') }
}

/**
 * A note's text, if this key signed it. Signatures of others are ignored, as the specification asks; one of ours that does not verify
 * rejects the note.
 */
export function openNote(note: string, key: VerifierKey): string | undefined {
  const cut = note.lastIndexOf('\n\n')
  if (cut < 0 || note.length > NOTE_units || !note.endsWith('\n')) return undefined
  const text = note.slice(0, cut + 1)
  let signed = false
  for (const line of note.slice(cut + 2, -1).split('\n')) {
    const [dash, name, base64 = '', ...more] = line.split(' ')
    if (dash !== DASH || more.length > 0) return undefined
    const bytes = Buffer.from(base64, 'base64')
    if (name !== key.name || bytes.toString('hex', 0, 4) !== key.id) continue
    if (!verify(null, Buffer.from(text), key.key, bytes.subarray(4))) return undefined
    signed = true
  }
  return signed ? text : undefined
}

/** The checkpoint, if this key signed it and it is of this key's log. */
export function openCheckpoint(note: string, key: VerifierKey): Checkpoint | undefined {
  const text = openNote(note, key)
  const checkpoint = text === undefined ? undefined : parseCheckpoint(text)
  return checkpoint?.origin === key.name ? checkpoint : undefined
}
