import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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
  const name = `Sluice on ${names.at(-1)}`
  const addresses = [Buffer.from([127, 0, 0, 1]), Buffer.concat([Buffer.alloc(15), Buffer.from([1])])]
  const cert = writeCertificate({
    subject: name,
    issuer: name,
    serial: randomBytes(16),
    from_ms: now_ms - DAY_MS, // a clock that runs a little behind still accepts it
    to_ms: now_ms + VALID_MS,
    publicKey,
    signer: privateKey,
    extensions: [alternativeNames({ dns: names, addresses }), ...endEntity('serverAuth')],
  })
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}
