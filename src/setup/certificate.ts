import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP, isIPv4 } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { alternativeNames, endEntity, writeCertificate } from '../kit/x509.ts'

const DAY_MS = 86_400_000
/** What TLS clients accept at most of a certificate nobody but the user vouches for. */
const VALID_MS = 825 * DAY_MS
const RENEW_MS = 30 * DAY_MS

/** A certificate and its key, both PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/**
 * The gateway's own certificate in `folder`, so that TLS works without any setting. Made once; made anew a month before it ends, and when it
 * lacks one of `names`, the names and addresses clients reach the gateway by.
 */
export function ownCertificate(folder: string, names: readonly string[], now_ms: number): KeyPair {
  const path = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  try {
    const pair = { cert: readFileSync(path.cert, 'utf8'), key: readFileSync(path.key, 'utf8') }
    const kept = new X509Certificate(pair.cert)
    const has = (name: string) => (isIP(name) ? kept.checkIP(name) : kept.checkHost(name)) !== undefined
    if (kept.validToDate.getTime() - now_ms > RENEW_MS && names.every(has)) return pair
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const made = selfSigned([...new Set([...names, 'localhost', hostname()])], now_ms)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  replace(path.key, made.key, 0o600)
  replace(path.cert, made.cert, 0o644)
  return made
}

function replace(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}

/** A self-signed P-256 server certificate for the names, which may be addresses, and the loopback addresses (RFC 5280, RFC 5480). */
export function selfSigned(names: readonly string[], now_ms: number): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = `Sluice on ${names.at(-1)}`
  const addresses = [...new Set(['127.0.0.1', '::1', ...names.filter((each) => isIP(each))])].map(octetsOf)
  const cert = writeCertificate({
    subject: name,
    issuer: name,
    serial: randomBytes(16),
    from_ms: now_ms - DAY_MS, // a clock that runs a little behind still accepts it
    to_ms: now_ms + VALID_MS,
    publicKey,
    signer: privateKey,
    extensions: [alternativeNames({ dns: names.filter((each) => !isIP(each)), addresses }), ...endEntity('serverAuth')],
  })
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

/** An address as a certificate holds it: four or sixteen octets. */
function octetsOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  // A URL writes IPv6 in its shortest form, without a dotted end.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const end = groups(tail ?? '')
  const start = groups(head)
  const all = [...start, ...Array<string>(8 - start.length - end.length).fill('0'), ...end]
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
