import type { ErrorCode } from '../../kit/catalogue.ts'
import { type SluiceError, withParticulars } from '../../kit/errors.ts'
import type { HeldNotice, Refusal } from '../contract.ts'
import { FRONTEND } from './codec.ts'
import { cstring, errorResponse, frame, noticeResponse, query } from './messages.ts'

/** SQLSTATE by coded reason (PostgreSQL documentation, appendix A). What is not listed is 42501, insufficient_privilege. */
const SQLSTATE: Partial<Record<ErrorCode, string>> = {
  internal: 'XX000',
  'identity.refused': '28000',
  'identity.revoked': '57P01',
  'identity.plaintext': '28000',
  'approval.pending': '57014',
  'approval.withdrawn': '57014',
  'approval.unavailable': '58000',
  'sql.syntax': '42601',
  'sql.too_large': '54000',
  'sql.unknown_statement': '26000',
  'sql.setting': '55P02',
  'sql.settings_uncertain': '55000',
  'limit.rows': '54000',
  'limit.timeout': '57014',
  'limit.buffer': '54000',
  'protocol.malformed': '08P01',
  'protocol.unsupported': '0A000',
  'protocol.target': '08P01',
  'target.unreachable': '08001',
  'target.login': '08004',
  'target.left': '08006',
  'session.killed': '57P01',
  'session.shutdown': '57P01',
  'session.limit': '53300',
  'ledger.unwritable': '58030',
}

export function sqlstate(code: string): string {
  return SQLSTATE[code as ErrorCode] ?? '42501'
}

/** A native error that stands in a refusal's place: the server's own words where ours would only say the same. */
export interface NativeError {
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: string | undefined
}

/** The ErrorResponse for a refusal: the one JSON shape in DETAIL, the remedy in HINT. */
export function refusalResponse(refusal: Refusal): Buffer {
  const { granted: _granted, op: _op, ...shape } = refusal
  return errorResponse({
    severity: 'ERROR',
    code: sqlstate(refusal.code),
    message: refusal.rule ? `${refusal.message} (rule ${refusal.rule})` : refusal.message,
    detail: JSON.stringify(shape),
    hint:
      refusal.approval && refusal.status === 'pending'
        ? `${refusal.hint} sluice approve ${refusal.approval.id}`.trim()
        : refusal.hint,
  })
}

export function nativeResponse(error: NativeError): Buffer {
  return errorResponse({ severity: 'ERROR', ...error })
}

/** Told at once when an operation waits for people. */
export function heldResponse(held: HeldNotice): Buffer {
  const detail = {
    status: 'pending',
    code: 'approval.pending',
    rule: held.rule,
    message: held.message,
    approval: { id: held.id, url: held.url, expires: held.expires },
  }
  return noticeResponse({
    severity: 'NOTICE',
    code: '01000',
    message: `waiting for approval ${held.id} (rule ${held.rule}): ${held.message}`,
    detail: JSON.stringify(detail),
    hint: `sluice approve ${held.id}  or  ${held.url}  (held for ${Math.round(held.hold_ms / 1000)} s)`,
  })
}

/** FATAL: what a client hears before its connection closes. */
export function fatalResponse(why: SluiceError): Buffer {
  const detail = why.code.startsWith('protocol.') && why.code !== 'protocol.target' ? why.detail : ''
  return errorResponse({
    severity: 'FATAL',
    code: sqlstate(why.code),
    message: withParticulars(why.safeMessage, detail),
    hint: why.remedy,
  })
}

const REFUSED = 'SLUICE REFUSED'

/** Parse: String name, String query, Int16 parameter types. */
function failingParse(name: string): Buffer {
  return frame(String.fromCharCode(FRONTEND.Parse), cstring(name), cstring(REFUSED), Buffer.alloc(2))
}

/**
 * What goes to the target in place of a refused message: something that can only fail. So a refusal leaves the session in exactly the
 * state a server error would — an open transaction is aborted, a pipeline is skipped to its Sync — because a server error it is;
 * its words are replaced by ours on the way back. Text that is no SQL fails whatever names the client has made; a named Parse that fails
 * leaves every statement and portal as it was, which a refused Bind, Describe or Execute does too.
 */
export const STAND_IN = {
  query: query(REFUSED),
  parse: failingParse,
  other: failingParse(REFUSED),
} as const

export const FLUSH = frame(String.fromCharCode(FRONTEND.Flush))
export const TERMINATE = frame(String.fromCharCode(FRONTEND.Terminate))

/** Describe of a portal: Byte1 'P', String name. */
export function describePortal(name: string): Buffer {
  return frame(String.fromCharCode(FRONTEND.Describe), Buffer.from('P'), cstring(name))
}
