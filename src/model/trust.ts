/** Where an issuer's public keys come from. */
export type IssuerKeys =
  | { readonly from: 'discovery' }
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'file'; readonly path: string }
  /** A JSON Web Key Set as the document holds it. */
  | { readonly from: 'document'; readonly jwks: object }

/** What an issuer's claims come to: a principal of the documents, or why none. */
export type Trust = { readonly principal: string } | { readonly why: string }

/** Somebody whose signed tokens prove workloads: a cluster, a CI service, a SPIFFE trust domain. */
export interface TrustedIssuer {
  readonly name: string
  /** Exactly what `iss` says; undefined for a trust domain. */
  readonly issuer: string | undefined
  /** The SPIFFE trust domain its subjects lie in; undefined for an issuer with a URL. */
  readonly trustDomain: string | undefined
  /** What `aud` must hold, exactly. */
  readonly audience: string
  readonly keys: IssuerKeys
  /** Asymmetric ones only. */
  readonly algorithms: readonly string[]
  /** How long a token exchanged for one of theirs holds. */
  readonly ttl_ms: number
  /** How far their clock may be off. */
  readonly skew_ms: number
  /** Whether a token with a `jti` is good once only. */
  readonly once: boolean
  /** Whether its keys may be fetched from private addresses. */
  readonly allowPrivate: boolean
  /** Path of a PEM file with the authorities its server is verified by. */
  readonly ca: string | undefined
  /** Whom verified claims stand for. Never throws. */
  trust(claims: Readonly<Record<string, unknown>>): Trust
}

/** The issuers the documents in force trust. */
export interface TrustDirectory {
  /** By exact `iss`. */
  issuer(iss: string): TrustedIssuer | undefined
  /** By the trust domain of a `spiffe://` subject. */
  trustDomain(name: string): TrustedIssuer | undefined
}
