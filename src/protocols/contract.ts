import type { Duplex } from 'node:stream'
import type { SecureContext } from 'node:tls'
import type { ErrorCode } from '../kit/catalogue.ts'
import type { SluiceError } from '../kit/errors.ts'
import type { Secret } from '../kit/secret.ts'
import type { LabelIndex } from '../model/catalogue.ts'
import type { CommandTable } from '../model/commands.ts'
import type { Decision, ObligationKind, Obligations } from '../model/decision.ts'
import type { Network } from '../model/facts.ts'
import type { Call, Operation } from '../model/operation.ts'
import type { Claim, Invitation, Principal } from '../model/principal.ts'
import type { Resource, TargetTls } from '../model/resource.ts'
import type { OutcomeStatus, TranscriptEvent } from '../model/transcript.ts'

/** The contract between the engine and a protocol (design §5). A protocol brings its words; the flow is the engine's. */
export interface Protocol {
  readonly name: string
  /** An obligation outside this set turns an allow into a refusal. */
  readonly fulfils: ReadonlySet<ObligationKind>
  /** Speaks with one client; returns when the session is over. Never throws for what a peer did. */
  serve(client: ClientStream, gate: Gate): Promise<void>
}

export type ClientStream = Duplex & { readonly remoteAddress?: string | undefined }

/** All a protocol knows of the world. */
export interface Gate {
  /** Undefined when the gateway has no certificate: then TLS is declined. */
  readonly tls: SecureContext | undefined
  /** True when the client is on this machine: a token may then be sent without TLS. */
  readonly loopback: boolean
  /** Aborts when the gateway shuts down. */
  readonly closing: AbortSignal
  /**
   * A sign-in that a person finishes in a browser; undefined when there are too many. Not there when nobody could: no address people reach
   * the gateway by.
   */
  readonly invite?: ((wanted: Wanted, from: string) => Invitation | undefined) | undefined
  /**
   * A Refusal is `identity.refused` for a wrong proof, whatever was asked for. For a caller whose proof holds it is `identity.nowhere`, the same
   * for an unknown resource and one that is forbidden.
   */
  open(claim: Claim, wanted: Wanted): Promise<Session | Refusal>
}

/** What a client asked to reach. */
export interface Wanted {
  readonly resource: string
  /** The upstream account it picked, if it picked one. */
  readonly user?: string | undefined
  readonly database?: string | undefined
  /** The client's own name of itself (application_name), untrusted. */
  readonly client?: string | undefined
}

export interface Session {
  readonly id: string
  readonly principal: Principal
  readonly resource: Resource
  /** Aborts with a SluiceError as its reason: revoked, killed, expired, shutting down. */
  readonly ended: AbortSignal
  /** Labels under the policy in force now. Identity changes when policy does. */
  labels(): LabelIndex
  /** Programs the policy in force describes. Identity changes when policy does. */
  commands(): CommandTable
  readonly maskKey: Secret
  /** Byte stream to the target, and the credential to log in with. Throws SluiceError `target.unreachable`. */
  dial(): Promise<Upstream>
  /** What policy would say now: no record, nobody asked. For a message that prepares an operation without running it. */
  judge(operation: Operation, call: Call): Decision
  /**
   * Decides one operation, records the decision and hands out the Permit or the Refusal. Synchronous unless people must be asked:
   * then `waiting` is called once with what to tell the client, and the promise settles with their answer. It never rejects.
   */
  enforce(operation: Operation, call: Call, waiting: (held: HeldNotice) => void): Verdict | Promise<Verdict>
  /**
   * Has a permitted operation that runs on judged again, as if it began now, whenever another policy comes into force, until it is settled.
   * What policy would no longer permit is told by `ended`, once; the protocol ends it and settles its Permit.
   */
  stand(permit: Permit, running: Running): void
  /** Records a refusal that needs no policy (it does not parse, it would copy masked data) and returns it. `detail` may be shown to the caller. */
  refuse(code: ErrorCode, text: string, detail: string): Refusal
  /** Reports what became of a permitted operation. Exactly once per Permit. */
  settle(permit: Permit, result: Settlement): void
  note(event: TranscriptEvent): void
  /** Carries bytes both ways through the conversation until either side leaves or the session ends. Never rejects. */
  relay(client: Duplex, target: Duplex, converse: (wire: Wire) => Conversation): Promise<void>
  /**
   * For a protocol whose library owns its streams, in place of `relay`: the target's stream for the library to use. What it writes there
   * leaves once the ledger of the same turn is written. From now on a client that leaves is seen, and its held operations are cancelled.
   */
  carry(client: Duplex, target: Duplex): Duplex
  /** The addresses a name stands for, as the gateway resolves it, and where they lie; none for a name it does not know. Never rejects. */
  locate(host: string): Promise<readonly Located[]>
}

