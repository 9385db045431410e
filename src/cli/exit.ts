import type { ErrorCode } from '../kit/catalogue.ts'

/** What the shell sees. Scripts may rely on it. */
export const EXIT = { ok: 0, failure: 1, usage: 2, denied: 3, notFound: 4, pending: 77 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const USAGE = new Set([
  'api.invalid',
  'api.too_large',
  'config.invalid',
  'token.invalid',
  'vault.refused',
  'tunnel.invalid',
  'policy.invalid',
])
const DENIED = new Set([
  'api.unauthorized',
  'api.forbidden',
  'approval.self',
  'approval.forbidden',
  'approval.rejected',
])

/** The exit code for a coded failure: what was refused, what is missing and what waits can be told apart without reading text. */
export function exitFor(code: ErrorCode | string): ExitCode {
  if (code === 'api.not_found' || code === 'kill.unknown') return EXIT.notFound
  if (code === 'approval.pending') return EXIT.pending
  if (USAGE.has(code)) return EXIT.usage
  return DENIED.has(code) || /^(policy|identity|mask)\./.test(code) ? EXIT.denied : EXIT.failure
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

/** An id as it stands in a path. Throws CommandFailure for what cannot be one: an empty one would name all of them. */
export function idOf(text: string): string {
  if (!/^[A-Za-z0-9_-]{1,100}$/.test(text)) throw new CommandFailure(`"${text}" is not an id.`, EXIT.usage)
  return text
}

/** A principal's id: `human:NAME`, `agent:NAME` or `service:NAME`. Throws CommandFailure for anything else. */
export function principalIdOf(text: string): string {
  if (/^(human|agent|service):\S+$/.test(text)) return text
  throw new CommandFailure(
    `"${text}" is not a principal.`,
    EXIT.usage,
    'Write `agent:triage-bot`, `human:ada` or `service:backup`.',
  )
}
