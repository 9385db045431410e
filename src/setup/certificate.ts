import { generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

const DAY_MS = 86_400_000
/** What TLS clients accept at most of a certificate nobody but the user vouches for. */
const VALID_MS = 825 * DAY_MS
const RENEW_MS = 30 * DAY_MS

/** A certificate and its key, both PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** The gateway's own certificate in `folder`, made once and made anew a month before it ends, so that `sslmode=require` works without any setting. */
export function ownCertificate(folder: string, now_ms: number): KeyPair {
  const path = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  try {
    const pair = { cert: readFileSync(path.cert, 'utf8'), key: readFileSync(path.key, 'utf8') }
    if (new X509Certificate(pair.cert).validToDate.getTime() - now_ms > RENEW_MS) return pair
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = selfSigned(['localhost', hostname()], now_ms)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  replace(path.key, made.key, 0o600)
  replace(path.cert, made.cert, 0o644)
  return made
}

function replace(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}

/** A self-signed P-256 server certificate for the names and the loopback addresses (RFC 5280, RFC 5480). */
export function selfSigned(names: readonly string[], now_ms: number): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const subject = sequence(set(sequence(OID.commonName, utf8(`Sluice on ${names.at(-1)}`))))
  const algorithm = sequence(OID.ecdsaWithSha256)
  const toBeSigned = sequence(
    explicit(0, integer(Buffer.from([2]))), // version 3
    integer(randomBytes(16)),
    algorithm,
    subject, // the issuer is the subject
    sequence(time(now_ms - DAY_MS), time(now_ms + VALID_MS)), // a clock that runs a little behind still accepts it
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(names))),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const der = sequence(toBeSigned, algorithm, bits(0, signature))
  const body = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${body}-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

function extensions(names: readonly string[]): Buffer[] {
  const addresses = [Buffer.from([127, 0, 0, 1]), Buffer.concat([Buffer.alloc(15), Buffer.from([1])])]
  const alternatives = [
    ...names.map((name) => tlv(0x82, Buffer.from(name, 'ascii'))),
    ...addresses.map((address) => tlv(0x87, address)),
  ]
  return [
    extension(OID.subjectAltName, sequence(...alternatives)),
    extension(OID.basicConstraints, sequence(), true), // not a CA
    extension(OID.keyUsage, bits(7, Buffer.from([0x80])), true), // digitalSignature
    extension(OID.extendedKeyUsage, sequence(OID.serverAuth)),
  ]
}

function extension(oid: Buffer, value: Buffer, critical = false): Buffer {
  return sequence(oid, ...(critical ? [tlv(0x01, Buffer.from([0xff]))] : []), tlv(0x04, value))
}

const oid = (hex: string) => tlv(0x06, Buffer.from(hex, 'hex'))
const OID = {
  ecdsaWithSha256: oid('2a8648ce3d040302'),
  commonName: oid('550403'),
  subjectAltName: oid('551d11'),
  basicConstraints: oid('551d13'),
  keyUsage: oid('551d0f'),
  extendedKeyUsage: oid('551d25'),
  serverAuth: oid('2b06010505070301'),
}

/** One DER element (X.690 §8.1): tag, length in the shortest form, content. */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length.toString(16).padStart(content.length > 0xff ? 4 : 2, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, ...parts)
}
function set(...parts: readonly Buffer[]): Buffer {
  return tlv(0x31, ...parts)
}
function explicit(number: number, part: Buffer): Buffer {
  return tlv(0xa0 | number, part)
}
function utf8(text: string): Buffer {
  return tlv(0x0c, Buffer.from(text))
}
function bits(unused: number, content: Buffer): Buffer {
  return tlv(0x03, Buffer.from([unused]), content)
}
/** A positive INTEGER in the shortest form: no leading zero byte but the one that keeps the sign. */
function integer(magnitude: Buffer): Buffer {
  const first = magnitude.findIndex((byte) => byte !== 0)
  const digits = magnitude.subarray(first < 0 ? magnitude.length - 1 : first)
  return tlv(0x02, digits[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}
/** UTCTime until 2049, GeneralizedTime after (RFC 5280 §4.1.2.5). */
function time(at_ms: number): Buffer {
  const digits = `${new Date(at_ms).toISOString().slice(0, 19).replace(/\D/g, '')}Z`
  return Number(digits.slice(0, 4)) < 2050 ? tlv(0x17, Buffer.from(digits.slice(2))) : tlv(0x18, Buffer.from(digits))
}
