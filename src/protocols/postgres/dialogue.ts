import { sha256 } from '../../kit/digest.ts'
import { type TextScrubber, textScrubber } from '../../masking/index.ts'
import type { MaskDuty } from '../../model/decision.ts'
import { effects, hasEffect } from '../../model/effects.ts'
import type {
  Portal,
  PostgresSql,
  PreparedStatement,
  ResolvedStatement,
  SessionMirror,
  Transition,
} from '../../sql/postgres.ts'
import type { HeldNotice, Session, Wire } from '../contract.ts'
import type { CatalogueSource } from './catalogue.ts'
import { type Change, changeOf, type Exchange, ExchangeQueue, type Run } from './exchange.ts'
import { EXCHANGES } from './limits.ts'
import type { PlanMemory } from './plans.ts'
import { finishRun, restNoMore, startClock, stopClock } from './run.ts'
import type { Bound } from './statements.ts'

/** Effects after which the server may check constraints, or run triggers, that it had put off. */
const CHANGES = effects('write', 'delete', 'import', 'execute', 'unknown')

/** What an error takes back that comes later in the same batch. */
const UNDONE: ReadonlySet<Transition['kind']> = new Set(['searchPath', 'setting', 'created', 'redefined'])

export type TransactionStatus = 'I' | 'T' | 'E'

/** What a conversation is made of; the same for both of its sides. */
export interface DialogueParts {
  readonly session: Session
  readonly wire: Wire
  readonly sql: PostgresSql
  readonly source: CatalogueSource
  readonly mirror: SessionMirror
  readonly database: string
  readonly upstreamUser: string
  readonly replication: boolean
  /** Asks the target, out of band, to stop what this session runs. */
  readonly cancel: () => void
  /** Rows of each operation kept in the transcript. */
  readonly sampleRows: number
}

/** Which way COPY data flows now; both ways in replication. */
export type CopyState = 'none' | 'in' | 'out' | 'both'

/** The state both sides of a conversation share. */
export class Dialogue {
  readonly parts: DialogueParts
  readonly queue = new ExchangeQueue()
  readonly mirror: SessionMirror
  readonly plans: PlanMemory = new WeakMap()
  /** As of the last ReadyForQuery. */
  status: TransactionStatus = 'I'
  /** An error was or will be raised in the extended protocol: the server ignores everything until Sync, and so do we. */
  skipping = false
  copy: CopyState = 'none'
  /** COPY FROM STDIN on their way. */
  copiesIn = 0
  /** Portals whose operation was permitted and is neither running nor settled: bound with people's yes, or suspended. */
  readonly resting = new Set<Bound>()
  /** The client has the beginning of a message whose rest is still to come. */
  midMessage = false
  #notices: Buffer[] = []
  #watched: Run | undefined
  /** Statements in flight whose completion changes what later text means: names, search path, definitions. */
  unsettled = 0
  /** Statements since the last ReadyForQuery that may change how text is lexed, and those of them no Sync follows yet. */
  lexing = 0
  lexingOpen = 0
  /** A statement of a batch has changed what names mean; an error later in the batch takes that back. */
  #provisional = false
  /** Names what this session has set, in order: the same settings made in the same way. Empty when it has set nothing. */
  settings = ''
  /** Statements the server has completed. */
  statementsDone = 0
  /** Syncs seen. */
  batch = 0
  /** The catalogue may be older than what this session committed. */
  catalogueStale = false
  #defined = false
  over = false
  /** What waits for people now. */
  held: HeldNotice | undefined
  #waiters: (() => void)[] = []
  #duties: readonly MaskDuty[] | undefined
  /** Labelled values were read since the last ReadyForQuery, or written in a transaction that is open: what is said now may echo them. */
  #echoes = false
  #echoesLater = false
  /** Notifications this session listens to may carry labelled values. */
  listensMasked = false
  #scrubber: TextScrubber | undefined

  constructor(parts: DialogueParts) {
    this.parts = parts
    this.mirror = parts.mirror
  }

  /** What a value carries whose origin cannot be told. */
  everything(): readonly string[] {
    const { sql, source, session } = this.parts
    return sql.everything({ catalogue: source.current(), labels: session.labels() })
  }

