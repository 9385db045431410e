import { CATALOGUE, type ErrorCode } from './catalogue.ts'
import { plainLine } from './plain-line.ts'

/** Longest text of a target that is told. */
const PARTICULARS = 500

/** The one error class. `code` names the catalogue's safe message and remedy; `detail` and `cause` stay inside the gateway. */
export class SluiceError extends Error {
  readonly code: ErrorCode
  /** What went wrong in particular. For the log, never for a client, unless the code's message says so. */
  readonly detail: string
  constructor(code: ErrorCode, detail = '', options?: { cause?: unknown }) {
    super(withParticulars(CATALOGUE[code].message, detail), options)
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

/** The catalogue's sentence and what it is about, as one: `This token cannot be issued: a label has at most 100 characters.` */
export function withParticulars(sentence: string, detail: string): string {
  if (detail === '') return sentence
  const head = sentence.replace(/\.$/, '')
  if (detail.includes('\n')) return `${head}:\n${detail}`
  return head.includes(': ') ? `${head} (${detail.replace(/\.$/, '')}).` : `${head}: ${detail.replace(/\.$/, '')}.`
}

/** Codes of what went wrong between the gateway and a target. */
const TARGET_SIDE = /^(target|vault|tunnel)\./

/** True for what is not the client's doing: the way to the target, or the gateway itself. Whoever runs the gateway must hear of it. */
export function isOurSide(error: SluiceError): boolean {
  return error.code === 'internal' || TARGET_SIDE.test(error.code)
}

/** What an administrator may read of an error on the way to a target, in one line: addresses, accounts, what the target said. Empty for everyone else. */
export function particulars(error: SluiceError, administrator: boolean): string {
  return administrator && TARGET_SIDE.test(error.code) ? plainLine(error.detail).slice(0, PARTICULARS) : ''
}

/** Any thrown value as a SluiceError; what is not one is a programmer error: `internal`. */
export function toSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  return new SluiceError('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
}
