/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** Characters of an operation's text a request may carry; a larger one is refused, never cut. Nobody reads more than these 40 pages. */
  text_chars: 131_072,
  /** Characters of all parameters together, and of the session state. */
  parameter_chars: 131_072,
  parameters: 1_000,
  /** Escaped characters shown at once; beyond it the middle is left out and the request says so. */
  shown_chars: 16_384,
  pending_own: 50,
  pending_all: 5_000,
  listed: 200,
  /** Characters of a text, and of the parameters, that a list carries. */
  listed_chars: 2_000,
  reason_chars: 1_000,
  /** How often time and other processes' decisions are looked for. */
  sweep_ms: 1_000,
  expires_max_ms: 7 * 86_400_000,
} as const
