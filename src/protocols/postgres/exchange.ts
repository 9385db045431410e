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
      readonly words?: Words
    }
  | {
      readonly kind: 'bind'
      readonly name: string
      readonly previous: Portal | undefined
      readonly portal?: Bound
      readonly words?: Words
    }
  | { readonly kind: 'describe'; readonly of: Prepared | Bound | Run | undefined; readonly hidden: boolean }
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
  }
  shift(): Exchange | undefined {
    const first = this.#items[this.#head]
    if (first === undefined) return undefined
    this.#head++
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
  }
}
