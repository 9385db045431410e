/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** A longer proof is not one of ours; it is not hashed. */
  proof_chars: 256,
  /** Accepted tokens kept warm. */
  warm_tokens: 10_000,
  /** How often revocations by other processes, expiry and changed principals are looked for. */
  sweep_ms: 1_000,
  token_ttl_min_ms: 1_000,
  token_ttl_max_ms: 366 * 86_400_000,
  label_chars: 100,
  /** Who left the documents and is back within this, with the same document, is the same. */
  same_principal_ms: 60_000,
  actors: 7,
  listed_tokens: 1_000,
  /** Agents in one chain: a human's agent may have a sub-agent, and that one none. */
  delegation_depth: 2,
  /** A delegated token without a wish of its own, and at most. */
  delegation_ttl_ms: 3_600_000,
  delegation_ttl_max_ms: 86_400_000,
  /** What a request for narrowed rights may be (RFC 9396). */
  details_chars: 8_192,
  details: 20,
  details_resources: 100,
  /** A caller's SSH certificate, unless it asks for less; and the most it may ask for. */
  ssh_certificate_ms: 10 * 60_000,
  ssh_certificate_max_ms: 60 * 60_000,
  /** The gateway's own, signed anew every day. */
  ssh_host_certificate_ms: 30 * 86_400_000,
  /** For one login on a target. */
  ssh_target_certificate_ms: 2 * 60_000,
  /** Browser sign-ins that wait, how long, wrong codes, and how long a confirmed one may take to be used. */
  links: 1_000,
  link_ms: 3 * 60_000,
  link_tries: 5,
  link_redeem_ms: 30_000,
} as const
