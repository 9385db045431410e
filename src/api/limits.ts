/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** A secret of 64 KiB, escaped in JSON. */
  body_bytes: 262_144,
  /** What an identity provider sends: a SAML answer or a provisioned group with thousands of members. */
  answer_bytes: 3_145_728,
  /** How long a browser keeps its secret after it last began a sign-in. */
  flow_cookie_s: 1_200,
  /** Width of the field for a code, in characters. */
  code_field: 12,
  /** Names that are offered for one that is not there. */
  suggested: 3,
  page: 100,
  page_max: 1_000,
  /** Wrong tokens one address may show before it hears of that alone: twenty, and what was forgotten while it showed them. */
  attempts: { burst: 19.5, forget_ms: 3_000, wait_ms: 3_000, wait_max_ms: 60_000, keys: 10_000 },
  /** Event streams open at once, of one principal and of all. */
  streams_own: 20,
  streams_all: 500,
  /** Events that wait for one slow reader; beyond it the stream ends and the reader comes back. */
  stream_backlog: 1_000,
  heartbeat_ms: 15_000,
  message_chars: 500,
  statement_chars: 65_536,
  headers_bytes: 16_384,
  headers_ms: 10_000,
  request_ms: 30_000,
  idle_ms: 10_000,
  connections: 2_000,
} as const