/** An address, and where it lies. */
export interface Located {
  readonly address: string
  readonly network: Network
}

export interface Upstream {
  readonly stream: Duplex
  readonly host: string
  readonly user: string
  readonly password: Secret | undefined
  /** What SSH logs in with, and what it knows the target by. */
  readonly ssh?: UpstreamSsh
  readonly database: string | undefined
  readonly tls: TargetTls
  /** What the files `tls` names hold. */
  readonly pem?: TargetPem
  /** A second connection to the same target, for an out-of-band cancel or a catalogue query. */
  redial(): Promise<Duplex>
}

export interface UpstreamSsh {
  /** A private key, in OpenSSH's or PEM form. */
  readonly key?: Secret
  /** The certificate for `key`, as SSH writes it. */
  readonly certificate?: Buffer
  /** Public keys the target may show, as SSH writes them. */
  readonly hostKeys: readonly Buffer[]
}

/** The texts of PEM files. */
export interface TargetPem {
  readonly ca?: string
  readonly cert?: string
  readonly key?: Secret
}

/** Proof that one operation passed enforcement. Only `engine/enforce.ts` mints one; its class is not exported. */
export interface Permit {
  readonly granted: true
  /** The operation's number within its session, from 1. */
  readonly op: number
  readonly obligations: Obligations
  /** People have said yes to it. */
  readonly approved?: boolean
}

/** A permitted operation that runs on. */
export interface Running {
  readonly operation: Operation
  readonly call: Call
  /** False where nothing of it can be masked: a duty to mask then refuses it. */
  readonly masks: boolean
  /** `why` is a sentence for whoever runs it; `tag` is for the record. Never throws: what runs later ends its own session. */
  readonly ended: (why: string, tag: string) => void
}

/** The one JSON shape of every refusal everywhere (design §9). */
export interface Refusal {
  readonly granted: false
  readonly op: number
  readonly status: 'denied' | 'pending' | 'rejected' | 'expired' | 'error'
  /** From the error catalogue. */
  readonly code: string
  readonly rule: string
  readonly message: string
  readonly hint: string
  readonly retry: boolean
  readonly approval?: { readonly id: string; readonly url: string; readonly expires: string }
}

export type Verdict = Permit | Refusal

export interface HeldNotice {
  readonly id: string
  readonly url: string
  readonly rule: string
  readonly message: string
  readonly hold_ms: number
  readonly expires: string
  /** The client takes its operation back, or it lost its ground (`why`, for the record): the request is cancelled, and the verdict is a refusal. */
  withdraw(why?: string): void
}

export interface Settlement {
  readonly status: OutcomeStatus
  readonly tag: string
  readonly rows: number
  readonly bytes: number
}

/** The sans-I/O heart of a length-prefixed protocol: bytes in, emissions out through its Wire. The pump drives it. */
export interface Conversation {
  /** Bytes from the client. May throw SluiceError: the session ends with `lastWords`. */
  fromClient(chunk: Buffer): void
  /** Returns true when nothing of the chunk is kept but what was emitted: its memory is then given back as soon as that is written. */
  fromTarget(chunk: Buffer): boolean
  /** The target closed its side. */
  targetLeft(): void
  /** The client closed its side. */
  clientLeft(): void
  /** What to tell the client before its connection closes, given why. May be empty. */
  lastWords(why: SluiceError): Buffer
}

export interface Wire {
  toClient(bytes: Buffer): void
  /** Leaves for the target at the end of this tick, after the ledger is written. */
  toTarget(bytes: Buffer): void
  /** Blind the client side: its bytes wait in a bounded inbox until `unpark`. A client that leaves is still seen. */
  park(): void
  unpark(): void
  /** Ends the session, flushing what was emitted. */
  finish(): void
  /** Ends the session at once with an error the client is told of. */
  fail(why: SluiceError): void
}

/** Tells a Session from a Refusal. */
export function isRefusal(value: Session | Verdict): value is Refusal {
  return 'granted' in value && value.granted === false
}
