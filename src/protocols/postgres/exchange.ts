import type { Portal, PreparedStatement, ResolvedStatement } from '../../sql/postgres.ts'
import type { Permit, Refusal } from '../contract.ts'
import type { CopyMasker } from './copy-mask.ts'
import type { RowMasker } from './mask.ts'
import type { NativeError } from './reply.ts'
import type { Bound, Description, Prepared } from './statements.ts'

/** What the client hears in place of the error our stand-in provoked. */
export type Words = { readonly refusal: Refusal } | { readonly native: NativeError }

/** One permitted operation while its results come back. */
export interface Run {
  readonly permit: Permit
  readonly statements: readonly ResolvedStatement[]
  /** The statement whose result is arriving. */
  index: number
  /** The portal it runs through; undefined for a simple Query and for a cursor made by SQL. */
  readonly portal: Bound | undefined
  /** Its portal's, where there is one of ours; else the answer to a description we asked for ourselves. */
  readonly description: Description
  /** True once it is known how to treat the rows of the result that is arriving. */
  planned: boolean
  masker: RowMasker | undefined
  copyMasker: CopyMasker | undefined
  /** Operation whose `columns` event describes the sampled rows. */
  columnsOf: number
  /** Rows and bytes of results passed to the client so far, over all statements. */
  rows: number
  bytes: number
  tag: string
  /** Rows that may still be recorded as a sample, and bytes of them. */
  sample: number
  sampleBytes: number
  running: boolean
  /** Set when a limit cut it short: the target's cancellation error is replaced by this. */
  cut: Refusal | undefined
  /** Milliseconds it may still run, where that is limited; since when it runs; what then ends it. */
  left_ms: number | undefined
  started_ms: number
  timer: NodeJS.Timeout | undefined
  /** Messages on their way that make the target work on it. */
  inFlight: number
}

/** A message forwarded to the target whose reply is still to come, in order. `words`: it is a stand-in that can only fail. */
export type Exchange =
  | {
      readonly kind: 'parse'
      readonly name: string
      previous: PreparedStatement | undefined
      /** What the name stands for once the server has agreed, where it was believed taken. */
      readonly instead?: Prepared
      readonly words?: Words
    }
  | {
      readonly kind: 'bind'
      readonly name: string
      previous: Portal | undefined
      readonly portal?: Bound
      readonly instead?: Bound
      readonly words?: Words
    }
  | {
      readonly kind: 'describe'
      /** Who waits for the answer. */
      readonly of: Description | undefined
      readonly ours?: Prepared | Bound | undefined
      /** Whose columns it names, where that matters. */
      readonly statement?: ResolvedStatement | undefined
      readonly hidden: boolean
      readonly words?: Words
    }
  | { readonly kind: 'execute'; readonly run: Run | undefined; readonly words?: Words }
  | {
      readonly kind: 'close'
      readonly of: 'statement'
      readonly name: string
      previous: PreparedStatement | undefined
    }
  | { readonly kind: 'close'; readonly of: 'portal'; readonly name: string; previous: Portal | undefined }
  | Sync
  | {
      readonly kind: 'query'
      readonly run: Run | undefined
      readonly lexing: number
      /** The unnamed statement, which it destroys; absent for a function call, which does not. */
      previous?: PreparedStatement | undefined
      readonly words?: Words
    }
  /** CopyDone or CopyFail was sent before the server was known to read COPY data. */
  | { readonly kind: 'copyEnd' }

export interface Sync {
  readonly kind: 'sync'
  /** Statements before it that may change how text is lexed, back to the Sync or Query before. */
  lexing: number
  /** The server met it while it read COPY data, and threw it away. */
  spent: boolean
}

/** First in, first out. Nothing in it takes longer the more waits: a client decides how much does. */
export class ExchangeQueue {
  #items: Exchange[] = []
  #head = 0
  /** Exchanges removed from the items' front, so that places stay what they are. */
  #gone = 0
  /** Of what waits: changes of names but the unnamed ones, those of them behind the last Sync, and those of a name believed taken. */
  #named = 0
  #namedOpen = 0
  #instead = 0
  /** Places of the last Sync and of the last changes of the unnamed statement and portal. */
  #sync = -1
  #unnamed = { statement: -1, portal: -1 }

