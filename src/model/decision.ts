import type { Account } from './spending.ts'

export type Outcome = 'allow' | 'approve' | 'deny'

export type MaskTransform = 'redact' | 'partial' | 'hash' | 'null' | 'fixed' | 'tokenize'

export interface MaskDuty {
  /** Label patterns: exact, a prefix ending in `.*`, or `*` for every label. */
  readonly labels: readonly string[]
  readonly with: MaskTransform
}

export type RecordLevel = 'statements' | 'full' | 'durable'

export type ObligationKind = 'mask' | 'rows' | 'timeout' | 'readOnly' | 'record'

/** Duties attached to an allow. All rules that matched accumulate: the smallest limit and the most masking win. */
export interface Obligations {
  readonly mask: readonly MaskDuty[]
  /** Most rows one operation may return. */
  readonly rows?: number
  /** Most milliseconds one operation may run. */
  readonly timeout_ms?: number
  readonly readOnly?: boolean
  readonly record?: RecordLevel
}

export const NO_OBLIGATIONS: Obligations = Object.freeze({ mask: Object.freeze([]) as readonly MaskDuty[] })

/** What an approval needs. When several rules ask, all of them must be satisfied. */
export interface ApprovalTerms {
  readonly rule: string
  /** `group:dba` or a principal id. */
  readonly by: readonly string[]
  readonly count: number
  /** How long the client is held inside the session. */
  readonly hold_ms: number
  /** How long the request stays open. */
  readonly expires_ms: number
}

export interface Decision {
  readonly outcome: Outcome
  /** Coded why, from the error catalogue: `policy.allowed`, `policy.denied`, `policy.default`, `policy.error` … */
  readonly reason: string
  /** The rule that decided; empty when none matched. */
  readonly rule: string
  /** Every rule that matched, the deciding one first. */
  readonly matched: readonly string[]
  /** Sentence for the person. */
  readonly message: string
  readonly hint: string
  readonly obligations: Obligations
  readonly approvals: readonly ApprovalTerms[]
  /** Digest of the policy that decided. */
  readonly policy: string
  /** True when nothing in it depended on time, history or the call's own text: it may be reused for the same operation. */
  readonly cacheable: boolean
  /** Budgets it counts against when it is granted. */
  readonly accounts?: readonly Account[]
  /** Rules in shadow mode that would have decided otherwise. */
  readonly shadow: readonly { readonly rule: string; readonly outcome: Outcome }[]
}
