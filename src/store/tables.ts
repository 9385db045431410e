import type { Generated } from 'kysely'
import type { PeopleTables } from './people-tables.ts'

/** The store's tables, one interface each. Times are milliseconds since the epoch; lists and records are JSON text. */
export interface Tables extends PeopleTables {
  readonly tokens: TokensTable
  readonly approvals: ApprovalsTable
  readonly votes: VotesTable
  readonly secrets: SecretsTable
  readonly counters: CountersTable
  readonly connectors: ConnectorsTable
  readonly join_tokens: JoinTokensTable
  readonly clients: ClientsTable
  readonly devices: DevicesTable
  readonly used_ids: UsedIdsTable
  readonly blocks: BlocksTable
  readonly agents: AgentsTable
  readonly principals: PrincipalsTable
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
  /** What it is good for: `access`. A token of another purpose opens nothing. */
  purpose: Generated<string>
  /** What it is narrowed to: JSON array of grants; null where nothing narrows it. */
  scope: Generated<string | null>
  /** What issuers said of its parties: JSON object, principal's id to claims. */
  claims: Generated<string>
  /** The OAuth client that asked for it; empty for one issued by hand. */
  client: Generated<string>
  /** The token it was exchanged from: it ends with it. */
  parent: Generated<string | null>
  /** How it came to be: `machine`, `sign-in`, `break-glass`, `issued` or `exchanged`. */
  kind: Generated<string>
  /** Which life of each of its parties it was given to, the principal's first: JSON array of texts. */
  lives: Generated<string>
}

/** A program that may ask for tokens in its own name (RFC 6749 §2). */
export interface ClientsTable {
  id: string
  name: string
  /** Whom client credentials stand for; null for a client that only asks for others. */
  principal: string | null
  /** Its public keys, a JSON Web Key Set; null for a public client. */
  keys: string | null
  /** OAuth grant types: JSON array. */
  grants: string
  /** Where an authorization may be sent back to: JSON array. */
  redirects: string
  created_by: string
  created_ms: number
  removed_ms: number | null
  /** Which life of the principal it was registered for. */
  life: Generated<string>
}

/** A device authorization (RFC 8628). */
export interface DevicesTable {
  id: string
  device_hash: string
  code_hash: string
  client: string
  /** `pending → approved | denied`, `approved → taken`. */
  state: string
  principal: string | null
  /** The sign-in it was answered in: its token ends with it. */
  parent: string | null
  from_address: string
  created_ms: number
  expires_ms: number
  polled_ms: number
  interval_ms: number
}

/** Ids of assertions and tokens of others that were used once. */
export interface UsedIdsTable {
  issuer: string
  id: string
  expires_ms: number
}

/** What is shut out until somebody lifts it. */
export interface BlocksTable {
  id: string
  /** `principal`, `resource` or `all`. */
  kind: string
  subject: string
  by: string
  why: string
  created_ms: number
  lifted_ms: number | null
  lifted_by: string | null
}

/** Every agent there ever was, so that no id is handed on. */
export interface AgentsTable {
  id: string
  owner: string
  purpose: string
  first_ms: number
  /** When the documents last stopped naming it; null while they do. */
  gone_ms: number | null
}

/** Every principal a document ever declared. Whoever comes back under a name has another life: what the one before held is not theirs. */
export interface PrincipalsTable {
  id: string
  /** 0 for the first who bore the name; never falls. */
  life: number
  /** Digest of what its document last said. */
  said: string
  /** When the documents last stopped naming it; 0 where they named nobody then; null while they do. */
  gone_ms: number | null
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
  /** The token it was cast with; empty where that is not known. */
  credential: Generated<string>
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
