/** Bounds of what is read from identity providers (design §13.5). */
export const LIMITS = {
  /** How long one request to a provider may take. */
  request_ms: 10_000,
  /** Bytes of one answer: a JWKS, a discovery document, a token response with 5,000 groups in it. */
  answer_bytes: 2_097_152,
  /** How long a discovery document is used. */
  discovery_ms: 3_600_000,
  /** After a failed discovery the provider is left alone for this long. */
  failed_ms: 5_000,
  /** Clocks may differ by this much (seconds). */
  skew_s: 60,
  /** How old the person's proof to the provider may be when a fresh sign-in was asked for (seconds). */
  fresh_s: 300,
  groups: 10_000,
  group_chars: 256,
  name_chars: 100,
  logout_token_chars: 16_384,
  /** How old a logout token may be. */
  logout_age_ms: 300_000,
  /** Characters of the claims of one person that are kept for rules. */
  claims_chars: 8_192,
} as const
