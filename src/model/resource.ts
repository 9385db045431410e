/** Where a secret comes from (design: environment, file, or envelope-encrypted in the store). Exactly one key is set. */
export type SecretSource = { readonly env: string } | { readonly file: string } | { readonly vault: string }

export type TlsMode = 'disable' | 'require' | 'verify-ca' | 'verify-full'

export interface TargetTls {
  readonly mode: TlsMode
  /** Paths of PEM files. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly serverName?: string
}

/** One account on the target a caller may be logged in as. */
export interface UpstreamUser {
  readonly name: string
  readonly password?: SecretSource
  /** SSH: a private key in OpenSSH's or PEM form. */
  readonly key?: SecretSource
  /** SSH: logged in by a certificate that Sluice signs for this session. The target trusts the key `sluice ssh target-ca` prints. */
  readonly certificate?: boolean
  /** Groups or principal ids that may pick it; empty: everyone who may open the resource. */
  readonly for?: readonly string[]
}

/** The protected thing an administrator configures (design §2). */
export interface Resource {
  readonly name: string
  readonly protocol: string
  readonly labels: Readonly<Record<string, string>>
  /** `host:port`. Never shown to a caller. */
  readonly address: string
  /** Name of the connectors the target is reached through; unset: straight from the gateway. */
  readonly via?: string
  /** The database used when the caller names none. */
  readonly database?: string
  /** First one is the default. */
  readonly users: readonly UpstreamUser[]
  readonly tls: TargetTls
  /** SSH: the target's host keys, as in a known_hosts file without the host. Any other key is refused. */
  readonly hostKeys?: readonly string[]
  /** SSH: variables clients may set beside those of language and terminal, where a rule allows it. */
  readonly environment?: readonly string[]
  /** SSH: hosts that only the target can resolve and that may be forwarded to by name, where a rule allows it. */
  readonly targetNames?: readonly string[]
  readonly description?: string
}
