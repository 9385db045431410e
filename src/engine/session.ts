import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../kit/catalogue.ts'
import { SluiceError, toSluiceError } from '../kit/errors.ts'
import type { Secret } from '../kit/secret.ts'
import type { LabelIndex } from '../model/catalogue.ts'
import { type CommandTable, NO_COMMANDS } from '../model/commands.ts'
import type { Decision } from '../model/decision.ts'
import type { Call, Operation } from '../model/operation.ts'
import type { LiveSession, Ports } from '../model/ports.ts'
import type { Principal } from '../model/principal.ts'
import type { Resource, UpstreamUser } from '../model/resource.ts'
import type { Recorder, SessionMeta, TranscriptEvent } from '../model/transcript.ts'
import type {
  Conversation,
  HeldNotice,
  Located,
  Permit,
  Protocol,
  Refusal,
  Running,
  Session,
  Settlement,
  Upstream,
  Verdict,
  Wire,
} from '../protocols/contract.ts'
import { dialTarget, splitAddress } from './dial.ts'
import { Enforcer } from './enforce.ts'
import { principalPart } from './entries.ts'
import { LedgerGate } from './ledger-gate.ts'
import { locate } from './network.ts'
import { pump } from './pump.ts'
import type { StandingOperations } from './standing.ts'
import { readTargetPem } from './target-pem.ts'
import { targetSsh } from './target-ssh.ts'
import type { Tick } from './tick.ts'

export interface SessionParts {
  readonly ports: Ports
  readonly tick: Tick
  readonly standing: StandingOperations
  readonly protocol: Protocol
  readonly principal: Principal
  readonly resource: Resource
  readonly user: UpstreamUser
  readonly meta: SessionMeta
  readonly now_ms: () => number
  /** Told of an error of our own that ended the session. */
  readonly broken: (why: SluiceError) => void
  readonly closed: (session: GatewaySession) => void
}

/** One principal on one resource, from accept to close. */
export class GatewaySession implements Session {
  readonly #parts: SessionParts
  readonly #enforcer: Enforcer
  readonly #recorder: Recorder
  readonly #ended = new AbortController()
  readonly #left = new AbortController()
  readonly #unsubscribe: () => void
  #closed = false
  #sealed: () => void = () => {}
  /** Resolves once the session is over and its record sealed. */
  readonly over = new Promise<void>((resolve) => {
    this.#sealed = resolve
  })

