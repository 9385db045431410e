import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { sha256 } from '../../kit/digest.ts'
import type { Secret } from '../../kit/secret.ts'
import { alternativeNames, authorityOnly, endEntity, writeCertificate } from '../../kit/x509.ts'
import { LIMITS } from '../limits.ts'
import { GATEWAY_NAME } from '../wire.ts'

const NAME = 'Sluice connectors'
const HOUR_MS = 3_600_000
/** RFC 5280 §4.1.2.5: no well-defined end. The authority ends with the installation's key. */
const NEVER_MS = Date.UTC(9999, 11, 31, 23, 59, 59)

/** Who a connector is, as its certificate says. */
export interface Holder {
  readonly name: string
  readonly id: string
  /** Of the certificate, hex. */
  readonly serial: string
}

export interface Authority {
  /** PEM. */
  readonly certificate: string
  /** SHA-256 of the public key, hex. */
  readonly digest: string
  /** Whom a connector's certificate names, when it is one of ours and holds now. That its sender has the key is TLS's to show. */
  holder(certificate: X509Certificate | undefined, now_ms: number): Holder | undefined
  /** A connector's certificate. */
  issue(holder: { readonly name: string; readonly id: string }, key: KeyObject, times: Lifetime): Issued
  /** The gateway's own, for its end of the tunnels. */
  gatewayPair(now_ms: number): { readonly cert: string; readonly key: string }
}

export interface Lifetime {
  readonly now_ms: number
  readonly lasts_ms: number
}

export interface Issued {
  readonly cert: string
  readonly serial: string
  readonly expires_ms: number
}

/** PKCS #8 of an Ed25519 seed (RFC 8410 §7) without the seed. */
const SEED_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * The authority that vouches for connectors, and to them for the gateway. Everything of it follows from the installation's seed (32 bytes in
 * base64), its certificate to the byte: gateways that share a store share it, and there is no file to lose.
 */
export function createAuthority(seed: Secret): Authority {
  const der = Buffer.concat([SEED_HEAD, Buffer.from(seed.reveal(), 'base64')])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey(key)
  const digest = sha256(publicKey.export({ type: 'spki', format: 'der' }))
  const issuer = `${NAME} ${digest.slice(0, 16)}`
  const certificate = writeCertificate({
    subject: issuer,
    issuer,
    serial: Buffer.from(digest.slice(0, 32), 'hex'),
    from_ms: 0,
    to_ms: NEVER_MS,
    publicKey,
    signer: key,
    extensions: authorityOnly(),
  })
  const write = (subject: string, of: KeyObject, times: Lifetime, extensions: Buffer[]): Issued => {
    const serial = randomBytes(16)
    serial[0] = (serial[0]! & 0x7f) | 0x40
    const expires_ms = Math.floor((times.now_ms + times.lasts_ms) / 1000) * 1000
    // An hour back: the other end's clock may run behind.
    const from_ms = times.now_ms - HOUR_MS
    const form = { subject, issuer, serial, from_ms, to_ms: expires_ms, publicKey: of, signer: key, extensions }
    return { cert: writeCertificate(form), serial: serial.toString('hex'), expires_ms }
  }
  return {
    certificate,
    digest,
    holder: (shown, now_ms) =>
      shown && vouchesFor(new X509Certificate(certificate), shown, now_ms) ? holderOf(shown) : undefined,
    issue: ({ name, id }, of, times) =>
      write(name, of, times, [alternativeNames({ uri: [uriOf(name, id)] }), ...endEntity('clientAuth')]),
    gatewayPair(now_ms) {
      const pair = generateKeyPairSync('ed25519')
      const extensions = [alternativeNames({ dns: [GATEWAY_NAME] }), ...endEntity('serverAuth')]
      const { cert } = write(
        GATEWAY_NAME,
        pair.publicKey,
        { now_ms, lasts_ms: LIMITS.gatewayCertificate_ms },
        extensions,
      )
      return { cert, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
    },
  }
}

const URI = /^URI:sluice:connector:([A-Za-z0-9][A-Za-z0-9._-]{0,62}):(con_[0-9a-z]{22})$/

function uriOf(name: string, id: string): string {
  return `sluice:connector:${name}:${id}`
}

/** For one hop: the authority issues end entities only. The gateway's own certificate is no connector's. */
function vouchesFor(authority: X509Certificate, shown: X509Certificate, now_ms: number): boolean {
  return (
    shown.checkIssued(authority) &&
    shown.verify(authority.publicKey) &&
    !shown.ca &&
    shown.keyUsage?.join() === CLIENT_AUTH &&
    shown.validFromDate.getTime() <= now_ms &&
    shown.validToDate.getTime() > now_ms
  )
}

const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'

function holderOf(certificate: X509Certificate): Holder | undefined {
  const match = URI.exec(certificate.subjectAltName ?? '')
  if (!match) return undefined
  return { name: match[1]!, id: match[2]!, serial: certificate.serialNumber.toLowerCase() }
}
