import type { SecretSource } from './resource.ts'

/** Where people sign in: one identity provider, by OpenID Connect or by SAML 2.0. Exactly one of `oidc` and `saml` is set. */
export interface IdentityProvider {
  /** Stands in principal ids (`human:NAME:SUBJECT`) and in URLs. */
  readonly name: string
  /** What people read on the page where they choose. */
  readonly title: string
  readonly oidc?: OidcSettings
  readonly saml?: SamlSettings
  /** Groups of the provider that give groups here; every other group is dropped. */
  readonly map: readonly GroupRule[]
  /** Claims, or SAML attributes, that rules may read as `principal.claims`; unset: none. */
  readonly claims?: readonly string[]
  /** Sluice groups of which one is needed to sign in; empty: everyone the provider vouches for. */
  readonly admit: readonly string[]
  readonly times: SignInTimes
  readonly scim?: ScimSettings
}

export interface OidcSettings {
  /** As the provider writes it in `iss`. */
  readonly issuer: string
  readonly clientId: string
  /** Unset: a public client, proven by PKCE alone. */
  readonly clientSecret?: SecretSource
  /** Asked for beside `openid`. */
  readonly scopes: readonly string[]
  /** The one signature algorithm of its ID tokens. */
  readonly algorithm: string
  /** Steps to the claim that holds the groups; unset: the provider names none. */
  readonly groups?: readonly string[]
  /** Ask the userinfo endpoint for what the ID token leaves out. */
  readonly userinfo: boolean
}

export interface SamlSettings {
  /** The provider's entity id. */
  readonly entityId: string
  /** Where its single sign-on takes an AuthnRequest by redirect. */
  readonly ssoUrl: string
  /** Where its single logout takes messages by redirect; unset: it is not told when somebody signs out here. */
  readonly sloUrl?: string
  /** PEM certificates its assertions may be signed with. Nothing in a message adds to them. */
  readonly certificates: readonly string[]
  /** Attribute that holds the groups. */
  readonly groups?: string
  /** Attribute that holds the subject; unset: the NameID. */
  readonly subject?: string
  /** Accept an answer nobody asked for. */
  readonly idpInitiated: boolean
  /** Key (PEM) for assertions that are encrypted to us, and its certificate for our metadata. */
  readonly decryption?: { readonly key: SecretSource; readonly certificate: string }
  /** Key (PEM) our own messages are signed with, and its certificate for our metadata; unset: they are not signed. */
  readonly signing?: { readonly key: SecretSource; readonly certificate: string }
}

/** One mapping: a group of this exact name, or every group that begins so, whose rest is then the name here. */
export type GroupRule = { readonly group: string; readonly gives: readonly string[] } | { readonly prefix: string }

/** Milliseconds. */
export interface SignInTimes {
  /** How long one sign-in holds at most. */
  readonly max_ms: number
  /** How often the provider is asked whether it still holds. */
  readonly recheck_ms: number
  /** How long a provider that does not answer is waited for before the sign-in ends. */
  readonly grace_ms: number
  /** How long after it a sign-in counts as fresh: for approving, and for sealing the break-glass account. */
  readonly fresh_ms: number
}

export interface ScimSettings {
  /** The bearer token the provider calls us with. */
  readonly token: SecretSource
  /** The claim (or SAML attribute) of a sign-in that is equal to the attribute of the provisioned user. */
  readonly claim: string
  readonly attribute: 'externalId' | 'userName'
}
