import { appendFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../kit/log.ts'
import { Lru } from '../kit/lru.ts'
import type { SessionMeta } from '../model/transcript.ts'
import { readJsonLines } from './json-lines.ts'
import { INDEX_FLUSH_ms, INDEX_PENDING, INDEX_RECENT } from './limits.ts'

/** What became of a session, known when it closes. */
export interface SessionCounts {
  readonly closed_ms: number
  readonly operations: number
  readonly rows: number
  readonly bytes: number
  /** Why it ended, when not by itself. */
  readonly endedWhy?: string
}

/** A session that ended. Without `closed_ms`: with the gateway, which stopped before it could count. */
export interface PastSession extends SessionMeta, Omit<SessionCounts, 'closed_ms'> {
  readonly closed_ms?: number
}

/** A line of the index: the session when it opened, and again with its counts when it closed. */
type IndexLine = SessionMeta & Partial<SessionCounts>

/**
 * Which sessions there were, for lists. Derived: the ledger's open and close entries are the record, so this is neither synced nor a
 * reason to refuse. One file an hour; a session that opens and closes between two flushes costs one line. Session ids sort by time.
 */
export class SessionIndex {
  readonly #dir: string
  readonly #log: Log
  readonly #open = new Map<string, SessionMeta>()
  /** The last INDEX_RECENT that ended in this run, in the order they did. */
  readonly #ended = new Map<string, PastSession>()
  /** Sessions of earlier runs that were asked for: page after page asks again. */
  readonly #found = new Lru<string, PastSession>(1000)
  readonly #pending = new Map<string, IndexLine>()
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #dropped = 0

  constructor(dir: string, log: Log) {
    this.#dir = dir
    this.#log = log
  }

  /** Does no I/O. */
  opened(meta: SessionMeta): void {
    this.#open.set(meta.id, meta)
    this.#put(meta)
  }

  /** Does no I/O. */
  closed(id: string, counts: SessionCounts): void {
    const meta = this.#open.get(id)
    if (!meta) return
    this.#open.delete(id)
    const session = { ...meta, ...counts }
    this.#ended.set(id, session)
    if (this.#ended.size > INDEX_RECENT) for (const oldest of this.#ended.keys()) if (this.#ended.delete(oldest)) break
    this.#put(session)
  }

  /** Sessions that ended, the newest first. `before` is a session's id: those older than it. */
  async recent(filter: { readonly limit: number; readonly before?: string | undefined }): Promise<PastSession[]> {
    await this.#flush()
    const { limit, before = '~' } = filter
    const from = this.#ended.get(before)?.opened_ms
    const found: PastSession[] = []
    for (const hour of await this.#hours()) {
      if (from !== undefined && hour > hourOf(from)) continue
      found.push(...(await this.#ofHour(hour, limit - found.length, before)))
      if (found.length >= limit) break
    }
    return found
  }

  async get(id: string): Promise<PastSession | undefined> {
    const known = this.#ended.get(id) ?? this.#found.get(id)
    if (known || this.#open.has(id)) return known
    for (const hour of await this.#hours()) {
      let last: IndexLine | undefined
      for await (const line of readJsonLines<IndexLine>(this.#path(hour))) if (line.id === id) last = line
      if (!last) continue
      const session = past(last)
      this.#found.set(id, session)
      return session
    }
    return undefined
  }

  /** Writes what waits. */
  close(): Promise<void> {
    return this.#flush()
  }

  #put(line: IndexLine): void {
    if (this.#pending.size >= INDEX_PENDING && !this.#pending.has(line.id)) this.#dropped++
    else this.#pending.set(line.id, line)
    this.#timer ??= setTimeout(() => void this.#flush(), INDEX_FLUSH_ms).unref()
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  async #write(): Promise<void> {
    if (this.#pending.size === 0) return
    const hours = new Map<string, string>()
    for (const line of this.#pending.values()) {
      const hour = hourOf(line.opened_ms)
      hours.set(hour, `${hours.get(hour) ?? ''}${JSON.stringify(line)}\n`)
    }
    const count = this.#pending.size
    this.#pending.clear()
    try {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 })
      for (const [hour, text] of hours) await appendFile(this.#path(hour), text, { mode: 0o600 })
    } catch (cause) {
      this.#dropped += count
      this.#log.warn('the session index cannot be written', { cause: String(cause), dropped: this.#dropped })
    }
  }

  /** The newest `limit` of an hour that ended and are older than `before`; memory holds no more than that. */
  async #ofHour(hour: string, limit: number, before: string): Promise<PastSession[]> {
    const kept = new Map<string, IndexLine>()
    let least = ''
    for await (const line of readJsonLines<IndexLine>(this.#path(hour))) {
      if (typeof line.id !== 'string' || line.id >= before || line.id < least || this.#open.has(line.id)) continue
      kept.set(line.id, line)
      if (kept.size <= 2 * limit) continue
      for (const id of [...kept.keys()].sort().slice(0, -limit)) kept.delete(id)
      least = [...kept.keys()].sort()[0] ?? ''
    }
    const lines = [...kept.values()].sort((a, b) => (a.id < b.id ? 1 : -1))
    return lines.slice(0, limit).map(past)
  }

  /** Names of the hours, the newest first. */
  async #hours(): Promise<string[]> {
    const names = await readdir(this.#dir).catch(() => [])
    const hours = names.flatMap((name) => /^(\d{4}-\d\d-\d\dT\d\d)\.jsonl$/.exec(name)?.[1] ?? [])
    return hours.sort().reverse()
  }

  #path(hour: string): string {
    return join(this.#dir, `${hour}.jsonl`)
  }
}

function hourOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13)
}

function past(line: IndexLine): PastSession {
  if (line.closed_ms !== undefined) return { operations: 0, rows: 0, bytes: 0, ...line }
  return { ...line, operations: 0, rows: 0, bytes: 0, endedWhy: 'the gateway stopped' }
}
