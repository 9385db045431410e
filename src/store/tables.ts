/** The store's tables, one interface each. Times are milliseconds since the epoch; lists and records are JSON text. */
export interface Tables {
  readonly tokens: TokensTable
  readonly approvals: ApprovalsTable
  readonly votes: VotesTable
  readonly secrets: SecretsTable
  readonly counters: CountersTable
}

export interface TokensTable {
  id: string
  /** SHA-256 of the token, hex. The token itself is nowhere. */
  hash: string
  principal: string
  /** Ids of the parties the principal acts for, nearest first: JSON array. */
  actors: string
  label: string
  created_by: string
  created_ms: number
  expires_ms: number
  revoked_ms: number | null
  revoked_by: string | null
}

export interface ApprovalsTable {
  id: string
  digest: string
  state: string
  /** Who asked. */
  principal: string
  /** Ids of the one who asked and everyone behind it: JSON array. */
  chain: string
  credential: string
  session: string
  resource: string
  database: string
  verb: string
  effects: string
  text: string
  /** UTF-16 units of the text. */
  length: number
  statements: number
  parameters: string
  session_state: string
  terms: string
  policy: string
  message: string
  created_ms: number
  expires_ms: number
  ended_ms: number | null
  ended_why: string | null
}

export interface VotesTable {
  approval: string
  principal: string
  verdict: string
  reason: string
  voted_ms: number
}

export interface SecretsTable {
  name: string
  /** Names the master key that wrapped the data key. */
  key_id: string
  /** The data key, wrapped: base64 of iv, tag and ciphertext. */
  wrapped: string
  /** The secret under its data key: the same layout. */
  sealed: string
  updated_by: string
  updated_ms: number
}

export interface CountersTable {
  name: string
  value: number
}
