import { hash } from 'node:crypto'
import type { Recorder, SessionMeta, TranscriptEvent } from '../model/transcript.ts'
import { countRows, eventLine, rowsLine, sessionLine, type TranscriptLine } from './format.ts'
import { Layouts } from './layouts.ts'
import { CHUNK_units, REFUSED_rows_units, REFUSED_units, SAMPLE_bytes } from './limits.ts'

/** Bytes of one write; `offset` is where they stand in the file. */
export interface Chunk {
  readonly number: number
  readonly offset: number
  readonly bytes: Buffer
  readonly sha256: string
  /** The last one: nothing follows. */
  readonly sealed: boolean
}

/** What a recorder needs of the house it lives in. */
export interface RecorderHost {
  readonly sampleRows: number
  /** Milliseconds from an arbitrary start. */
  monotonic_ms(): number
  /** Something waits where nothing did. */
  dirty(recorder: SessionRecorder): void
  /** A chunk's worth waits. */
  full(recorder: SessionRecorder): void
  /** The session is over. Resolves when everything is written. */
  end(recorder: SessionRecorder): Promise<void>
}

export type Watcher = (line: TranscriptLine) => void

/** One session's events as text, until they are written. Idle, it costs a few hundred bytes and no file. */
export class SessionRecorder implements Recorder {
  readonly meta: SessionMeta
  readonly #host: RecorderHost
  readonly #opened: number
  #pending = ''
  #started = false
  #sealing = false
  #ended: Promise<void> | undefined
  #offset = 0
  #chunks = 0
  #gap = 0
  /** The operation whose rows are being sampled, and what is left of its sample. */
  #rowsOp = 0
  #rowsLeft = 0
  #bytesLeft = 0
  #watchers: Set<Watcher> | undefined
  /** What the session index tells of it. */
  operations = 0
  rows = 0
  bytes = 0
  endedWhy: string | undefined
  /** Layouts noted so far, for one who begins to watch in between. */
  readonly layouts = new Layouts()
  /** Being written, or refused by the disk and to be written again. */
  flying: Chunk | undefined
  /** Taken, and to be written after `flying`. */
  readonly queue: Chunk[] = []
  writing = false
  /** The disk refused the last write. */
  refused = false
  fd = -1

  constructor(meta: SessionMeta, host: RecorderHost) {
    this.meta = meta
    this.#host = host
    this.#opened = host.monotonic_ms()
  }

  /** UTF-16 units that wait to be written. */
  get pending(): number {
    return this.#pending.length
  }
  get ended(): boolean {
    return this.#sealing
  }

  note(event: TranscriptEvent): void {
    if (this.#sealing) return
    const at = this.#now()
    if (event.kind === 'rows') this.#rows(at, event)
    else this.#line(eventLine(at, event), REFUSED_units)
    if (event.kind === 'operation') this.operations++
    else if (event.kind === 'outcome') this.#count(event.rows, event.bytes)
    else if (event.kind === 'columns') this.layouts.set(event.op, event.columns)
    if (this.#watchers)
      this.#tell(event.kind === 'rows' ? { at, ...event, bytes: Uint8Array.from(event.bytes) } : { at, ...event })
  }

  /** `why` is given when the session did not end by itself. */
  close(why?: string): Promise<void> {
    if (this.#ended) return this.#ended
    this.endedWhy = why
    const at = this.#now()
    this.#sealing = true
    if (this.#started) this.#line(`{"at":${at},"kind":"end"}\n`, Number.POSITIVE_INFINITY)
    this.#ended = this.#host.end(this)
    this.#tell({ at, kind: 'end' })
    return this.#ended
  }

  /** Tells `watcher` of every event from now on. Returns the unsubscriber. */
  watch(watcher: Watcher): () => void {
    this.#watchers ??= new Set()
    this.#watchers.add(watcher)
    return () => {
      this.#watchers?.delete(watcher)
      if (this.#watchers?.size === 0) this.#watchers = undefined
    }
  }

  /** What to write next; undefined when nothing waits. */
  take(): Chunk | undefined {
    return this.queue.shift() ?? this.takePending()
  }

  takePending(): Chunk | undefined {
    if (this.#pending === '') return undefined
    const bytes = Buffer.from(this.#pending)
    this.#pending = ''
    const chunk = {
      number: this.#chunks++,
      offset: this.#offset,
      bytes,
      sha256: hash('sha256', bytes, 'hex'),
      sealed: this.#sealing,
    }
    this.#offset += bytes.length
    return chunk
  }

  #count(rows: number, bytes: number): void {
    this.rows += rows
    this.bytes += bytes
  }

  #now(): number {
    return Math.round(this.#host.monotonic_ms() - this.#opened)
  }

  #tell(line: TranscriptLine): void {
    if (this.#watchers) for (const watcher of this.#watchers) watcher(line)
  }

  #line(line: string, bound: number): void {
    if (this.refused && this.#pending.length > bound) {
      this.#gap++
      return
    }
    const before = this.#pending.length
    if (!this.#started) {
      this.#started = true
      this.#pending = sessionLine(this.meta)
    }
    if (this.#gap > 0) {
      this.#pending += `{"at":${this.#now()},"kind":"gap","events":${this.#gap}}\n`
      this.#gap = 0
    }
    this.#pending += line
    if (before === 0) this.#host.dirty(this)
    if (this.#pending.length >= CHUNK_units) this.#host.full(this)
  }

  /** A sample of an operation's rows: the outcome tells how many there were. */
  #rows(at: number, event: Extract<TranscriptEvent, { kind: 'rows' }>): void {
    const { op, bytes } = event
    if (op !== this.#rowsOp) {
      this.#rowsOp = op
      this.#rowsLeft = this.#host.sampleRows
      this.#bytesLeft = SAMPLE_bytes
    }
    if (this.#rowsLeft === 0 || this.#bytesLeft <= 0) return
    const kept = countRows(bytes, this.#rowsLeft)
    this.#rowsLeft -= kept.rows
    this.#bytesLeft -= kept.length
    if (kept.length > 0) this.#line(rowsLine(at, event, bytes.subarray(0, kept.length)), REFUSED_rows_units)
  }
}
