import { SluiceError } from '../../kit/errors.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'

/** What becomes of one message from the target: forwarded as it is (undefined), replaced, or replaced by nothing. */
export type Fate = Buffer | undefined
export const SWALLOW = Buffer.alloc(0)

/** The permitted operation a result belongs to. Throws `protocol.target` when nothing was asked. */
export function dueRun(dialogue: Dialogue, what: string): Run {
  const run = dialogue.running()
  if (!run) throw new SluiceError('protocol.target', `${what} nobody asked for`)
  return run
}
