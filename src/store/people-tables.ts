import type { Generated } from 'kysely'

/** Tables of people: who signed in, where, and what identity providers say of them. */
export interface PeopleTables {
  readonly people: PeopleTable
  readonly sign_ins: SignInsTable
  readonly vouchers: VouchersTable
  readonly scim_users: ScimUsersTable
  readonly scim_groups: ScimGroupsTable
  readonly scim_members: ScimMembersTable
  readonly break_glass: BreakGlassTable
}

/** A person an identity provider vouched for. A row stays for ever: its id is never given to another. */
export interface PeopleTable {
  /** `human:PROVIDER:SUBJECT` */
  id: string
  provider: string
  /** The provider's own name for itself: with the subject, what a person is known by. */
  issuer: string
  subject: string
  name: string
  email: string
  /** What a provisioned user of the provider is found by. */
  matches: string
  /** Groups as the provider names them: JSON array. */
  groups: string
  created_ms: number
  seen_ms: number
  /** Grows whenever the provider takes the person away: what was held before is never good again. */
  life: Generated<number>
}

/** One sign-in of a person. It ends with its token, and every token it led to ends with it. */
export interface SignInsTable {
  /** Id of its root token. */
  id: string
  person: string
  provider: string
  issuer: string
  subject: string
  /** The provider's id of its own session; empty where it names none. */
  sid: string
  /** `console`, `cli`, `device` or `break-glass`. */
  purpose: string
  /** Refresh token and ID token, sealed: JSON; null where there is nothing to ask the provider with. */
  grant_sealed: string | null
  /** When the person last showed a credential to the provider. */
  auth_ms: number
  created_ms: number
  expires_ms: number
  /** When the provider last said that it holds. */
  checked_ms: number
  next_check_ms: number
  ended_ms: number | null
  ended_why: string | null
}

/** Something that is good once: a sign-in begun, a code, an AuthnRequest's id. */
export interface VouchersTable {
  kind: string
  /** SHA-256 of what redeems it, hex. */
  id: string
  body: string
  expires_ms: number
}

/** A user as a provider provisioned it (RFC 7643 §4.1). */
export interface ScimUsersTable {
  id: string
  provider: string
  user_name: string
  /** The user name in lower case: unique per provider. */
  user_key: string
  external_id: string
  active: number
  /** The resource as given, without what the columns hold: JSON. */
  body: string
  version: number
  created_ms: number
  updated_ms: number
}

export interface ScimGroupsTable {
  id: string
  provider: string
  display_name: string
  /** The display name in lower case: unique per provider. */
  display_key: string
  external_id: string
  version: number
  created_ms: number
  updated_ms: number
}

export interface ScimMembersTable {
  group_id: string
  user_id: string
}

/** The sealed account for the day nothing else lets anyone in: at most one row. */
export interface BreakGlassTable {
  id: string
  /** scrypt of the secret: `salt.hash`, base64url. */
  verifier: string
  groups: string
  sealed_by: string
  sealed_ms: number
  opened_ms: number | null
  opened_from: string | null
  opened_why: string | null
  /** Until when its token holds once opened. */
  until_ms: number | null
}