  /** True while replies are on their way that decide what the next message means, or too many are. */
  mustWait(text: string): boolean {
    if (this.unsettled > 0 || this.queue.length > EXCHANGES) return true
    if (this.queue.namesInDoubt()) return true
    if (this.#provisional && this.queue.syncWaits) return true
    return this.lexing > 0 && this.lexingOpen === 0 && isLexedBySetting(text)
  }

  /** True for a name that exists while replies are on their way: whether it still will when the server gets there is not known. */
  nameInDoubt(previous: PreparedStatement | Portal | undefined, name: string): boolean {
    return name !== '' && previous !== undefined && this.queue.length > 0
  }

  /** COPY data may come: the server reads it, or a COPY FROM STDIN is on its way to it. */
  get copyMayCome(): boolean {
    return this.copy === 'in' || this.copy === 'both' || this.copiesIn > 0
  }

  /** The permitted operation whose results arrive now. */
  running(): Run | undefined {
    const { first } = this.queue
    return first && (first.kind === 'execute' || first.kind === 'query') ? first.run : undefined
  }

  /** An operation's time counts while the target works on it, not while it waits behind others or its portal rests. */
  watch(): void {
    const run = this.running()
    if (run === this.#watched) return
    if (this.#watched) stopClock(this.#watched)
    this.#watched = run
    if (run) startClock(this, run)
  }

  /** Says something of our own to the client, as soon as it stands between two messages of the target. */
  tell(message: Buffer): void {
    if (this.midMessage) this.#notices.push(message)
    else this.parts.wire.toClient(message)
  }

  /** A message that was passed in pieces is complete. */
  messageEnded(): void {
    this.midMessage = false
    for (const notice of this.#notices) this.parts.wire.toClient(notice)
    this.#notices = []
  }

  /** The session is over. What was forwarded and not answered has an outcome nobody knows. */
  end(): void {
    if (this.over) return
    this.over = true
    for (const exchange of this.queue.waiting()) {
      if ('run' in exchange && exchange.run) finishRun(this, exchange.run, 'unknown')
    }
    for (const portal of this.resting) restNoMore(this, portal)
    if (this.#watched) stopClock(this.#watched)
    this.wakeWaiters()
  }

  /** Resolves when a reply has arrived that may have settled what somebody waits for. The waiter looks again. */
  nextReply(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  wakeWaiters(): void {
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }

  /** Remembers the duties of the latest operation: what arrives outside any (notices, notifications) is scrubbed by them. */
  useDuties(duties: readonly MaskDuty[]): void {
    if (duties.length === 0 || duties === this.#duties) return
    this.#duties = duties
    this.#scrubber = textScrubber(duties, this.parts.session.maskKey)
  }

  get scrubber(): TextScrubber | undefined {
    return this.#scrubber
  }

  /** True when some labels are masked in this session. */
  get masks(): boolean {
    return this.#duties !== undefined
  }

  /** True when settings reported now, or constraints checked now, may show values of statements that are over (B19, B24). */
  get echoes(): { readonly settings: boolean; readonly errors: boolean } {
    return { settings: this.#echoes || this.#echoesLater, errors: this.#echoesLater }
  }

  /** The server completed a statement, whose results are masked by `duties`. */
  completed(statement: ResolvedStatement, duties: readonly MaskDuty[]): void {
    if (duties.length > 0 && statement.labelsRead.length > 0) {
      this.#echoes = true
      if (hasEffect(statement.effects, CHANGES)) this.#echoesLater = true
    }
    this.statementsDone++
    if (statement.transitions.length === 0) return
    for (const transition of statement.transitions)
      if (transition.kind === 'setting' || transition.kind === 'discard')
        this.settings = sha256(this.settings + JSON.stringify(transition))
    this.#provisional ||= statement.transitions.some(({ kind }) => UNDONE.has(kind))
    // Whoever notifies may put a labelled value in: nothing says where a payload comes from (B23).
    if (duties.length > 0 && statement.transitions.some(({ kind }) => kind === 'listen'))
      this.listensMasked = this.everything().length > 0
    this.mirror.apply(statement)
    if (statement.transitions.some(({ kind }) => kind === 'created' || kind === 'redefined')) this.#defined = true
  }

  /** ReadyForQuery arrived; `lexing` statements before it are known to have left lexing as it was. */
  ready(status: TransactionStatus, lexing: number): void {
    this.status = status
    this.#provisional = false
    this.#echoes = false
    if (status === 'I') this.#echoesLater = false
    this.lexing -= lexing
    this.mirror.transactionStatus(status)
    for (const portal of this.resting) {
      if (this.mirror.getPortal(portal.bind.portal) !== portal) restNoMore(this, portal)
    }
    if (status === 'I' && this.#defined) {
      this.#defined = false
      this.catalogueStale = true
      this.parts.source.invalidate()
    }
    this.wakeWaiters()
  }

  /** The ReadyForQuery that was to confirm these will not come: the next one behind `place` does. */
  reopenLexing(count: number, place: number): void {
    if (count === 0) return
    let at = place
    for (let next = this.queue.at(at); next; next = this.queue.at(++at)) {
      if (next.kind !== 'sync' || next.spent) continue
      next.lexing += count
      return
    }
    this.lexingOpen += count
  }

  /**
   * Takes back what exchanges did to names, because the server never carried them out. Where one that still waits has changed the name again,
   * it is that one which comes after what was before.
   */
  undo(dropped: readonly Exchange[]): void {
    const undone = new Set<string>()
    for (const exchange of dropped) {
      const change = changeOf(exchange)
      const key = change && `${change.of} ${change.name}`
      if (!change || undone.has(key!)) continue
      undone.add(key!)
      const { previous } = exchange as Changing
      const later = this.queue.changeAgain(change) as Changing | undefined
      if (later) later.previous = previous
      else this.#restore(change, previous)
    }
  }

  #restore({ of, name }: Change, previous: Changing['previous']): void {
    if (of === 'statement') {
      if (previous) this.mirror.setStatement(name, previous as PreparedStatement)
      else this.mirror.closeStatement(name)
    } else if (previous) this.mirror.setPortal(name, previous as Portal)
    else this.mirror.closePortal(name)
  }
}

/** What every exchange has that changes a name. */
interface Changing {
  previous: PreparedStatement | Portal | undefined
}

/**
 * True for text that reads differently under another standard_conforming_strings (a backslash) or client_encoding (a byte above 127):
 * all encodings a client may have agree on ASCII.
 */
export function isLexedBySetting(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === 0x5c || unit > 127) return true
  }
  return false
}
