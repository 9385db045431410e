import { type KeyObject, sign } from 'node:crypto'
import { bits, explicit, integer, octets, oid, sequence, set, TRUE, time, tlv, utf8 } from './der.ts'

/** What a certificate says (RFC 5280 §4.1). */
export interface CertificateForm {
  /** Common names. */
  readonly subject: string
  readonly issuer: string
  /** A positive number, 1 to 19 bytes. */
  readonly serial: Buffer
  readonly from_ms: number
  readonly to_ms: number
  readonly publicKey: KeyObject
  /** The issuer's key: P-256 or Ed25519. */
  readonly signer: KeyObject
  readonly extensions: readonly Buffer[]
}

/** Writes and signs a certificate, PEM. */
export function writeCertificate(form: CertificateForm): string {
  const ed25519 = form.signer.asymmetricKeyType === 'ed25519'
  const algorithm = sequence(ed25519 ? OID.ed25519 : OID.ecdsaWithSha256)
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))), // version 3
    integer(form.serial),
    algorithm,
    name(form.issuer),
    sequence(time(form.from_ms), time(form.to_ms)),
    name(form.subject),
    form.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...form.extensions)),
  )
  const signature = sign(ed25519 ? null : 'sha256', toBeSigned, form.signer)
  const der = sequence(toBeSigned, algorithm, bits(0, signature))
  const body = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----\n`
}

function name(common: string): Buffer {
  return sequence(set(sequence(OID.commonName, utf8(common))))
}

/** Names a certificate stands for: ASCII. `addresses` are 4 or 16 bytes each. */
export function alternativeNames(names: {
  readonly dns?: readonly string[]
  readonly uri?: readonly string[]
  readonly addresses?: readonly Buffer[]
}): Buffer {
  const { dns = [], uri = [], addresses = [] } = names
  return extension(
    OID.subjectAltName,
    sequence(
      ...dns.map((each) => tlv(0x82, Buffer.from(each, 'ascii'))),
      ...uri.map((each) => tlv(0x86, Buffer.from(each, 'ascii'))),
      ...addresses.map((each) => tlv(0x87, each)),
    ),
  )
}

/** A certificate that may not issue others, for one use. */
export function endEntity(use: 'serverAuth' | 'clientAuth'): Buffer[] {
  return [
    extension(OID.basicConstraints, sequence(), true),
    extension(OID.keyUsage, bits(7, Buffer.from([0x80])), true), // digitalSignature
    extension(OID.extendedKeyUsage, sequence(OID[use])),
  ]
}

/** An authority that issues end entities only. */
export function authorityOnly(): Buffer[] {
  return [
    extension(OID.basicConstraints, sequence(TRUE, integer(Buffer.from([0]))), true),
    extension(OID.keyUsage, bits(2, Buffer.from([0x04])), true), // keyCertSign
  ]
}

function extension(id: Buffer, value: Buffer, critical = false): Buffer {
  return sequence(id, ...(critical ? [TRUE] : []), octets(value))
}

const OID = {
  ecdsaWithSha256: oid('2a8648ce3d040302'),
  ed25519: oid('2b6570'),
  commonName: oid('550403'),
  subjectAltName: oid('551d11'),
  basicConstraints: oid('551d13'),
  keyUsage: oid('551d0f'),
  extendedKeyUsage: oid('551d25'),
  serverAuth: oid('2b06010505070301'),
  clientAuth: oid('2b06010505070302'),
}
