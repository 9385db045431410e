import type { Duplex } from 'node:stream'
import { refusal } from '../../src/engine/refusal.ts'
import type { ErrorCode } from '../../src/kit/catalogue.ts'
import { SluiceError, toSluiceError } from '../../src/kit/errors.ts'
import { Secret } from '../../src/kit/secret.ts'
import type { Catalogue, LabelIndex } from '../../src/model/catalogue.ts'
import { type CommandTable, NO_COMMANDS } from '../../src/model/commands.ts'
import { type Decision, NO_OBLIGATIONS, type Obligations, type Outcome } from '../../src/model/decision.ts'
import type { Call, Operation } from '../../src/model/operation.ts'
import type { TranscriptEvent } from '../../src/model/transcript.ts'
import type {
  Conversation,
  HeldNotice,
  Permit,
  Refusal,
  Session,
  Settlement,
  Upstream,
  Verdict,
  Wire,
} from '../../src/protocols/contract.ts'
import type { CatalogueSource } from '../../src/protocols/postgres/catalogue.ts'
import { PostgresConversation } from '../../src/protocols/postgres/conversation.ts'
import { PostgresSql, SessionMirror } from '../../src/sql/postgres.ts'
import { framesOf, said } from './frames.ts'
import { NO_LABEL_INDEX } from './sketch.ts'
import { printed } from './wire.ts'

/** What a session in a test thinks of an operation. */
export interface Opinion {
  readonly outcome: Outcome
  readonly obligations?: Obligations
}

/** What stands instead of policy, labels and catalogue. */
export interface Regime {
  readonly decide: (operation: Operation, call: Call) => Opinion
  readonly labels?: LabelIndex
  readonly catalogue?: Catalogue
  readonly sampleRows?: number
  readonly replication?: boolean
}

interface Held {
  readonly answer: (approved: boolean) => void
}

/**
 * One conversation in memory: a Session whose opinions a test gives, a Wire that keeps what is emitted, and between them the real
 * PostgresConversation with the real understanding of SQL and the real masking. Nothing in it depends on time.
 */
export class Talk implements Wire, Session {
  static readonly #sql = PostgresSql.load(15)

  readonly id = 'ses_test'
  readonly principal = {
    kind: 'human',
    id: 'human:ada',
    name: 'ada',
    groups: [],
    claims: {},
    credential: 'tok',
  } as const
  readonly resource = {
    name: 'orders',
    protocol: 'postgres',
    labels: {},
    address: 'localhost:5432',
    users: [{ name: 'app' }],
    tls: { mode: 'disable' },
  } as const
  readonly ended = new AbortController().signal
  readonly maskKey = new Secret('a key for tests')

  /** Everything emitted, joined. */
  readonly toClientBytes: Buffer[] = []
  readonly toTargetBytes: Buffer[] = []
  /** Decisions, in order. */
  readonly asked: string[] = []
  /** For each of them, how many bytes had been sent to the target before. */
  readonly askedAfter: number[] = []
  /** What the target's messages led to, in order. */
  readonly told: string[] = []
  /** Texts granted and judged, in order. */
  readonly granted: string[] = []
  readonly judged: string[] = []
  /** Permits that were not settled yet. Settling one twice throws. */
  readonly open = new Set<Permit>()
  /** Called when something was emitted. */
  emitted: () => void = () => {}
  cancels = 0
  parked = false
  over = false
  /** Why it ended, where it was not by leave-taking. */
  failure: SluiceError | undefined

  readonly #regime: Regime
  readonly #conversation: Conversation
  readonly #held: Held[] = []
  #operations = 0
  #sent = 0
  #inbox: Buffer[] = []

