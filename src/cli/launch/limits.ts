/** Bounds of this folder (design §13.5). */
export const LIMITS = {
  /** Connections one local port carries at once. */
  connections: 256,
  dial_ms: 10_000,
  /** How long a program that connected may take to say its first word. */
  greeting_ms: 30_000,
  /** How long the end of a run waits for the gateway to take the token back. */
  revoke_ms: 3_000,
  /** A certificate is asked for again when it has less than this left. */
  certificate_left_ms: 60_000,
  certificate_ms: 600_000,
  /** A request to the agent of a run. */
  agent_message: 262_144,
  agent_connections: 64,
} as const