  constructor(parts: SessionParts) {
    this.#parts = parts
    const { ports, meta, principal } = parts
    this.#recorder = ports.recorder.open(meta)
    this.#enforcer = new Enforcer({
      ports,
      tick: parts.tick,
      standing: parts.standing,
      protocol: parts.protocol,
      principal,
      resource: parts.resource,
      session: meta.id,
      database: meta.database,
      recorder: this.#recorder,
      ended: this.#ended.signal,
      left: this.#left.signal,
      now_ms: parts.now_ms,
    })
    this.#unsubscribe = ports.identity.onRevoked(principal, (why) => this.end(new SluiceError('identity.revoked', why)))
    const J = JSON.stringify
    ports.ledger.append(
      'open',
      `"session":"${meta.id}",${principalPart(principal)},"resource":${J(meta.resource)},"protocol":"${meta.protocol}","database":${J(meta.database)},` +
        `"upstreamUser":${J(meta.upstreamUser)},"from":${J(meta.from)},"client":${J(meta.client)}`,
    )
    parts.tick.touch()
  }

  get id(): string {
    return this.#parts.meta.id
  }
  get principal(): Principal {
    return this.#parts.principal
  }
  get resource(): Resource {
    return this.#parts.resource
  }
  get ended(): AbortSignal {
    return this.#ended.signal
  }
  get maskKey(): Secret {
    return this.#parts.ports.secrets.maskKey
  }

  commands(): CommandTable {
    return this.#parts.ports.policy.current().commands ?? NO_COMMANDS
  }

  labels(): LabelIndex {
    return this.#parts.ports.policy.current().labels(this.#parts.resource)
  }

  async dial(): Promise<Upstream> {
    const { resource, user, ports, meta } = this.#parts
    const password = user.password ? await ports.secrets.read(user.password) : undefined
    const pem = await readTargetPem(resource.tls, ports.secrets)
    const lost = (why: SluiceError) => this.end(why)
    const signal = this.#ended.signal
    return {
      stream: await dialTarget(resource, ports.tunnels, { signal, lost }),
      host: splitAddress(resource.address).host,
      user: user.name,
      password,
      ...(resource.protocol === 'ssh' && { ssh: await targetSsh({ ...this.#parts, session: meta.id }) }),
      database: meta.database || undefined,
      tls: resource.tls,
      pem,
      redial: () => dialTarget(resource, ports.tunnels, {}),
    }
  }

  judge(operation: Operation, call: Call): Decision {
    return this.#enforcer.judge(operation, call)
  }
  enforce(operation: Operation, call: Call, waiting: (held: HeldNotice) => void): Verdict | Promise<Verdict> {
    return this.#enforcer.enforce(operation, call, waiting)
  }
  stand(permit: Permit, running: Running): void {
    const ended: Running['ended'] = (...why) => {
      try {
        running.ended(...why)
      } catch (thrown) {
        // What cannot be ended by itself ends with its session: it must not run on, nor take others along.
        this.#parts.broken(toSluiceError(thrown))
        this.end(toSluiceError(thrown))
      }
    }
    this.#enforcer.stand(permit, { ...running, ended })
  }
  refuse(code: ErrorCode, text: string, detail: string): Refusal {
    return this.#enforcer.refuseOutright(code, text, detail)
  }
  settle(permit: Permit, result: Settlement): void {
    this.#enforcer.settle(permit, result)
  }
  note(event: TranscriptEvent): void {
    this.#recorder.note(event)
  }

  relay(client: Duplex, target: Duplex, converse: (wire: Wire) => Conversation): Promise<void> {
    return pump({
      client,
      target,
      tick: this.#parts.tick,
      ended: this.#ended.signal,
      left: () => this.#left.abort(),
      converse,
      broken: this.#parts.broken,
    })
  }

  carry(client: Duplex, target: Duplex): Duplex {
    const left = () => this.#left.abort()
    for (const event of ['end', 'error', 'close']) client.once(event, left)
    return new LedgerGate(target, this.#parts.tick)
  }

  locate(host: string): Promise<Located[]> {
    return locate(host)
  }

  /** Ends the session from outside: its client is told, its backend work is cancelled by the protocol. */
  end(why: SluiceError): void {
    if (!this.#ended.signal.aborted) this.#ended.abort(why)
  }

  /** Seals the record. Called once, when the protocol's serve has returned. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#left.abort()
    this.#enforcer.over()
    this.#unsubscribe()
    this.#parts.closed(this)
    const reason = this.#ended.signal.reason
    await this.#recorder.close(reason instanceof SluiceError ? `${reason.code}: ${reason.detail}` : undefined)
    const { operations, rows, bytes } = this.#enforcer.facts
    const why =
      reason instanceof SluiceError ? `,"reason":"${reason.code}","detail":${JSON.stringify(reason.detail)}` : ''
    this.#parts.ports.ledger.append(
      'close',
      `"session":"${this.id}","operations":${operations},"rows":${rows},"bytes":${bytes}${why}`,
    )
    this.#parts.tick.touch()
    this.#sealed()
  }

  live(): LiveSession {
    const { operations, rows, bytes, inFlight } = this.#enforcer.facts
    const state = this.#enforcer.held > 0 ? 'held' : inFlight > 0 ? 'running' : 'idle'
    return { ...this.#parts.meta, operations, rows, bytes, state }
  }
}
