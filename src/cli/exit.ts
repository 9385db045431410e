import type { ErrorCode } from '../kit/catalogue.ts'

/** What the shell sees. Scripts may rely on it. */
export const EXIT = { ok: 0, failure: 1, usage: 2, denied: 3, notFound: 4, pending: 77 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** The exit code for a coded failure: what was refused, what is missing and what waits can be told apart without reading text. */
export function exitFor(code: ErrorCode | string): ExitCode {
  if (code === 'api.not_found') return EXIT.notFound
  if (code === 'api.invalid' || code === 'config.invalid') return EXIT.usage
  if (code === 'approval.pending') return EXIT.pending
  const family = code.split('.')[0]
  if (
    family === 'policy' ||
    family === 'identity' ||
    family === 'mask' ||
    code === 'api.unauthorized' ||
    code === 'api.forbidden'
  )
    return EXIT.denied
  return EXIT.failure
}

/** A failure a verb reports in one sentence, with its exit code. */
export class CommandFailure extends Error {
  readonly exit: ExitCode
  readonly remedy: string
  constructor(message: string, exit: ExitCode = EXIT.failure, remedy = '') {
    super(message)
    this.name = 'CommandFailure'
    this.exit = exit
    this.remedy = remedy
  }
}
