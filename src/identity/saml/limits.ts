/** Bounds of what is read of SAML (design §13.5). */
export const LIMITS = {
  /** Characters of a message once decoded, and elements: 5,000 groups and room. Anyone may send one, so both are looked at before it is parsed. */
  xml_chars: 786_432,
  elements: 8_000,
  depth: 40,
  /** Clocks may differ by this much. */
  skew_ms: 60_000,
  /** How old the person's proof may be where a fresh one was asked for. */
  fresh_ms: 300_000,
  /** How long an assertion may hold at most, whatever it says. */
  assertion_ms: 3_600_000,
  /** A request to log out, in the form it comes in, and how old it may be. */
  logout_chars: 65_536,
  logout_ms: 300_000,
  relay_chars: 255,
  /** The thread that reads answers: one at a time; the largest takes a fifth of a second. */
  thread: { deadline_ms: 5_000, queue: 50, heap_mb: 256 },
} as const
