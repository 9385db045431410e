/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** Characters of an operation's text a request may carry; a larger one is refused, never cut. */
  text_chars: 1_048_576,
  /** Characters of all parameters together. */
  parameter_chars: 1_048_576,
  /** Escaped characters shown at once; beyond it the middle is left out and the request says so. */
  shown_chars: 16_384,
  pending_own: 50,
  pending_all: 5_000,
  listed: 500,
  reason_chars: 1_000,
  /** How often time and other processes' decisions are looked for. */
  sweep_ms: 1_000,
  expires_max_ms: 7 * 86_400_000,
} as const
