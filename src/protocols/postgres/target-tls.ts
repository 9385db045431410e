import type { Duplex } from 'node:stream'
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls'
import { sha256 } from '../../kit/digest.ts'
import { SluiceError } from '../../kit/errors.ts'
import { Lru } from '../../kit/lru.ts'
import type { Upstream } from '../contract.ts'
import type { Intake } from './intake.ts'
import { TARGET_CONTEXTS } from './limits.ts'
import { sslRequest } from './messages.ts'

const ACCEPTED = 'S'.charCodeAt(0)

/**
 * Encrypts the leg to the target as its `tls.mode` says; `disable` leaves it as it is. There is no mode that would go on in the clear when the
 * target declines (A47). Throws SluiceError `target.tls_declined`, `target.tls_failed` or `target.tls_files`.
 */
export async function secureTarget(intake: Intake, upstream: Upstream): Promise<TLSSocket | undefined> {
  if (upstream.tls.mode === 'disable') return undefined
  intake.stream.write(sslRequest())
  const [answer] = await intake.take(1)
  if (answer !== ACCEPTED) throw new SluiceError('target.tls_declined', 'the answer to SSLRequest is no')
  if (intake.ahead) throw intake.malformed('bytes in the clear behind the answer to SSLRequest')
  const tls = connect(tlsOptions(intake.stream, upstream))
  try {
    await intake.secure(tls, 'secureConnect')
  } catch (cause) {
    if (cause instanceof SluiceError && cause.code === 'target.left')
      throw new SluiceError('target.tls_failed', cause.detail, { cause })
    throw cause
  }
  return tls
}

function tlsOptions(socket: Duplex, upstream: Upstream): ConnectionOptions {
  const { tls, host } = upstream
  const name = tls.serverName ?? host
  return {
    socket,
    secureContext: contextOf(upstream),
    ALPNProtocols: ['postgresql'],
    // As in libpq, an authority that is given is used, even where the mode would not ask for one.
    rejectUnauthorized: tls.mode !== 'require' || tls.ca !== undefined,
    checkServerIdentity:
      tls.mode === 'verify-full' ? (_, certificate) => checkServerIdentity(name, certificate) : () => undefined,
    // Server Name Indication carries names only.
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
  }
}

/** Contexts by a digest of what they are made of: parsing certificates for every session would cost more than the handshake. */
const contexts = new Lru<string, SecureContext>(TARGET_CONTEXTS)

function contextOf({ tls, pem = {} }: Upstream): SecureContext {
  const { ca, cert, key } = pem
  if ((tls.ca && !ca) || (tls.cert && !cert) || (tls.key && !key))
    throw new SluiceError('target.tls_files', 'a file was not loaded')
  const digest = sha256(JSON.stringify([ca, cert, key?.reveal()]))
  const known = contexts.get(digest)
  if (known) return known
  const fresh = parsed({ ca, cert, key: key?.reveal(), minVersion: 'TLSv1.2' })
  contexts.set(digest, fresh)
  return fresh
}

function parsed(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options)
  } catch (cause) {
    throw new SluiceError('target.tls_files', (cause as Error).message, { cause })
  }
}
