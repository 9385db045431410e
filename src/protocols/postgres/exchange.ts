import type { Portal, PreparedStatement, ResolvedStatement } from '../../sql/postgres.ts'
import type { Permit, Refusal } from '../contract.ts'
import type { CopyMasker } from './copy-mask.ts'
import type { RowMasker } from './mask.ts'
import type { NativeError } from './reply.ts'
import type { ResultFields } from './results.ts'
import type { Bound, Prepared } from './statements.ts'

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
  /** The answer to a description we asked for ourselves, where there is no portal of ours to keep it. */
  described: ResultFields | undefined
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
  /** Rows that may still be recorded as a sample. */
  sample: number
  running: boolean
  /** Set when a limit cut it short: the target's cancellation error is replaced by this. */
  cut: Refusal | undefined
  timer: NodeJS.Timeout | undefined
}

/** A message forwarded to the target whose reply is still to come, in order. `words`: it is a stand-in that can only fail. */
export type Exchange =
  | {
      readonly kind: 'parse'
      readonly name: string
      readonly previous: PreparedStatement | undefined
      /** What the name stands for once the server has agreed, where it was believed taken. */
      readonly instead?: Prepared
      readonly words?: Words
    }
  | {
      readonly kind: 'bind'
      readonly name: string
      readonly previous: Portal | undefined
      readonly portal?: Bound
      readonly instead?: Bound
      readonly words?: Words
    }
  | {
      readonly kind: 'describe'
      readonly of: Prepared | Bound | Run | undefined
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
      readonly previous: PreparedStatement | undefined
    }
  | { readonly kind: 'close'; readonly of: 'portal'; readonly name: string; readonly previous: Portal | undefined }
  | { readonly kind: 'sync'; readonly lexing: number }
  | { readonly kind: 'query'; readonly run: Run | undefined; readonly lexing: number; readonly words?: Words }
  /** CopyDone or CopyFail was sent before the server was known to read COPY data. */
  | { readonly kind: 'copyEnd' }

/** First in, first out, without moving the rest on every step. */
export class ExchangeQueue {
  #items: Exchange[] = []
  #head = 0
  /** Of what waits: changes of any statement's name, and changes of any name but the unnamed ones. */
  #statements = 0
  #named = 0
  get length(): number {
    return this.#items.length - this.#head
  }
  get first(): Exchange | undefined {
    return this.#items[this.#head]
  }
  get last(): Exchange | undefined {
    return this.length > 0 ? this.#items[this.#items.length - 1] : undefined
  }
  push(exchange: Exchange): void {
    this.#items.push(exchange)
    this.#count(exchange, 1)
  }
  shift(): Exchange | undefined {
    const first = this.#items[this.#head]
    if (first === undefined) return undefined
    this.#head++
    this.#count(first, -1)
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return first
  }
  /** Everything waiting, first to last. */
  waiting(): readonly Exchange[] {
    return this.#items.slice(this.#head)
  }
  /** Replaces what waits. */
  replace(items: readonly Exchange[]): void {
    this.#items = [...items]
    this.#head = 0
    this.#statements = 0
    this.#named = 0
    for (const exchange of items) this.#count(exchange, 1)
  }

  #count(exchange: Exchange, by: 1 | -1): void {
    if (!isNameChange(exchange)) return
    if (changedName(exchange) === 'statement') this.#statements += by
    if (exchange.name !== '') this.#named += by
  }

  /**
   * True while it is open what a name stands for when the server reads a message sent now. An error before a Parse, Bind or Close makes the
   * server skip it, but only up to the next Sync: what the client sends behind that Sync meets the name as it was.
   */
  namesInDoubt(): boolean {
    if (this.#named === 0) return false
    let synced = false
    for (let i = this.#items.length - 1; i >= this.#head; i--) {
      const exchange = this.#items[i]!
      if (exchange.kind === 'sync') synced = true
      else if (isNameChange(exchange) && exchange.name !== '' && (synced || 'instead' in exchange)) return true
    }
    return false
  }

  /** The same for the unnamed statement or portal: made anew behind the last Sync, it is what it was made, or the server skips its use as well. */
  unnamedInDoubt(of: 'statement' | 'portal'): boolean {
    if (of === 'statement' && this.#statements === 0) return false
    let synced = false
    for (let i = this.#items.length - 1; i >= this.#head; i--) {
      const exchange = this.#items[i]!
      if (exchange.kind === 'sync') synced = true
      else if (isNameChange(exchange) && exchange.name === '' && changedName(exchange) === of) return synced
    }
    return false
  }
}

type NameChange = Extract<Exchange, { readonly name: string }>

function isNameChange(exchange: Exchange): exchange is NameChange {
  return 'name' in exchange
}

function changedName(exchange: NameChange): 'statement' | 'portal' {
  if (exchange.kind === 'close') return exchange.of
  return exchange.kind === 'parse' ? 'statement' : 'portal'
}
