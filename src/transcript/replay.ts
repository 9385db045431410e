import { Lru } from '../kit/lru.ts'
import type { TranscriptEvent } from '../model/transcript.ts'
import { type Cell, decodeRows } from './cells.ts'
import type { TranscriptLine } from './format.ts'
import { Layouts } from './layouts.ts'
import { WATCH_EVENTS } from './limits.ts'
import { type PlayedLine, placedLines } from './player.ts'

/** An event as it is replayed: rows decoded to text, `at` in milliseconds since the session opened. */
export type ReplayEvent = { readonly at: number } & (
  | Exclude<TranscriptEvent, { kind: 'rows' | 'output' | 'input' }>
  /** What a program wrote (`stream` 1, or 2 for errors) or was sent, in base64: characters may be cut between two events. */
  | { readonly kind: 'output'; readonly op: number; readonly stream: 1 | 2; readonly base64: string }
  | { readonly kind: 'input'; readonly op: number; readonly base64: string }
  | {
      readonly kind: 'rows'
      readonly op: number
      readonly columnsOf: number
      readonly rows: readonly (readonly Cell[])[]
    }
  /** Events given up: the disk refused them, or this watcher was too slow. */
  | { readonly kind: 'gap'; readonly events: number }
  | { readonly kind: 'end' }
)

/** Decodes a session's lines in order: rows follow the layout of the columns they name. */
export class Decoder {
  readonly #layouts: Layouts

  constructor(layouts = new Layouts()) {
    this.#layouts = layouts
  }

  /** Undefined for the line that only says whose session it is. */
  decode(line: PlayedLine): ReplayEvent | undefined {
    switch (line.kind) {
      case 'session':
        return undefined
      case 'columns':
        this.#layouts.set(line.op, line.columns)
        return line
      case 'rows': {
        const { at, kind, op, columnsOf, bytes } = line
        return { at, kind, op, columnsOf, rows: decodeRows(bytes, this.#layouts.of(columnsOf)) }
      }
      case 'output':
        return { at: line.at, kind: 'output', op: line.op, stream: line.stream, base64: base64(line.bytes) }
      case 'input':
        return { at: line.at, kind: 'input', op: line.op, base64: base64(line.bytes) }
      case 'unreadable':
        return { at: line.at, kind: 'notice', text: 'A line of this transcript cannot be read.' }
      default:
        return line
    }
  }
}

export interface ReplayPage {
  readonly events: readonly ReplayEvent[]
  /** The number to go on from; unset when there are no more for now. */
  readonly next?: number
}

/** Where a page ended, so that the next one need not read the file from its start. */
interface Bookmark {
  readonly offset: number
  /** Shared with whoever read further: a layout, once noted, does not change. */
  readonly layouts: Layouts
}

/** Reads transcripts page by page. Events count from 0. */
export class PageReader {
  readonly #bookmarks = new Lru<string, Bookmark>(256)

  async read(path: string, page: { readonly from: number; readonly limit: number }): Promise<ReplayPage> {
    const mark = this.#bookmarks.get(`${path}:${page.from}`)
    const layouts = mark?.layouts ?? new Layouts()
    const decoder = new Decoder(layouts)
    const events: ReplayEvent[] = []
    let number = mark ? page.from : 0
    for await (const { line, end } of placedLines(path, mark?.offset ?? 0)) {
      const event = decoder.decode(line)
      if (!event) continue
      if (number++ < page.from) continue
      events.push(event)
      if (events.length < page.limit) continue
      this.#bookmarks.set(`${path}:${number}`, { offset: end, layouts })
      return { events, next: number }
    }
    return { events }
  }
}

/** Events between a session, which never waits, and a watcher, who may. One that cannot keep up is told how many it missed. */
export class WatchQueue {
  readonly #lines: TranscriptLine[] = []
  readonly #signal: AbortSignal
  #missed = 0
  #last = 0
  #wake: () => void = () => {}

  constructor(signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  push(line: TranscriptLine): void {
    this.#last = line.at
    if (this.#lines.length >= WATCH_EVENTS && line.kind !== 'end') this.#missed++
    else this.#lines.push(line)
    this.#wake()
  }

  /** Until the session ends or the signal aborts. */
  async *lines(): AsyncGenerator<TranscriptLine> {
    while (!this.#signal.aborted) {
      const line = this.#lines.shift()
      if (line?.kind !== 'end' && line !== undefined) {
        yield line
      } else if (this.#missed > 0) {
        const events = this.#missed
        this.#missed = 0
        if (line) this.#lines.unshift(line)
        yield { at: this.#last, kind: 'gap', events }
      } else if (line) {
        yield line
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
