import type { EffectSet } from '../model/effects.ts'
import type { Argument } from './argument.ts'
import type { Input } from './redirect.ts'
import type { Scope } from './scope.ts'

/** One simple command while it is judged. */
export interface Call {
  /** The program's name in the table. */
  readonly name: string
  /** Its words after the name. */
  readonly words: readonly Argument[]
  readonly input: Input
  readonly scope: Scope
  /** It does this, too. */
  add(set: EffectSet): void
  /** It is not understood. */
  unknown(reason: string): void
}
