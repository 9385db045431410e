/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** Fields of a request, and characters of one. */
  fields: 20,
  field_chars: 20_000,
  /** Every refused credential answers this long after it was presented, whatever the reason. */
  refusal_ms: 120,
  /** A token for a client's own credentials. */
  client_ttl_ms: 900_000,
  /** A client's assertion: how long it may hold, and how far its clock may be off. */
  assertion_lifetime_ms: 300_000,
  assertion_skew_ms: 30_000,
  client_keys: 20,
  client_chars: 100,
  clients: 1_000,
  /** A device authorization (RFC 8628): how long a person has, how often its program may ask, how many are open at once. */
  device_ms: 600_000,
  device_interval_ms: 5_000,
  device_interval_max_ms: 60_000,
  devices: 20_000,
  /** Those one source may begin before it waits. */
  device_starts: { burst: 30, forget_ms: 10_000, wait_ms: 1_000, wait_max_ms: 10_000, keys: 20_000 },
  /** A token for a person who answered a device authorization. */
  device_ttl_ms: 28_800_000,
  /** How often what nobody needs any more is forgotten. */
  prune_ms: 60_000,
} as const
