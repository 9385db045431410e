import type { Approvals } from '../approval/approvals.ts'
import type { TokenEndpoint } from '../identity/exchange/endpoint.ts'
import type { Identity } from '../identity/identity.ts'
import type { People } from '../identity/people.ts'
import type { PrincipalDirectory } from '../identity/principals.ts'
import type { SignInService } from '../identity/sign-in/service.ts'
import type { SshCa } from '../identity/ssh-ca.ts'
import type { SshLinks } from '../identity/ssh-links.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Obligations, Outcome } from '../model/decision.ts'
import type { EntryKind } from '../model/ledger.ts'
import type { LedgerPort, LiveSessions } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { SessionMeta, TranscriptEvent } from '../model/transcript.ts'
import type { Tunnels } from '../tunnel/gateway/tunnels.ts'
import type { Vault } from '../vault/vault.ts'

/** Everything the API is a skin over. The composition root hands in the real ones. */
export interface ApiServices {
  readonly version: string
  readonly clock: Clock
  readonly log: Log
  readonly identity: Identity
  readonly principals: PrincipalDirectory & Pick<People, 'ids'>
  readonly signIn: SignInService
  readonly oauth: TokenEndpoint
  readonly approvals: Approvals
  readonly vault: Vault
  readonly connectors: ConnectorDirectory
  readonly ledger: LedgerPort
  readonly live: LiveSessions
  readonly sessions: SessionIndex
  readonly transcripts: TranscriptReader
  readonly policy: PolicyService
  /** Addresses and networks of proxies whose word about who asks is taken; none unless the settings name some. */
  readonly trustedProxies?: readonly string[]
  readonly resources: ResourceDirectory
  readonly audit: AuditReader
  readonly ssh: SshDesk
  /** Sentences naming what keeps the gateway from forwarding now; empty when nothing does. */
  problems(): readonly string[]
}

export interface ConnectorDirectory extends Pick<Tunnels, 'invite' | 'grant' | 'list' | 'revoke'> {
  /** `host:port` that connectors dial; undefined when the gateway listens for none. */
  readonly address: string | undefined
}

/** A session that was: what it was when it opened, and what became of it. */
export interface PastSession extends SessionMeta {
  readonly operations: number
  readonly rows: number
  readonly bytes: number
  /** Unset when the gateway stopped before it could say. */
  readonly closed_ms?: number
  readonly endedWhy?: string
}

export interface SessionIndex {
  /** Sessions that ended, newest first. `before` is a session's id: those older than it. */
  recent(filter: { readonly limit: number; readonly before?: string | undefined }): Promise<readonly PastSession[]>
  get(id: string): Promise<PastSession | undefined>
}

/** An event as it is replayed: rows decoded to text, `at` in milliseconds since the session opened. */
export type ReplayEvent = { readonly at: number } & (
  | Exclude<TranscriptEvent, { kind: 'rows' | 'output' | 'input' }>
  | { readonly kind: 'output'; readonly op: number; readonly stream: 1 | 2; readonly base64: string }
  | { readonly kind: 'input'; readonly op: number; readonly base64: string }
  /** A cell is text, or null; a binary value without a known text form is `\x` and hex. */
  | {
      readonly kind: 'rows'
      readonly op: number
      readonly columnsOf: number
      readonly rows: readonly (readonly (string | null)[])[]
    }
  | { readonly kind: 'gap'; readonly events: number }
  | { readonly kind: 'end' }
)

export interface TranscriptReader {
  /** Events from number `from` (0 the first) on, and the number to go on from; no `next` when there are no more for now. */
  read(
    session: string,
    page: { readonly from: number; readonly limit: number },
  ): Promise<{ readonly events: readonly ReplayEvent[]; readonly next?: number }>
  /** Everything from now on, until the session ends or the signal aborts. */
  follow(session: string, signal: AbortSignal): AsyncIterable<ReplayEvent>
}

export interface PolicyStatus {
  readonly version: string
  readonly loaded_ms: number
  readonly rules: number
  readonly resources: number
  /** What is wrong with the documents on disk, one sentence each with file and line: then an older version is in force. */
  readonly problems: readonly string[]
}

export interface Explanation {
  readonly outcome: Outcome
  readonly reason: string
  readonly rule: string
  readonly matched: readonly string[]
  readonly message: string
  readonly hint: string
  readonly verb: string
  readonly effects: readonly string[]
  readonly objects: readonly {
    readonly kind: string
    readonly name: string
    readonly effects: readonly string[]
    readonly labels: readonly string[]
  }[]
  readonly confidence: string
  readonly obligations: Obligations
  readonly approvals: readonly { readonly rule: string; readonly by: readonly string[]; readonly count: number }[]
  readonly shadow: readonly { readonly rule: string; readonly outcome: Outcome }[]
  readonly policy: string
  /** The sub-expression of the rule that decided, where known. */
  readonly because?: string
}

export interface PolicyService {
  status(): PolicyStatus
  /** Reads the documents again. A broken one keeps the old policy in force, and shows in `problems`. */
  reload(): Promise<PolicyStatus>
  /** What would be decided now: nothing is recorded and nobody is asked. Throws `api.not_found` for an unknown resource. */
  explain(question: {
    readonly principal: Principal
    readonly resource: string
    readonly database?: string | undefined
    readonly text: string
  }): Promise<Explanation>
}

export interface ResourceSummary {
  readonly name: string
  readonly protocol: string
  readonly labels: Readonly<Record<string, string>>
  readonly description: string
  /** What to give a stock client; never holds a token. */
  readonly url: string
  /** Upstream accounts this caller may pick, the default first. */
  readonly users: readonly string[]
}

export interface ResourceDirectory {
  /** What the principal may open, by name. */
  list(principal: Principal): readonly ResourceSummary[]
  /** Of all there are, whoever may open them. */
  names(): readonly string[]
}

/** What callers need for SSH, and the sign-ins that wait for them. */
export interface SshDesk {
  readonly ca: SshCa
  readonly links: SshLinks
  /** `host:port` of the listener; undefined when SSH is not spoken. */
  address(): string | undefined
  /** The names in the gateway's host certificate. */
  readonly hostNames: readonly string[]
}

export interface AuditEntry {
  readonly index: number
  readonly at_ms: number
  readonly kind: EntryKind
  readonly body: Readonly<Record<string, unknown>>
}

export interface AuditReader {
  /** Entries from index `from` on. `size` is how many the ledger holds. */
  entries(page: {
    readonly from: number
    readonly limit: number
  }): Promise<{ readonly entries: readonly AuditEntry[]; readonly size: number }>
  /** The newest signed note, and the public key that verifies it. */
  checkpoint(): Promise<{ readonly note: string; readonly publicKey: string }>
  /** Reads the whole ledger. */
  verify(): Promise<{
    readonly ok: boolean
    readonly size: number
    readonly firstBad?: number
    readonly problem?: string
  }>
}
