import type { Duplex } from 'node:stream'
import {
  type ConnectionOptions,
  checkServerIdentity,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import { SluiceError } from '../../kit/errors.ts'
import type { Upstream } from '../contract.ts'
import type { Intake } from './intake.ts'
import { sslRequest } from './messages.ts'

const ACCEPTED = 'S'.charCodeAt(0)

/**
 * Encrypts the leg to the target as its `tls.mode` says; `disable` leaves it as it is. There is no mode that would go on in the clear when the
 * target declines (A47). Throws SluiceError `target.login` when it declines or its certificate does not hold.
 */
export async function secureTarget(intake: Intake, upstream: Upstream): Promise<TLSSocket | undefined> {
  if (upstream.tls.mode === 'disable') return undefined
  intake.stream.write(sslRequest())
  const [answer] = await intake.take(1)
  if (answer !== ACCEPTED) throw new SluiceError('target.login', 'the target declines TLS')
  if (intake.ahead) throw intake.malformed('bytes in the clear behind the answer to SSLRequest')
  const tls = connect(tlsOptions(intake.stream, upstream))
  try {
    await intake.secure(tls, 'secureConnect')
  } catch (cause) {
    if (cause instanceof SluiceError && cause.code === 'target.left')
      throw new SluiceError('target.login', `TLS: ${cause.detail}`, { cause })
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

/** Contexts by the files' contents: parsing certificates for every session would cost more than the handshake. */
const contexts = new WeakMap<object, SecureContext>()
const NO_FILES = {}

function contextOf({ tls, pem = NO_FILES }: Upstream): SecureContext {
  const { ca, cert, key } = pem
  if ((tls.ca && !ca) || (tls.cert && !cert) || (tls.key && !key))
    throw new SluiceError('target.login', 'a TLS file of the target was not loaded')
  let context = contexts.get(pem)
  if (!context) {
    context = createSecureContext({ ca, cert, key: key?.reveal(), minVersion: 'TLSv1.2' })
    contexts.set(pem, context)
  }
  return context
}
