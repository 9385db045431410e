/** Every bound of the engine. Bytes unless the name says otherwise. */
export const LIMITS = {
  /** Counters of budgets kept at once. */
  accounts: 100_000,
  /** Connections accepted at once, over all listeners. */
  connections: 20_000,
  /** Client bytes kept while an operation is held; beyond it the socket is paused. */
  inbox: 1 << 20,
  /** A piece of this size is part of something larger, and how much of such a session may carry in one turn of the event loop. */
  bulk: 8_192,
  turn: 262_144,
  /** Sessions one principal may have open. */
  sessionsPerPrincipal: 5_000,
  /** How long a closing connection may take to take its last bytes. */
  linger_ms: 5_000,
  /** Every refused sign-in answers this long after it was asked, whatever the reason, so that time tells nothing. */
  refusal_ms: 120,
  /** Connecting to a target. */
  dial_ms: 10_000,
  /** Operations that run on, judged again in one turn of the event loop after policy changed. */
  standingPerTurn: 64,
  /** Resolving a name that is judged, and addresses of one name looked at. */
  resolve_ms: 3_000,
  addresses: 16,
  /** How long whoever ends a session waits to be told that it is over. */
  kill_ms: 3_000,
  /** How long a shutdown waits for sessions to finish. */
  drain_ms: 10_000,
  /** Statement text kept inline in a ledger entry; a longer one is stored once per session and referred to. */
  inlineText: 1_024,
  /** Texts a session remembers having stored. */
  storedTexts: 256,
} as const
