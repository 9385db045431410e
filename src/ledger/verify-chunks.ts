import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../kit/digest.ts'

/** What the ledger says of transcripts, held against their files. */
export interface ChunkVerdict {
  readonly chunks: number
  readonly bytes: number
  readonly sessions: number
  /** Transcript files no entry speaks of: a session under way, or one a crash ended within its first moments. */
  readonly unlisted: number
}

/** A `chunk` entry of the ledger. */
export interface ChunkEntry {
  readonly n: number
  readonly session: string
  /** When the session opened, ms since the epoch: names the file's folder. */
  readonly opened: number
  readonly chunk: number
  readonly offset: number
  readonly length: number
  readonly sha256: string
  readonly sealed?: boolean
}

/** Most bytes one chunk can have: the recorder's bound per session, and one event. */
const CHUNK_bytes = 256 * 1024 * 1024

export class TranscriptCheck {
  readonly #dir: string
  readonly #covered = new Map<string, { bytes: number; end: number }>()
  readonly #seen = new Set<string>()
  #chunks = 0
  #bytes = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /** What is wrong with this chunk; undefined when nothing is. */
  async chunk(entry: ChunkEntry): Promise<string | undefined> {
    const name = `${new Date(entry.opened).toISOString().slice(0, 10)}/${entry.session}.jsonl`
    const where = `transcript ${name}, chunk ${entry.chunk}`
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(entry.session) || !(entry.length >= 0 && entry.length <= CHUNK_bytes))
      return `${where} cannot be`
    this.#seen.add(name)
    this.#chunks++
    this.#bytes += entry.length
    const covered = this.#covered.get(entry.session) ?? { bytes: 0, end: 0 }
    this.#covered.set(entry.session, covered)
    covered.bytes += entry.length
    covered.end = Math.max(covered.end, entry.offset + entry.length)
    const file = await open(join(this.#dir, name), 'r').catch(() => undefined)
    if (!file) return `${where}: the file is missing`
    try {
      const bytes = Buffer.alloc(entry.length)
      const { bytesRead } = await file.read(bytes, 0, entry.length, entry.offset)
      if (bytesRead < entry.length) return `${where}: the file ends before it`
      if (sha256(bytes) !== entry.sha256) return `${where} is not what was recorded`
      if (entry.sealed !== true) return undefined
      this.#covered.delete(entry.session)
      const { size } = await file.stat()
      return size === covered.end && size === covered.bytes
        ? undefined
        : `${where}: the file has ${size} bytes, recorded were ${covered.bytes}`
    } finally {
      await file.close()
    }
  }

  async verdict(): Promise<ChunkVerdict> {
    let unlisted = 0
    for (const day of await readdir(this.#dir).catch(() => [])) {
      if (!/^\d{4}-\d\d-\d\d$/.test(day)) continue
      for (const file of await readdir(join(this.#dir, day))) if (!this.#seen.has(`${day}/${file}`)) unlisted++
    }
    return { chunks: this.#chunks, bytes: this.#bytes, sessions: this.#seen.size, unlisted }
  }
}