  private constructor(regime: Regime, sql: PostgresSql) {
    this.#regime = regime
    const source = {
      current: () => regime.catalogue,
      get: async () => regime.catalogue ?? Promise.reject(new SluiceError('target.catalogue')),
      invalidate: () => {},
    }
    this.#conversation = new PostgresConversation({
      session: this,
      wire: this,
      sql,
      source: source as unknown as CatalogueSource,
      mirror: new SessionMirror(),
      database: 'shop',
      upstreamUser: 'app',
      replication: regime.replication ?? false,
      cancel: () => {
        this.cancels++
        this.told.push('cancel')
      },
      sampleRows: regime.sampleRows ?? 20,
    })
  }

  static async open(regime: Regime): Promise<Talk> {
    return new Talk(regime, await Talk.#sql)
  }

  /** Lets everything run that waits for nothing but its turn. */
  static async settled(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  get toClientAll(): Buffer {
    return Buffer.concat(this.toClientBytes)
  }
  get toTargetAll(): Buffer {
    return Buffer.concat(this.toTargetBytes)
  }
  /** Whole messages for the client since the last call, printed. */
  heard(): string[] {
    const { frames, rest } = framesOf(this.toClientAll)
    this.toClientBytes.splice(0, this.toClientBytes.length, rest)
    return frames.map(({ type, bytes }) => printed({ type, body: bytes.subarray(5) }))
  }
  /** Whole messages for the target since the last call, printed. */
  sent(): string[] {
    const { frames, rest } = framesOf(this.toTargetAll)
    this.toTargetBytes.splice(0, this.toTargetBytes.length, rest)
    return frames.map(said)
  }
  /** Operations that wait for people. */
  get held(): number {
    return this.#held.length
  }
  /** Client bytes that wait because the client side is parked. */
  get waiting(): number {
    return this.#inbox.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** The client says this in one piece, and everything that waits for nothing happens. */
  async says(...messages: readonly Buffer[]): Promise<void> {
    this.fromClient(Buffer.concat(messages))
    await Talk.settled()
  }
  /** The target answers this in one piece, and everything that waits for nothing happens. */
  async answers(...messages: readonly Buffer[]): Promise<void> {
    this.fromTarget(Buffer.concat(messages))
    await Talk.settled()
  }
  fromClient(chunk: Buffer): void {
    if (this.over) return
    if (this.parked) this.#inbox.push(chunk)
    else this.#work(() => this.#conversation.fromClient(chunk))
  }
  fromTarget(chunk: Buffer): void {
    if (this.over) return
    const before = this.toClientBytes.length
    const own = Buffer.from(chunk)
    this.#work(() => {
      if (!this.#conversation.fromTarget(own)) return
      // Nothing of it is kept, it says: what was emitted is copied as the socket does, and the rest must not be missed.
      for (let i = before; i < this.toClientBytes.length; i++)
        this.toClientBytes[i] = Buffer.from(this.toClientBytes[i]!)
      own.fill(0xaa)
    })
  }
  clientLeft(): void {
    if (this.over) return
    this.#work(() => this.#conversation.clientLeft())
    this.over = true
  }
  targetLeft(): void {
    if (this.over) return
    this.#work(() => this.#conversation.targetLeft())
    this.over = true
  }
  #ask(line: string): void {
    this.asked.push(line)
    this.askedAfter.push(this.#sent)
  }

  /** People answer what was asked first. */
  async decided(approved: boolean): Promise<void> {
    const held = this.#held.shift()
    if (!held) throw new Error('nothing is held')
    held.answer(approved)
    await Talk.settled()
  }

  #work(step: () => void): void {
    try {
      step()
    } catch (thrown) {
      this.fail(toSluiceError(thrown))
    }
  }

  // Wire

  toClient(bytes: Buffer): void {
    this.toClientBytes.push(bytes)
    this.emitted()
  }
  toTarget(bytes: Buffer): void {
    if (this.over) return
    this.toTargetBytes.push(bytes)
    this.#sent += bytes.length
    this.emitted()
  }
  park(): void {
    this.parked = true
  }
  unpark(): void {
    this.parked = false
    while (!this.parked && !this.over) {
      const chunk = this.#inbox.shift()
      if (chunk === undefined) break
      this.#work(() => this.#conversation.fromClient(chunk))
    }
  }
  finish(): void {
    this.over = true
    this.emitted()
  }
  fail(why: SluiceError): void {
    if (this.over) return
    this.over = true
    this.failure = why
    this.toClientBytes.push(this.#conversation.lastWords(why))
    this.emitted()
  }

  // Session

  commands(): CommandTable {
    return NO_COMMANDS
  }
  labels(): LabelIndex {
    return this.#regime.labels ?? NO_LABEL_INDEX
  }
  dial(): Promise<Upstream> {
    throw new Error('not in a test')
  }
  relay(_client: Duplex, _target: Duplex): Promise<void> {
    throw new Error('not in a test')
  }
  carry(): Duplex {
    throw new Error('not in a test')
  }
  locate(): Promise<never[]> {
    throw new Error('not in a test')
  }
  stand(): void {}

  judge(operation: Operation, call: Call): Decision {
    const { outcome, obligations = NO_OBLIGATIONS } = this.#regime.decide(operation, call)
    if (outcome !== 'deny') this.judged.push(call.text)
    return {
      outcome,
      reason: outcome === 'deny' ? 'policy.denied' : 'policy.allowed',
      rule: 'test',
      matched: ['test'],
      message: '',
      hint: '',
      obligations: outcome === 'deny' ? NO_OBLIGATIONS : obligations,
      approvals: [],
      policy: 'test',
      cacheable: false,
      shadow: [],
    }
  }
  enforce(operation: Operation, call: Call, waiting: (held: HeldNotice) => void): Verdict | Promise<Verdict> {
    const op = ++this.#operations
    const { outcome, obligations } = this.judge(operation, call)
    const parameters = call.parameters?.() ?? []
    this.#ask(`${outcome} ${op} ${operation.verb}: ${call.text} (${parameters.join()})`)
    if (outcome === 'deny') return refusal('policy.denied', { op, rule: 'test' })
    if (outcome === 'allow') return this.#grant(op, call, obligations)
    return this.#hold(op, call, obligations, waiting)
  }
  async #hold(op: number, call: Call, obligations: Obligations, waiting: (held: HeldNotice) => void): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#held.push({ answer: resolve })
    // The engine asks its store first: the client is never told in the same breath.
    await Promise.resolve()
    waiting({
      id: `apr_${op}`,
      url: 'http://test/',
      rule: 'test',
      message: 'ask',
      hold_ms: 1000,
      expires: '2026-01-01',
      withdraw: () => resolve(false),
    })
    if (await promise) return this.#grant(op, call, obligations)
    return refusal('approval.rejected', { op, rule: 'test', status: 'rejected' })
  }
  #grant(op: number, call: Call, obligations: Obligations): Permit {
    const permit: Permit = { granted: true, op, obligations }
    this.open.add(permit)
    this.granted.push(call.text)
    return permit
  }
  refuse(code: ErrorCode, text: string, detail: string): Refusal {
    const op = ++this.#operations
    this.#ask(`refuse ${op} ${code}: ${text} (${detail})`)
    return refusal(code, { op, hint: detail })
  }
  settle(permit: Permit, result: Settlement): void {
    if (!this.open.delete(permit)) throw new Error(`operation ${permit.op} was settled twice, or never granted`)
    this.told.push(`settle ${permit.op} ${JSON.stringify(result)}`)
  }
  note(event: TranscriptEvent): void {
    const last = this.told.at(-1)
    if (event.kind !== 'rows') return void this.told.push(`note ${JSON.stringify(event)}`)
    // Rows that come in one piece are noted at once, others one by one: what is noted of them is the same.
    const head = `rows ${event.op} ${event.columnsOf} `
    const bytes = Buffer.from(event.bytes).toString('latin1')
    if (last?.startsWith(head)) this.told[this.told.length - 1] = last + bytes
    else this.told.push(head + bytes)
  }
}
