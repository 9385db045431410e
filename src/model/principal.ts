import type { Scope } from './scope.ts'

/** Who acts. An agent may act on behalf of a human: then `actor` chains to the party behind it (design §2). */
export interface Principal {
  readonly kind: 'human' | 'agent' | 'service'
  /** Stable id, never reused: `human:ada`, `agent:triage-bot`. */
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  /** The party this principal acts for, if any. */
  readonly actor?: Principal
  readonly claims: Readonly<Record<string, unknown>>
  /** The token or certificate that proved it: what a kill switch names. Never the secret itself. */
  readonly credential: string
  /** Milliseconds since the epoch after which the proof no longer holds. */
  readonly expires_ms?: number
  /** What its token is narrowed to; undefined: nothing narrows it. Of the one acting only. */
  readonly scope?: Scope
}

/** What a client presented to prove who it is. */
export interface Claim {
  /** `cookie` is a browser's proof: no native client's. */
  readonly kind: 'token' | 'certificate' | 'cookie'
  /** The token text, the certificate's PEM, or the cookie's value. */
  readonly proof: string
  /** Peer address as text, for the log. */
  readonly from: string
}

/** The principal and everyone behind it, first the one acting: nobody in it may approve its requests. */
export function actorChain(principal: Principal): Principal[] {
  const chain: Principal[] = []
  for (let p: Principal | undefined = principal; p && chain.length < 8; p = p.actor) chain.push(p)
  return chain
}
