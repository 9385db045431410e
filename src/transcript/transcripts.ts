import fs, { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Clock, systemClock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import { createLog, type Log } from '../kit/log.ts'
import type { LedgerPort, RecorderPort } from '../model/ports.ts'
import type { SessionMeta } from '../model/transcript.ts'
import { ChunkMemory } from './chunk-memory.ts'
import { bare, transcriptPath } from './format.ts'
import { CLOSE_ms, FLUSH_ms, IDLE_FILES, RETRY_ms, SAMPLE_ROWS, SESSION_bytes, TOTAL_bytes, WRITES } from './limits.ts'
import { findTranscript } from './player.ts'
import { Decoder, PageReader, type ReplayEvent, type ReplayPage, WatchQueue } from './replay.ts'
import { SessionIndex } from './session-index.ts'
import { type Chunk, type RecorderHost, SessionRecorder } from './session-recorder.ts'

export interface TranscriptOptions {
  readonly dir: string
  readonly ledger: Pick<LedgerPort, 'append'>
  /** Rows of one operation kept as a sample. */
  readonly sampleRows?: number
  /** Most milliseconds between an event and its write. */
  readonly flush_ms?: number
  readonly clock?: Clock
  readonly log?: Log
  readonly disk?: TranscriptDisk
}

/** The file system as recorders use it: a port, so that a test can make it fail. */
export type TranscriptDisk = Pick<typeof fs, 'openSync' | 'writeSync' | 'write' | 'closeSync' | 'mkdirSync'>

export type FailureListener = (failure: SluiceError | undefined) => void

/** Opens the folder transcripts are written to. Does no I/O until a session has something to write. */
export function openTranscripts(options: TranscriptOptions): Transcripts {
  return new Transcripts(options)
}

/** All sessions' recorders and their writing. */
export class Transcripts implements RecorderPort {
  readonly dir: string
  readonly #ledger: Pick<LedgerPort, 'append'>
  readonly #flush_ms: number
  readonly #log: Log
  readonly #disk: TranscriptDisk
  readonly #host: RecorderHost
  readonly #live = new Map<string, SessionRecorder>()
  /** Sessions that ended, for lists. */
  readonly sessions: SessionIndex
  readonly #clock: Clock
  readonly #pages = new PageReader()
  readonly #memory = new ChunkMemory()
  readonly #dirty = new Set<SessionRecorder>()
  /** Recorders whose turn to write it is, once fewer write. */
  readonly #ready = new Set<SessionRecorder>()
  readonly #refused = new Set<SessionRecorder>()
  /** Recorders with an open file and nothing to write, the one idle longest first. */
  readonly #idle = new Set<SessionRecorder>()
  readonly #ends = new Map<SessionRecorder, () => void>()
  readonly #listeners = new Set<FailureListener>()
  #failure: SluiceError | undefined
  #timer: NodeJS.Timeout | undefined
  #retry: NodeJS.Timeout | undefined
  /** Writes under way, and their bytes. */
  #writes = 0
  #flying = 0

  constructor(options: TranscriptOptions) {
    const { clock = systemClock } = options
    this.dir = options.dir
    this.#ledger = options.ledger
    this.#flush_ms = options.flush_ms ?? FLUSH_ms
    this.#log = options.log ?? createLog('warn')
    this.#disk = options.disk ?? fs
    this.#clock = clock
    this.sessions = new SessionIndex(join(options.dir, 'sessions'), this.#log)
    this.#host = {
      sampleRows: options.sampleRows ?? SAMPLE_ROWS,
      memory: this.#memory,
      monotonic_ms: () => clock.monotonic_ms(),
      dirty: (recorder) => this.#markDirty(recorder),
      full: (recorder) => this.#full(recorder),
      end: (recorder) => this.#end(recorder),
    }
  }

  open(meta: SessionMeta): SessionRecorder {
    transcriptPath(this.dir, meta)
    const recorder = new SessionRecorder(meta, this.#host)
    this.#live.set(meta.id, recorder)
    this.sessions.opened({ ...meta, principal: bare(meta.principal) })
    return recorder
  }

  /** Events of a session from number `from` (0 the first) on. A session that did nothing has none. Throws `api.not_found` for what is no id. */
  async read(session: string, page: { readonly from: number; readonly limit: number }): Promise<ReplayPage> {
    const known = this.#live.get(session)?.meta ?? (await this.sessions.get(session))
    const path = known ? transcriptPath(this.dir, known) : await findTranscript(this.dir, session)
    return existsSync(path) ? this.#pages.read(path, page) : { events: [] }
  }

  /** Everything that happens in a live session from now on, until it ends or the signal aborts. Throws `api.not_found` when it is not live. */
  async *follow(session: string, signal: AbortSignal): AsyncGenerator<ReplayEvent> {
    const recorder = this.#live.get(session)
    if (!recorder) throw new SluiceError('api.not_found', `${session} is not live`)
    const queue = new WatchQueue(signal)
    const stop = recorder.watch((line) => queue.push(line))
    const decoder = new Decoder(recorder.layouts)
    try {
      for await (const line of queue.lines()) {
        const event = decoder.decode(line)
        if (event) yield event
      }
    } finally {
      stop()
    }
  }

  /** Registers for changes between working and failing. While it fails, nothing may be forwarded. Returns the unsubscriber. */
  onFailure(listener: FailureListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  get failure(): SluiceError | undefined {
    return this.#failure
  }

  /** Seals every session still open and waits for their writes. */
  async close(): Promise<void> {
    await Promise.all([...this.#live.values()].map((recorder) => recorder.close()))
    clearTimeout(this.#timer)
    clearTimeout(this.#retry)
    for (const recorder of [...this.#idle]) this.#closeFile(recorder)
    await this.sessions.close()
  }

  #markDirty(recorder: SessionRecorder): void {
    this.#dirty.add(recorder)
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      for (const waiting of this.#dirty) this.#flush(waiting)
    }, this.#flush_ms)
    this.#timer.unref()
  }

  /** A chunk's worth waits: write it, and wait for the disk when the session is far ahead of it. */
  #full(recorder: SessionRecorder): void {
    if (!recorder.flying) {
      this.#flush(recorder)
      return
    }
    if (recorder.refused) return
    if (recorder.pending < SESSION_bytes && this.#flying + recorder.pending < TOTAL_bytes) return
    const chunk = recorder.takePending()
    if (chunk) this.#writeNow(recorder, chunk)
  }

  /** Writes what waits of a recorder when it is its turn; `again` what the disk refused before, too. */
  #flush(recorder: SessionRecorder, again = false): void {
    this.#dirty.delete(recorder)
    if (recorder.writing || (recorder.flying && !again)) return
    if (this.#writes >= WRITES) {
      this.#ready.add(recorder)
      return
    }
    this.#ready.delete(recorder)
    const chunk = recorder.flying ?? recorder.take()
    if (!chunk) {
      this.#settled(recorder)
      return
    }
    if (!recorder.flying) this.#flying += chunk.bytes.length
    recorder.flying = chunk
    this.#write(recorder, chunk, 0)
  }

  #write(recorder: SessionRecorder, chunk: Chunk, done: number): void {
    try {
      this.#openFile(recorder)
    } catch (cause) {
      this.#writeFailed(recorder, cause)
      return
    }
    const rest = chunk.bytes.length - done
    this.#writes++
    recorder.writing = true
    this.#disk.write(recorder.fd, chunk.bytes, done, rest, chunk.offset + done, (cause, written) => {
      this.#writes--
      recorder.writing = false
      if (cause || written === 0) {
        // Nothing else uses the descriptor now; a thousand refused sessions must not hold a thousand.
        this.#closeFile(recorder)
        this.#writeFailed(recorder, cause ?? new Error('the disk took no bytes'))
      } else if (written < rest) this.#write(recorder, chunk, done + written)
      else this.#flew(recorder, chunk)
      for (const waiting of this.#ready) {
        if (this.#writes >= WRITES) break
        this.#flush(waiting, true)
      }
    })
  }

  #flew(recorder: SessionRecorder, chunk: Chunk): void {
    recorder.flying = undefined
    this.#flying -= chunk.bytes.length
    this.#written(recorder, chunk)
    this.#flush(recorder)
  }

  /** Writes while the session waits. Its place in the file is fixed, so a write still under way does not matter. */
  #writeNow(recorder: SessionRecorder, chunk: Chunk): void {
    try {
      this.#openFile(recorder)
      for (let done = 0; done < chunk.bytes.length; ) {
        const rest = chunk.bytes.length - done
        const written = this.#disk.writeSync(recorder.fd, chunk.bytes, done, rest, chunk.offset + done)
        if (written === 0) throw new Error('the disk took no bytes')
        done += written
      }
      this.#written(recorder, chunk)
    } catch (cause) {
      recorder.queue.push(chunk)
      this.#writeFailed(recorder, cause)
    }
  }

  #written(recorder: SessionRecorder, chunk: Chunk): void {
    const { meta } = recorder
    const seal = chunk.sealed ? ',"sealed":true' : ''
    const place = `"chunk":${chunk.number},"offset":${chunk.offset},"length":${chunk.bytes.length}`
    this.#ledger.append(
      'chunk',
      `"session":"${meta.id}","opened":${meta.opened_ms},${place},"sha256":"${chunk.sha256}"${seal}`,
    )
    this.#memory.give(chunk.memory)
    if (!recorder.refused) return
    recorder.refused = false
    this.#refused.delete(recorder)
    if (this.#refused.size === 0) this.#report(undefined)
  }

  #writeFailed(recorder: SessionRecorder, thrown: unknown): void {
    recorder.refused = true
    this.#refused.add(recorder)
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown))
    if (!this.#failure) this.#report(new SluiceError('ledger.unwritable', `transcript: ${cause.message}`, { cause }))
    this.#armRetry()
  }

  #armRetry(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      for (const waiting of this.#refused) this.#flush(waiting, true)
      if (this.#refused.size > 0) this.#armRetry()
    }, RETRY_ms).unref()
  }

  #report(failure: SluiceError | undefined): void {
    this.#failure = failure
    if (failure) this.#log.error('transcripts cannot be written; operations are refused', { cause: failure.detail })
    else this.#log.info('transcripts can be written again')
    for (const listener of this.#listeners) listener(failure)
  }

  #end(recorder: SessionRecorder): Promise<void> {
    const { meta, operations, rows, bytes, endedWhy } = recorder
    this.#live.delete(meta.id)
    const counts = { closed_ms: this.#clock.now_ms(), operations, rows, bytes }
    this.sessions.closed(meta.id, endedWhy === undefined ? counts : { ...counts, endedWhy })
    return new Promise((resolve) => {
      const late = setTimeout(resolve, CLOSE_ms)
      late.unref()
      this.#ends.set(recorder, () => {
        clearTimeout(late)
        resolve()
      })
      this.#flush(recorder)
    })
  }

  /** Everything of this recorder is written. */
  #settled(recorder: SessionRecorder): void {
    if (recorder.fd >= 0) {
      this.#idle.add(recorder)
      if (recorder.ended) this.#closeFile(recorder)
      else if (this.#idle.size > IDLE_FILES)
        for (const oldest of this.#idle) {
          this.#closeFile(oldest)
          break
        }
    }
    if (!recorder.ended) return
    const resolve = this.#ends.get(recorder)
    this.#ends.delete(recorder)
    resolve?.()
  }

  #openFile(recorder: SessionRecorder): void {
    this.#idle.delete(recorder)
    if (recorder.fd >= 0) return
    const path = transcriptPath(this.dir, recorder.meta)
    const { O_WRONLY, O_CREAT } = fs.constants
    try {
      recorder.fd = this.#disk.openSync(path, O_WRONLY | O_CREAT, 0o600)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
      this.#disk.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      recorder.fd = this.#disk.openSync(path, O_WRONLY | O_CREAT, 0o600)
    }
  }

  #closeFile(recorder: SessionRecorder): void {
    this.#idle.delete(recorder)
    try {
      this.#disk.closeSync(recorder.fd)
    } catch (cause) {
      this.#log.warn('a transcript file did not close', { session: recorder.meta.id, cause: String(cause) })
    }
    recorder.fd = -1
  }
}
