/** The store's tables, one interface each. Times are milliseconds since the epoch; lists and records are JSON text. */
export interface Tables {
  readonly tokens: TokensTable
  readonly approvals: ApprovalsTable
  readonly votes: VotesTable
  readonly secrets: SecretsTable
  readonly counters: CountersTable
  readonly connectors: ConnectorsTable
  readonly join_tokens: JoinTokensTable
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

export interface ConnectorsTable {
  id: string
  /** Connectors of one name stand in for each other. */
  name: string
  /** Of its newest certificate, hex. */
  serial: string
  /** Of the one before: good until the newest was first used. */
  previous_serial: string | null
  joined_ms: number
  joined_from: string
  joined_by: string
  expires_ms: number
  version: string
  seen_ms: number
  seen_from: string
  revoked_ms: number | null
  revoked_by: string | null
}

/** Invitations: each makes one connector. */
export interface JoinTokensTable {
  /** SHA-256 of the token, hex. The token itself is nowhere. */
  hash: string
  id: string
  name: string
  created_by: string
  created_ms: number
  expires_ms: number
  used_ms: number | null
  used_from: string | null
  connector: string | null
}

export interface CountersTable {
  name: string
  value: number
}
