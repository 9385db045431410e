import { plainLine } from '../../kit/plain-line.ts'
import type { HeldNotice, Refusal } from '../contract.ts'

/** How a refused or stopped program ends. */
export const EXIT = {
  /** It did not run, and the same command, sent again, may: it waits for approval, or nobody could be asked for it yet. */
  pending: 77,
  /** A time limit ran out: what timeout(1) says. */
  timeout: 124,
  /** It was found and may not be run (POSIX, exit status for commands). */
  refused: 126,
} as const

/** Exit status of a refused program. */
export function exitOf(refusal: Refusal): number {
  return refusal.retry ? EXIT.pending : EXIT.refused
}

/** For people one sentence, for programs one line of JSON (design §9). */
export function refusalText(refusal: Refusal): string {
  const { granted: _, ...shape } = refusal
  return `sluice: ${plainLine(sentence(refusal))}\n${JSON.stringify(shape)}\n`
}

/** The refusal in one line: for a message that has room for a sentence only. */
export function sentence({ message, hint, rule, approval }: Refusal): string {
  const by = rule ? ` [${rule}]` : ''
  const where = approval ? ` ${approval.url} (${approval.id})` : ''
  return `${message}${by}${where}${hint ? ` ${hint}` : ''}`
}

/** What a held client is told at once. */
export function heldText({ id, url, rule, message, hold_ms }: HeldNotice): string {
  const why = message ? `${message} ` : ''
  return `sluice: ${plainLine(`${why}Waiting for approval [${rule}], up to ${Math.round(hold_ms / 1000)} s.`)}\nsluice: approve at ${plainLine(url)} or with: sluice approve ${id}\n`
}

export const stillHeldText = ({ id }: HeldNotice, waited_ms: number): string =>
  `sluice: still waiting for approval of ${id} (${Math.round(waited_ms / 1000)} s)\n`
