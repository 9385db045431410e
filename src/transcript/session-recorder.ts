import { hash } from 'node:crypto'
import { TextBuffer } from '../kit/text-buffer.ts'
import type { Recorder, SessionMeta, TranscriptEvent } from '../model/transcript.ts'
import type { ChunkMemory } from './chunk-memory.ts'
import { countRows, sessionLine, type TranscriptLine, writeEvent, writeRows, writeStream } from './format.ts'
import { Layouts } from './layouts.ts'
import { CHUNK_bytes, REFUSED_bytes, REFUSED_rows_bytes, SAMPLE_bytes } from './limits.ts'
import { StreamSamples } from './stream-samples.ts'

/** Bytes of one write; `offset` is where they stand in the file. */
export interface Chunk {
  readonly number: number
  readonly offset: number
  readonly bytes: Buffer
  /** Where they stand. */
  readonly memory: Buffer
  readonly sha256: string
  /** The last one: nothing follows. */
  readonly sealed: boolean
}

/** What a recorder needs of the house it lives in. */
export interface RecorderHost {
  readonly sampleRows: number
  /** Memory for chunks. */
  readonly memory: ChunkMemory
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

/** One session's events as lines, until they are written. Idle, it costs a few hundred bytes and no file. */
export class SessionRecorder implements Recorder {
  readonly meta: SessionMeta
  readonly #host: RecorderHost
  readonly #opened: number
  /** What waits to be written. */
  #lines: TextBuffer | undefined
  /** Bytes of the last chunk: the next one will be about as large. */
  #usual = 0
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
  /** What is kept of programs' streams. */
  #streams: StreamSamples | undefined
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

  /** Bytes that wait to be written. */
  get pending(): number {
    return this.#lines?.length ?? 0
  }
  get ended(): boolean {
    return this.#sealing
  }

  note(event: TranscriptEvent): void {
    if (this.#sealing) return
    const at = this.#now()
    if (event.kind === 'rows') this.#rows(at, event)
    else if (event.kind === 'output' || event.kind === 'input') this.#stream(at, event)
    else {
      const lines = this.#room(REFUSED_bytes)
      if (lines) {
        writeEvent(lines, at, event)
        this.#written(lines)
      }
    }
    if (event.kind === 'operation') this.operations++
    else if (event.kind === 'outcome') this.#count(event.rows, event.bytes)
    else if (event.kind === 'columns') this.layouts.set(event.op, event.columns)
    else if (event.kind === 'terminal') this.#samples().whole(event.op)
    if (event.kind === 'outcome') this.#streams?.over(event.op)
    if (this.#watchers) this.#tell(hasBytes(event) ? copied(at, event) : { at, ...event })
  }

  /** `why` is given when the session did not end by itself. */
  close(why?: string): Promise<void> {
    if (this.#ended) return this.#ended
    this.endedWhy = why
    const at = this.#now()
    this.#sealing = true
    if (this.#started) {
      const lines = this.#room(Number.POSITIVE_INFINITY)!
      lines.text(`{"at":${at},"kind":"end"}\n`)
      this.#written(lines)
    }
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
    if (!this.#lines) return undefined
    const memory = this.#lines.bytes
    const bytes = memory.subarray(0, this.#lines.length)
    this.#lines = undefined
    this.#usual = bytes.length
    const chunk = {
      number: this.#chunks++,
      offset: this.#offset,
      bytes,
      memory,
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

  /** Where the next line goes; undefined when `bound` bytes already wait for a disk that refuses. */
  #room(bound: number): TextBuffer | undefined {
    if (this.refused && this.pending > bound) {
      this.#gap++
      return undefined
    }
    const lines = this.#lines ?? this.#begin()
    if (this.#gap > 0) {
      lines.text(`{"at":${this.#now()},"kind":"gap","events":${this.#gap}}\n`)
      this.#gap = 0
    }
    return lines
  }

  #begin(): TextBuffer {
    const lines = new TextBuffer(this.#host.memory.take(this.#usual))
    this.#lines = lines
    if (!this.#started) lines.text(sessionLine(this.meta))
    this.#started = true
    this.#host.dirty(this)
    return lines
  }

  #written(lines: TextBuffer): void {
    if (lines.length >= CHUNK_bytes) this.#host.full(this)
  }

  #samples(): StreamSamples {
    this.#streams ??= new StreamSamples()
    return this.#streams
  }

  /** What a program wrote or read: all of it on a terminal, else a sample. */
  #stream(at: number, event: Extract<TranscriptEvent, { kind: 'output' | 'input' }>): void {
    const kept = this.#samples().take(event)
    if (kept === 0) return
    const lines = this.#room(REFUSED_rows_bytes)
    if (!lines) return
    writeStream(lines, at, kept === event.bytes.length ? event : { ...event, bytes: event.bytes.subarray(0, kept) })
    this.#written(lines)
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
    if (kept.length === 0) return
    const lines = this.#room(REFUSED_rows_bytes)
    if (!lines) return
    writeRows(lines, at, kept.length === bytes.length ? event : { ...event, bytes: bytes.subarray(0, kept.length) })
    this.#written(lines)
  }
}

type WithBytes = Extract<TranscriptEvent, { kind: 'rows' | 'output' | 'input' }>

function hasBytes(event: TranscriptEvent): event is WithBytes {
  return event.kind === 'rows' || event.kind === 'output' || event.kind === 'input'
}

/** The bytes are the caller's: a watcher looks at them later. */
function copied(at: number, event: WithBytes): TranscriptLine {
  return { at, ...event, bytes: Uint8Array.from(event.bytes) }
}
