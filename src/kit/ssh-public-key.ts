import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto'
import { SluiceError } from './errors.ts'
import { SshReader } from './ssh-wire.ts'

/** RSA keys below this are refused (NIST SP 800-131A). */
const RSA_BITS = 2048

const CURVES: Readonly<Record<string, { readonly crv: string; readonly bytes: number; readonly hash: string }>> = {
  nistp256: { crv: 'P-256', bytes: 32, hash: 'sha256' },
  nistp384: { crv: 'P-384', bytes: 48, hash: 'sha384' },
  nistp521: { crv: 'P-521', bytes: 66, hash: 'sha512' },
}
/** SHA-1, `ssh-rsa` itself, is not among them. */
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-256': 'sha256', 'rsa-sha2-512': 'sha512' }

/** A public key as SSH writes it, ready to check signatures with. */
export interface SshPublicKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256` …, `ssh-rsa`. */
  readonly type: string
  readonly blob: Buffer
  /** Whether `signature` (RFC 4253 §6.6: string algorithm, string value) is this key's over `bytes`. SHA-1 never is. Never throws. */
  verifies(bytes: Buffer, signature: Buffer): boolean
}

/** Reads a public key. Throws SluiceError `protocol.malformed` for what is none, and for kinds and sizes that are not taken. */
export function readSshPublicKey(blob: Buffer): SshPublicKey {
  const reader = new SshReader(blob)
  const key = readKeyBody(reader.text(), reader)
  reader.end()
  return { ...key, blob }
}

/** Reads what follows the type's name in a key or a certificate. */
export function readKeyBody(type: string, reader: SshReader): Omit<SshPublicKey, 'blob'> {
  if (type === 'ssh-ed25519') return ed25519(reader)
  if (type === 'ssh-rsa') return rsa(reader)
  if (type.startsWith('ecdsa-sha2-')) return ecdsa(type, reader)
  throw malformed(`a key of type ${type.slice(0, 40)}`)
}

/** string key (RFC 8709 §4). */
function ed25519(reader: SshReader): Omit<SshPublicKey, 'blob'> {
  const raw = reader.string()
  if (raw.length !== 32) throw malformed('an Ed25519 key has 32 bytes')
  const key = keyOf({ kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') })
  return {
    type: 'ssh-ed25519',
    verifies: checked((algorithm, value, bytes) => algorithm === 'ssh-ed25519' && verify(null, bytes, key, value)),
  }
}

/** mpint e, mpint n (RFC 4253 §6.6). */
function rsa(reader: SshReader): Omit<SshPublicKey, 'blob'> {
  const [e, n] = [magnitude(reader.string()), magnitude(reader.string())]
  const bits = n.length * 8 - Math.clz32(n[0] ?? 0) + 24
  if (bits < RSA_BITS || bits > 16_384 || e.length > 8) throw malformed(`an RSA key of ${bits} bits`)
  const key = keyOf({ kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') })
  return {
    type: 'ssh-rsa',
    verifies: checked((algorithm, value, bytes) => {
      const hash = RSA_HASHES[algorithm]
      return hash !== undefined && verify(hash, bytes, key, value)
    }),
  }
}

/** string curve, string point (RFC 5656 §3.1). */
function ecdsa(type: string, reader: SshReader): Omit<SshPublicKey, 'blob'> {
  const name = reader.text()
  const curve = CURVES[name]
  const point = reader.string()
  if (!curve || type !== `ecdsa-sha2-${name}`) throw malformed(`a key of type ${type.slice(0, 40)}`)
  const { crv, bytes, hash } = curve
  if (point.length !== 1 + 2 * bytes || point[0] !== 4) throw malformed('a point that is not uncompressed')
  const [x, y] = [point.subarray(1, 1 + bytes), point.subarray(1 + bytes)]
  const key = keyOf({ kty: 'EC', crv, x: x.toString('base64url'), y: y.toString('base64url') })
  return {
    type,
    verifies: checked((algorithm, value, signed) => {
      if (algorithm !== type) return false
      const inner = new SshReader(value)
      const [r, s] = [fixed(inner.string(), bytes), fixed(inner.string(), bytes)]
      inner.end()
      return verify(hash, signed, { key, dsaEncoding: 'ieee-p1363' }, Buffer.concat([r, s]))
    }),
  }
}

type Check = (algorithm: string, value: Buffer, bytes: Buffer) => boolean

/** Reads string algorithm, string value; what cannot be read is no signature. */
function checked(check: Check): SshPublicKey['verifies'] {
  return (bytes, signature) => {
    try {
      const reader = new SshReader(signature)
      const [algorithm, value] = [reader.text(), reader.string()]
      reader.end()
      return check(algorithm, value, bytes)
    } catch {
      return false
    }
  }
}

function keyOf(jwk: JsonWebKey): KeyObject {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch (cause) {
    throw new SluiceError('protocol.malformed', 'not a public key', { cause })
  }
}

/** A positive mpint without its leading zeros. */
function magnitude(mpint: Buffer): Buffer {
  let from = 0
  while (from < mpint.length && mpint[from] === 0) from++
  return mpint.subarray(from)
}

function fixed(mpint: Buffer, bytes: number): Buffer {
  const value = magnitude(mpint)
  if (value.length > bytes) throw malformed('a number that is too large')
  return Buffer.concat([Buffer.alloc(bytes - value.length), value])
}

function malformed(detail: string): SluiceError {
  return new SluiceError('protocol.malformed', detail)
}
