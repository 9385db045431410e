import type { SluiceError } from '../kit/errors.ts'
import type { Secret } from '../kit/secret.ts'
import type { TextPiece } from '../kit/text-buffer.ts'
import type { LabelIndex } from './catalogue.ts'
import type { CommandTable } from './commands.ts'
import type { ApprovalTerms, Decision } from './decision.ts'
import type { SessionFacts } from './facts.ts'
import type { EntryKind } from './ledger.ts'
import type { Call, Operation } from './operation.ts'
import type { Claim, Invitation, Principal } from './principal.ts'
import type { Resource } from './resource.ts'
import type { SpendingPort } from './spending.ts'
import type { Recorder, SessionMeta } from './transcript.ts'

/** Everything the engine needs from the rest of the house. The composition root hands in the real ones. */
export interface Ports {
  readonly identity: IdentityPort
  readonly policy: PolicyPort
  readonly ledger: LedgerPort
  readonly approvals: ApprovalPort
  readonly recorder: RecorderPort
  readonly secrets: SecretPort
  /** Budgets over all sessions; without it each session counts for itself. */
  readonly spending?: SpendingPort
  /** Signs the certificate one login on a target is made with. */
  readonly sshLogins?: SshLoginPort
  /** Absent: targets behind a connector cannot be reached. */
  readonly tunnels?: DialerPort
}

/** What is to be reached, and how. */
export interface DialWish {
  readonly host: string
  readonly port: number
  /** Name of the connectors it is reached through. */
  readonly via: string
  readonly signal?: AbortSignal | undefined
  /** Told when the way broke, before the stream ends: the target itself did not close it. */
  readonly lost?: ((why: SluiceError) => void) | undefined
}

/** Reaches targets this machine cannot. */
export interface DialerPort {
  /** A byte stream to the target. Throws SluiceError `tunnel.down`, `tunnel.forbidden`, `tunnel.incompatible` or `target.unreachable`. */
  dial(wish: DialWish): Promise<import('node:stream').Duplex>
}

export interface SshLoginPort {
  forTarget(asked: { readonly user: string; readonly session: string; readonly principal: Principal }): {
    /** In OpenSSH's format. */
    readonly key: Secret
    /** As SSH writes it. */
    readonly certificate: Buffer
  }
}

export interface IdentityPort {
  /** Who presents this claim, or undefined. Takes the same time whether the proof is unknown, expired or revoked. */
  authenticate(claim: Claim): Promise<Principal | undefined>
  /** Called when the principal's proof ends (revoked, expired, killed). Returns the unsubscriber. */
  onRevoked(principal: Principal, ended: (why: string) => void): () => void
  /** Begins a sign-in that a person finishes in a browser; undefined while too many wait. Not there where nobody could. */
  readonly invite?: (asked: { readonly resource: string; readonly from: string }) => Invitation | undefined
  /** True while the kill switch keeps a resource, or everything, shut. */
  barred(resource: string): boolean
}

export interface DecisionRequest {
  readonly principal: Principal
  readonly resource: Resource
  readonly operation: Operation
  readonly call: Call
  readonly session: SessionFacts
  /** Milliseconds since the epoch. */
  readonly now_ms: number
  /** What was spent of budgets so far; without it, nothing was. */
  readonly spending?: Pick<SpendingPort, 'used'>
}

export interface PolicyPort {
  /** The policy in force now. Hot reload swaps it; a holder of an old one keeps deciding by the old one. */
  current(): Policy
  /** Told of every policy that comes into force from now on. Returns the unsubscriber. */
  onChange(listener: () => void): () => void
}

export interface Policy {
  /** Hex digest over all documents. */
  readonly version: string
  resource(name: string): Resource | undefined
  /** May this principal open this resource at all? An operation with the effect `connect` is not needed for that: any rule that could allow or approve something says yes. */
  mayOpen(principal: Principal, resource: Resource): boolean
  /** Never throws: an error in evaluation is a deny with the reason `policy.error`. */
  decide(request: DecisionRequest): Decision
  labels(resource: Resource): LabelIndex
  /** Programs the documents describe, beyond those every gateway knows. One object per version. */
  readonly commands?: CommandTable
}

export interface LedgerPort {
  /**
   * Adds an entry to this tick's batch and returns its index. `body` is the inside of a JSON object, without braces: `"session":"…","op":1`,
   * whole or in pieces. Does no I/O.
   */
  append(kind: EntryKind, body: string | readonly TextPiece[]): number
  /** Writes this tick's batch: `write(2)` has returned when it returns. Throws SluiceError `ledger.unwritable`; then nothing of the batch may be forwarded. */
  commit(): void
  /** Resolves when everything committed so far is on disk. Rejects with `ledger.unwritable`. */
  durable(): Promise<void>
}

export interface ApprovalRequest {
  readonly digest: string
  readonly session: string
  readonly principal: Principal
  readonly resource: string
  readonly database: string
  readonly verb: string
  readonly effects: readonly string[]
  readonly text: string
  /** Statements in the text, when it can hold several: approvers are told of more than one. */
  readonly statements?: number
  readonly parameters: readonly (string | null)[]
  readonly state: Readonly<Record<string, string>>
  readonly terms: readonly ApprovalTerms[]
  readonly policy: string
  readonly message: string
}

export type ApprovalEnd = 'approved' | 'rejected' | 'expired' | 'cancelled'

export interface PendingApproval {
  readonly id: string
  readonly url: string
  readonly expires_ms: number
  /** Settles when people or time decide. Never rejects. */
  readonly settled: Promise<ApprovalEnd>
  /** What the person who rejected it gave as a reason; empty until then, and when none was given. */
  why(): string
}

export interface ApprovalPort {
  /** Takes an approved, unexpired, unused approval of this digest by compare-and-set, or returns undefined. At most one caller ever gets it. */
  consume(digest: string): Promise<{ readonly id: string; readonly by: readonly string[] } | undefined>
  /** Opens a request, or joins the pending one of the same digest. */
  request(request: ApprovalRequest): Promise<PendingApproval>
  /** The one who asked has left. */
  cancel(id: string, why: string): Promise<void>
}

export interface RecorderPort {
  open(meta: SessionMeta): Recorder
}

export interface SecretPort {
  /** Resolves a source to its value. Throws SluiceError `vault.missing`. */
  read(source: import('./resource.ts').SecretSource): Promise<Secret>
  /** The key masks hash and tokenize with: one per installation. */
  readonly maskKey: Secret
}

/** Keeps other services' secrets closed at rest, each under its own name. */
export interface SealPort {
  seal(name: string, value: Secret): string
  /** Throws SluiceError `vault.key` for what was sealed under another name or key. */
  open(name: string, sealed: string): Secret
}

/** Live sessions, for `sluice sessions` and `sluice kill`. The engine provides it. */
export interface LiveSessions {
  list(): readonly LiveSession[]
  /** Tells a session to end, and waits for that a little: `ending` when it is not over by then, `unknown` when there is none of this id. */
  kill(id: string, by: string, why: string): Promise<'ended' | 'ending' | 'unknown'>
}

export interface LiveSession extends SessionMeta {
  readonly operations: number
  readonly rows: number
  readonly bytes: number
  readonly state: 'idle' | 'running' | 'held'
}
