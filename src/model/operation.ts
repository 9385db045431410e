import type { EffectSet } from './effects.ts'
import type { Facts, SqlFacts } from './facts.ts'

/** Something an operation touches. `name` is qualified the way the protocol's users write it (`public.customers`). */
export interface ObjectRef {
  readonly kind:
    | 'table'
    | 'view'
    | 'column'
    | 'function'
    | 'sequence'
    | 'schema'
    | 'role'
    | 'setting'
    | 'path'
    | 'file'
    | 'host'
    | 'program'
  readonly name: string
  readonly effect: EffectSet
  readonly labels: readonly string[]
}

/** How much of the operation was understood. `opaque` always carries the effect `unknown`. */
export type Confidence = 'exact' | 'partial' | 'opaque'

/** The smallest thing policy decides. Immutable and shared: one object serves every call with the same meaning, so decisions cache on it. */
export interface Operation<F extends Facts = Facts> {
  /** The protocol's own word: 'SELECT', 'DELETE', 'exec'. */
  readonly verb: string
  readonly effects: EffectSet
  readonly objects: readonly ObjectRef[]
  /** Canonical and bounded: what approvers and transcripts see. For a shared shape, the text of its first call. */
  readonly text: string
  readonly facts: F
  readonly shape: 'call' | 'stream'
  readonly confidence: Confidence
}

export type SqlOperation = Operation<SqlFacts>

/** One call of an operation: what differs from call to call. */
export interface Call {
  /** The exact text that will run. */
  readonly text: string
  /** Bound parameters as readable text, made only when somebody needs them. */
  readonly parameters?: () => readonly (string | null)[]
  /** Session state that changes what the text means (role, search_path, transaction), for the approval digest. */
  readonly state?: () => Readonly<Record<string, string>>
}