  get length(): number {
    return this.#items.length - this.#head
  }
  /** A Sync waits for its ReadyForQuery: what comes behind it is of another batch. */
  get syncWaits(): boolean {
    return this.#sync >= this.#gone + this.#head
  }
  get first(): Exchange | undefined {
    return this.#items[this.#head]
  }
  get last(): Exchange | undefined {
    return this.length > 0 ? this.#items[this.#items.length - 1] : undefined
  }
  /** What waits at place `i`, the first at 0. */
  at(i: number): Exchange | undefined {
    return this.#items[this.#head + i]
  }
  push(exchange: Exchange): void {
    const place = this.#gone + this.#items.length
    this.#items.push(exchange)
    if (exchange.kind === 'sync') {
      this.#sync = place
      this.#namedOpen = 0
    }
    if (exchange.kind === 'query' && 'previous' in exchange) this.#unnamed.statement = place
    if (!isNameChange(exchange)) return
    if (exchange.name === '') this.#unnamed[changedName(exchange)] = place
    else {
      this.#named++
      this.#namedOpen++
      if ('instead' in exchange) this.#instead++
    }
  }
  shift(): Exchange | undefined {
    const first = this.#remove()
    while (this.first && isSpent(this.first)) this.#remove()
    return first
  }
  /** Removes everything before place `end`; hands it out in order. */
  drop(end: number): Exchange[] {
    const dropped: Exchange[] = []
    for (let i = 0; i < end; i++) dropped.push(this.#remove()!)
    return dropped
  }
  /** The first of what waits that changes the same name. */
  changeAgain({ of, name }: Change): Exchange | undefined {
    if (name === '' ? this.#unnamed[of] < this.#gone + this.#head : this.#named === 0) return undefined
    for (let i = this.#head; i < this.#items.length; i++) {
      const change = changeOf(this.#items[i]!)
      if (change?.name === name && change.of === of) return this.#items[i]
    }
    return undefined
  }
  /** Everything waiting, first to last. */
  waiting(): readonly Exchange[] {
    return this.#items.slice(this.#head)
  }

  #remove(): Exchange | undefined {
    const first = this.#items[this.#head]
    if (first === undefined) return undefined
    this.#head++
    if (isNameChange(first) && first.name !== '') {
      this.#named--
      this.#namedOpen = Math.min(this.#namedOpen, this.#named)
      if ('instead' in first) this.#instead--
    }
    if (this.#head === this.#items.length) this.#items.length = 0
    else if (this.#head >= 1024) this.#items = this.#items.slice(this.#head)
    else return first
    this.#gone += this.#head
    this.#head = 0
    return first
  }

  /**
   * True while it is open what a name stands for when the server reads a message sent now. An error before a Parse, Bind or Close makes the
   * server skip it, but only up to the next Sync: what the client sends behind that Sync meets the name as it was.
   */
  namesInDoubt(): boolean {
    return this.#instead > 0 || this.#named > this.#namedOpen
  }

  /** The same for the unnamed statement or portal: made anew behind the last Sync, it is what it was made, or the server skips its use as well. */
  unnamedInDoubt(of: 'statement' | 'portal'): boolean {
    const place = this.#unnamed[of]
    return place >= this.#gone + this.#head && this.#sync > place
  }
}

/** What a message does to a name at once, if the server does not skip it. */
export interface Change {
  readonly of: 'statement' | 'portal'
  readonly name: string
}

const UNNAMED_STATEMENT: Change = { of: 'statement', name: '' }

/** Undefined for what changes no name, or only once the server has agreed. */
export function changeOf(exchange: Exchange): Change | undefined {
  if (exchange.kind === 'query') return 'previous' in exchange ? UNNAMED_STATEMENT : undefined
  if (!isNameChange(exchange) || 'instead' in exchange) return undefined
  // A Parse that fails destroys the unnamed statement whatever it says; other refused messages change nothing.
  if ('words' in exchange && (exchange.kind !== 'parse' || exchange.name !== '')) return undefined
  return { of: changedName(exchange), name: exchange.name }
}

/** No reply comes for it: a Sync the server met during COPY, or an end of COPY data it met outside. */
function isSpent(exchange: Exchange): boolean {
  return exchange.kind === 'copyEnd' || (exchange.kind === 'sync' && exchange.spent)
}

type NameChange = Extract<Exchange, { readonly name: string }>

function isNameChange(exchange: Exchange): exchange is NameChange {
  return exchange.kind === 'parse' || exchange.kind === 'bind' || exchange.kind === 'close'
}

function changedName(exchange: NameChange): 'statement' | 'portal' {
  if (exchange.kind === 'close') return exchange.of
  return exchange.kind === 'parse' ? 'statement' : 'portal'
}
