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
  /** Which of those who bore this id; unset for the first. Whoever comes back under a name is another. */
  readonly life?: string
}

/** The group that administers the gateway: there without any document. */
export const ADMINS = 'admins'

/** An administrator: a member of `admins`, and so is everyone behind them; never an agent, whatever its groups, nor by a token that was narrowed. */
export function isAdministrator(principal: Principal): boolean {
  return (
    principal.scope === undefined &&
    actorChain(principal).every((party) => party.kind !== 'agent' && party.groups.includes(ADMINS))
  )
}

/** What a client presented to prove who it is. */
export interface Claim {
  /**
   * `cookie` is a browser's proof: no native client's. The SSH kinds stand for a key whose signature was checked; `link` for a sign-in
   * that was confirmed in a browser.
   */
  readonly kind: 'token' | 'certificate' | 'cookie' | 'ssh-key' | 'ssh-certificate' | 'link'
  /** The token text, the certificate's PEM, the cookie's value, SSH's key or certificate in base64, the link's secret. */
  readonly proof: string
  /** Peer address as text, for the log. */
  readonly from: string
}

/** A sign-in that waits for a person and a browser. */
export interface Invitation {
  /** Where to go, and what to type there. */
  readonly url: string
  readonly code: string
  /** Milliseconds since the epoch. */
  readonly expires_ms: number
  /** The claim it was confirmed with; undefined when it was refused, withdrawn or not confirmed in time. Never rejects. */
  readonly answered: Promise<Omit<Claim, 'from'> | undefined>
  /** Nobody waits any more. */
  cancel(): void
}

/** The principal and everyone behind it, first the one acting: nobody in it may approve its requests. */
export function actorChain(principal: Principal): Principal[] {
  const chain: Principal[] = []
  for (let p: Principal | undefined = principal; p && chain.length < 8; p = p.actor) chain.push(p)
  return chain
}
