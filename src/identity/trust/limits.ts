/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** A workload's token: Kubernetes' own are about 1 KiB, GitHub's 2. */
  token_chars: 16_384,
  header_chars: 2_048,
  kid_chars: 256,
  /** A key set or a discovery document. */
  document_bytes: 262_144,
  document_keys: 100,
  fetch_ms: 5_000,
  /** Keys are fetched again after this long, or sooner for a key not seen before. */
  keys_fresh_ms: 600_000,
  /** While their server does not answer, keys are good for this long. */
  keys_stale_ms: 3_600_000,
  /** Least time between two fetches for one issuer, whatever its tokens say. */
  keys_cooldown_ms: 30_000,
  issuers: 1_000,
  /** Claims kept with the token that is issued for them. */
  claims_chars: 8_192,
  /** A token that holds for longer than this is no workload's. */
  lifetime_max_ms: 86_400_000,
} as const
