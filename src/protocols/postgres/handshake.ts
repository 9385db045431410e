import type { Duplex } from 'node:stream'
import { utf8 } from '../../kit/bytes.ts'
import type { ErrorCode } from '../../kit/catalogue.ts'
import { particulars, type SluiceError } from '../../kit/errors.ts'
import { CLIENT, Intake, type Wait } from './intake.ts'
import { GOODBYE_MS, TOKEN_BYTES } from './limits.ts'
import { authenticationCleartextPassword, type ErrorFields, errorResponse } from './messages.ts'

const PASSWORD = 'p'.charCodeAt(0)

/**
 * Asks the client for its token as a password and returns what it sent, possibly empty. At most TOKEN_BYTES. Throws SluiceError
 * `client.left`, `client.late` or `protocol.malformed`; the stream is then still open for `refuse`. Only for a stream that is TLS or loopback.
 */
export async function requestToken(stream: Duplex, wait: Wait): Promise<string> {
  const intake = new Intake(stream, wait, { blame: CLIENT })
  try {
    stream.write(authenticationCleartextPassword())
    const { type, body } = await intake.message(TOKEN_BYTES)
    if (type !== PASSWORD || body.length === 0 || body.indexOf(0) !== body.length - 1)
      throw intake.malformed('expected a PasswordMessage')
    return utf8(body.subarray(0, -1))
  } finally {
    intake.release()
  }
}

/** Sends a last ErrorResponse and closes. The client has GOODBYE_MS to read it; what it still sends is thrown away, so that no reset overtakes the message. */
export function refuse(stream: Duplex, fields: ErrorFields): void {
  if (stream.destroyed) return
  if (stream.listenerCount('error') === 0) stream.on('error', () => {})
  const timer = setTimeout(() => stream.destroy(), GOODBYE_MS)
  stream.once('close', () => clearTimeout(timer))
  stream.end(errorResponse(fields))
  stream.resume()
}

/** SQLSTATE of what can go wrong before a session's first statement. */
const SQLSTATE: Partial<Record<ErrorCode, string>> = {
  'identity.refused': '28000',
  'identity.nowhere': '28000',
  'identity.revoked': '28000',
  'identity.plaintext': '28000',
  'protocol.malformed': '08P01',
  'protocol.duplicate': '08P01',
  'protocol.user': '28000',
  'protocol.version': '0A000',
  'protocol.unsupported': '0A000',
  'protocol.parameter': '0A000',
  'sql.setting': '22023',
  'client.late': '57014',
  'protocol.target': '08P01',
  'target.unreachable': '08006',
  'target.left': '08006',
  'target.login': '08004',
  'target.tls_declined': '08004',
  'target.tls_required': '08004',
  'target.tls_failed': '08004',
  'target.tls_files': '08004',
  'session.shutdown': '57P01',
  'session.killed': '57P01',
  'session.limit': '53300',
}

/** Details that repeat nothing but the client's own words, so it may see them. */
const TELLING: ReadonlySet<ErrorCode> = new Set([
  'protocol.version',
  'protocol.parameter',
  'protocol.duplicate',
  'sql.setting',
])

/**
 * What a client is told of an error that ends its start-up: the catalogue's words, or the target's own where they concern what the client
 * asked for. An administrator also hears the particulars of the way to the target.
 */
export function refusalFields(error: SluiceError, administrator = false): ErrorFields {
  if (isFields(error.cause)) return error.cause
  return {
    severity: 'FATAL',
    code: SQLSTATE[error.code] ?? 'XX000',
    message: error.safeMessage,
    detail: TELLING.has(error.code) ? error.detail : particulars(error, administrator) || undefined,
    hint: error.remedy,
  }
}

function isFields(cause: unknown): cause is ErrorFields {
  return (
    typeof cause === 'object' &&
    cause !== null &&
    'severity' in cause &&
    'code' in cause &&
    'message' in cause &&
    !(cause instanceof Error)
  )
}
