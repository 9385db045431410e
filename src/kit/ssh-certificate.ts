import { randomBytes } from 'node:crypto'
import { SluiceError } from './errors.ts'
import type { Ed25519Key } from './ssh-key.ts'
import { readKeyBody, readSshPublicKey, type SshPublicKey } from './ssh-public-key.ts'
import { SshReader, sshString, sshUint32, sshUint64 } from './ssh-wire.ts'

/** OpenSSH's certificates: PROTOCOL.certkeys, 2024-12 edition. */
const SUFFIX = '-cert-v01@openssh.com'
const USER = 1
const HOST = 2

/** What a certificate says. Its issuer's signature has been checked; whether the issuer is to be believed, and the time, have not. */
export interface SshCertificate {
  /** The certified key. */
  readonly key: Omit<SshPublicKey, 'blob'>
  /** The issuer's public key. */
  readonly issuer: Buffer
  readonly serial: bigint
  readonly kind: 'user' | 'host'
  readonly keyId: string
  readonly principals: readonly string[]
  /** Seconds since the epoch: holds from `after` on and before `before`. */
  readonly after: bigint
  readonly before: bigint
  readonly criticalOptions: readonly string[]
}

/** True for the name of a certificate's type or signature algorithm. */
export function isCertificateType(type: string): boolean {
  return type.endsWith(SUFFIX)
}

/** Reads a certificate and checks its issuer's signature. Throws SluiceError `protocol.malformed` for anything that is not one. */
export function readSshCertificate(blob: Buffer): SshCertificate {
  const reader = new SshReader(blob)
  const type = reader.text()
  if (!isCertificateType(type)) throw malformed('not a certificate')
  reader.string() // nonce
  const key = readKeyBody(type.slice(0, -SUFFIX.length), reader)
  const serial = reader.uint64()
  const kind = reader.uint32()
  if (kind !== USER && kind !== HOST) throw malformed(`a certificate of kind ${kind}`)
  const keyId = reader.text()
  const principals = texts(reader.string())
  const [after, before] = [reader.uint64(), reader.uint64()]
  const criticalOptions = optionNames(reader.string())
  optionNames(reader.string())
  reader.string() // reserved
  const issuer = reader.string()
  const signed = blob.subarray(0, blob.length - reader.remaining)
  const signature = reader.string()
  reader.end()
  // An issuer that is itself a certificate is not read as a key: chains are not allowed.
  if (!readSshPublicKey(issuer).verifies(signed, signature)) throw malformed('a certificate with a false signature')
  return {
    key,
    issuer: Buffer.from(issuer),
    serial,
    kind: kind === USER ? 'user' : 'host',
    keyId,
    principals,
    after,
    before,
    criticalOptions,
  }
}

export interface CertificateContent {
  readonly kind: 'user' | 'host'
  /** The public key to certify, Ed25519 or any other type that can be read. */
  readonly key: Buffer
  readonly serial: bigint
  readonly keyId: string
  readonly principals: readonly string[]
  /** Seconds since the epoch. */
  readonly after: number
  readonly before: number
  /** Names of extensions without a value; sorted. */
  readonly extensions?: readonly string[]
}

/** Signs a certificate and returns it as SSH writes it. Throws `protocol.malformed` for a key that cannot be read. */
export function signSshCertificate(issuer: Ed25519Key, content: CertificateContent): Buffer {
  if (content.principals.length === 0) throw new RangeError('a certificate without principals is good for everyone')
  const key = readSshPublicKey(content.key)
  const body = content.key.subarray(4 + key.type.length)
  const signed = Buffer.concat([
    sshString(key.type + SUFFIX),
    sshString(randomBytes(32)),
    body,
    sshUint64(content.serial),
    sshUint32(content.kind === 'user' ? USER : HOST),
    sshString(content.keyId),
    sshString(Buffer.concat(content.principals.map((name) => sshString(name)))),
    sshUint64(BigInt(content.after)),
    sshUint64(BigInt(content.before)),
    sshString(''),
    sshString(Buffer.concat((content.extensions ?? []).flatMap((name) => [sshString(name), sshString('')]))),
    sshString(''),
    sshString(issuer.blob),
  ])
  return Buffer.concat([signed, sshString(issuer.sign(signed))])
}

/** The line of a `-cert.pub` file. */
export function certificateLine(certificate: Buffer, comment = ''): string {
  const type = new SshReader(certificate).text()
  return `${type} ${certificate.toString('base64')}${comment && ` ${comment}`}`
}

function texts(bytes: Buffer): string[] {
  const reader = new SshReader(bytes)
  const all: string[] = []
  while (reader.remaining > 0) all.push(reader.text())
  return all
}

function optionNames(bytes: Buffer): string[] {
  const reader = new SshReader(bytes)
  const names: string[] = []
  while (reader.remaining > 0) {
    names.push(reader.text())
    reader.string()
  }
  return names
}

function malformed(detail: string): SluiceError {
  return new SluiceError('protocol.malformed', detail)
}
