import { CATALOGUE, type ErrorCode } from './catalogue.ts'

/** The one error class. `code` names the catalogue's safe message and remedy; `detail` and `cause` stay inside the gateway. */
export class SluiceError extends Error {
  readonly code: ErrorCode
  /** What went wrong in particular. For the log, never for a client, unless the code's message says so. */
  readonly detail: string
  constructor(code: ErrorCode, detail = '', options?: { cause?: unknown }) {
    super(detail ? `${CATALOGUE[code].message} (${detail})` : CATALOGUE[code].message, options)
    this.name = 'SluiceError'
    this.code = code
    this.detail = detail
  }
  /** The sentence a client may see. */
  get safeMessage(): string {
    return CATALOGUE[this.code].message
  }
  get remedy(): string {
    return CATALOGUE[this.code].remedy
  }
}

/** Any thrown value as a SluiceError; what is not one is a programmer error: `internal`. */
export function toSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  return new SluiceError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
}
