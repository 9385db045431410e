import fs from 'node:fs'
import { SluiceError } from '../kit/errors.ts'
import { type LedgerPaths, ledgerPaths, listSegments, type Segment } from './layout.ts'
import { parseVerifierKey } from './note.ts'
import { entryIndex, fills, type LineWindow } from './scan.ts'
import { hashAt, readTile } from './tiles.ts'
import { Frontier, type Hash, leafHashInPlace } from './tree.ts'
import { type ChunkEntry, type ChunkVerdict, TranscriptCheck } from './verify-chunks.ts'
import { type SignedHead, signedHeads } from './verify-heads.ts'

export interface VerifyOptions {
  readonly dir: string
  /** The verifier key's text. Default: the one in the folder, which proves only that the files fit each other. */
  readonly publicKey?: string
  /** Checkpoints kept elsewhere (signed notes): the ledger must continue every one of them. */
  readonly anchors?: readonly string[]
  /** Transcripts to hold against the ledger's chunk entries. */
  readonly transcripts?: string
  /** Called after every megabyte or so, with the entries read. */
  readonly onProgress?: (entries: number) => void
}

export interface Problem {
  /** The entry it is about, where it is about one. */
  readonly index: number | undefined
  readonly what: string
}

export interface LedgerVerdict {
  readonly verified: boolean
  /** The first entry that is not what was written, as far as the files tell. */
  readonly firstBad: number | undefined
  readonly problems: readonly Problem[]
  /** What is odd without being damage. */
  readonly warnings: readonly string[]
  /** Whole entries found in order. */
  readonly entries: number
  /** Entries under a good checkpoint. Later ones are numbered but not signed yet: about a second's worth while a gateway runs. */
  readonly sealed: number
  readonly checkpoints: number
  /** The time of the last sealed entry, ms since the epoch. */
  readonly sealed_ms: number | undefined
  /** Bytes of an unfinished last entry: a crash, or a write under way. */
  readonly torn_bytes: number
  readonly publicKey: string
  readonly transcripts: ChunkVerdict | undefined
}

/** Most problems listed; the first is what counts. */
const PROBLEMS = 20

/**
 * Reads the whole ledger and recomputes its tree. Needs the files and the public key, nothing of the gateway. Memory stays bounded. Throws
 * `config.invalid` when there is no ledger, no usable key, or an anchor is not this key's.
 */
export async function verifyLedger(options: VerifyOptions): Promise<LedgerVerdict> {
  const paths = ledgerPaths(options.dir)
  const publicKey = (options.publicKey ?? readKey(paths.publicKey)).trim()
  // Heads are bounded by the history's length now: while a gateway writes, the entries read later cover every head read.
  const heads = signedHeads(paths, parseVerifierKey(publicKey), options.anchors ?? [])
  const check = new LedgerCheck(options, paths, heads)
  await check.run()
  return { ...(await check.verdict()), publicKey }
}

function readKey(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SluiceError('config.invalid', `there is no ledger here: ${path} cannot be read`, { cause })
  }
}

class LedgerCheck {
  readonly #options: VerifyOptions
  readonly #paths: LedgerPaths
  readonly #heads: AsyncGenerator<SignedHead>
  readonly #tree = new Frontier()
  readonly #transcripts: TranscriptCheck | undefined
  readonly #problems: Problem[] = []
  readonly #warnings: string[] = []
  /** The next head to hold the tree against; undefined after the last. */
  #head: SignedHead | undefined
  #checkpoints = 0
  #sealed = 0
  #sealed_ms: number | undefined
  #torn_bytes = 0
  /** The first entry since the last good head whose stored hash differs. */
  #suspect: number | undefined
  #tile: Buffer | undefined
  /** The numbering broke, or a root differs: nothing after it can be told good from bad. */
  #stopped = false

  constructor(options: VerifyOptions, paths: LedgerPaths, heads: AsyncGenerator<SignedHead>) {
    this.#options = options
    this.#paths = paths
    this.#heads = heads
    this.#transcripts = options.transcripts === undefined ? undefined : new TranscriptCheck(options.transcripts)
  }

  async run(): Promise<void> {
    await this.#nextHead()
    await this.#holdHeads()
    const segments = listSegments(this.#paths.entries)
    for (const segment of segments) {
      if (this.#stopped) break
      if (segment.first !== this.#tree.size) this.#wrongSegment(segment)
      else await this.#segment(segment, segment === segments.at(-1))
    }
    await this.#tail()
  }

  async #segment(segment: Segment, last: boolean): Promise<void> {
    let rest = 0
    for await (const window of fills({ path: segment.path, from: 0 })) {
      await this.#lines(window)
      rest = window.rest.length
      this.#options.onProgress?.(this.#tree.size)
      if (this.#stopped) return
    }
    if (rest === 0) return
    this.#torn_bytes = rest
    if (!last) this.#stop(this.#tree.size, `entry ${this.#tree.size} is cut off in the middle of the log`)
  }

  async #lines(window: LineWindow): Promise<void> {
    const chunks: ChunkEntry[] = []
    while (!this.#stopped && window.next()) {
      const { bytes, start, end } = window
      const index = entryIndex(bytes, start, end)
      if (index !== this.#tree.size) {
        this.#wrongNumber(index)
        break
      }
      if (this.#transcripts) readChunk(bytes, start, end, chunks)
      const sealing = this.#head?.checkpoint?.size === index + 1
      const at_ms = sealing ? entryTime(bytes, start) : undefined
      this.#add(index, leafHashInPlace(bytes, start, end))
      if (!sealing) continue
      await this.#holdHeads()
      if (!this.#stopped) this.#sealed_ms = at_ms
    }
    for (const chunk of chunks) {
      const what = await this.#transcripts!.chunk(chunk)
      if (what !== undefined) this.#problem(chunk.n, what)
    }
  }

  #add(index: number, leaf: Hash): void {
    if (index % 256 === 0 || index === this.#sealed) this.#tile = this.#tileOf(index)
    const column = index % 256
    if (
      this.#suspect === undefined &&
      this.#tile &&
      column * 32 < this.#tile.length &&
      hashAt(this.#tile, column) !== leaf
    ) {
      this.#suspect = index
    }
    this.#tree.add(leaf)
  }

  /** The stored tile an entry is in, as wide as the next head promises. */
  #tileOf(index: number): Buffer | undefined {
    const first = index - (index % 256)
    const size = this.#head?.checkpoint?.size ?? index + 1
    return readTile(this.#paths.dir, 0, first / 256, Math.min(256, size - first))
  }

  /** Holds the tree against every head of its present size. */
  async #holdHeads(): Promise<void> {
    for (; this.#head && !this.#stopped; await this.#nextHead()) {
      const { checkpoint, source } = this.#head
      if (!checkpoint) {
        this.#problem(undefined, `${source} is not signed by this key`)
      } else if (checkpoint.size < this.#tree.size) {
        this.#problem(undefined, `${source} is out of order: it covers ${checkpoint.size} entries`)
      } else if (checkpoint.size > this.#tree.size) {
        return
      } else if (checkpoint.root === this.#tree.root()) {
        this.#good(checkpoint.size)
      } else {
        this.#wrongRoot(source)
      }
    }
  }

  async #nextHead(): Promise<void> {
    const { value } = await this.#heads.next()
    this.#head = value as SignedHead | undefined
  }

  #good(size: number): void {
    this.#checkpoints++
    this.#sealed = size
    if (this.#suspect === undefined) return
    this.#warnings.push(
      `the stored hash of entry ${this.#suspect} is wrong, the entry is right; tiles can be rebuilt from entries`,
    )
    this.#suspect = undefined
  }

  #wrongRoot(source: string): void {
    const last = this.#tree.size - 1
    if (this.#suspect !== undefined)
      this.#stop(this.#suspect, `entry ${this.#suspect} is not what was signed (${source})`)
    else this.#stop(this.#sealed, `an entry from ${this.#sealed} to ${last} is not what was signed (${source})`)
  }

  #wrongNumber(found: number): void {
    const index = this.#tree.size
    const what =
      found < 0
        ? `entry ${index} is not an entry`
        : found > index
          ? `entry ${index} is missing: entry ${found} stands in its place`
          : `entry ${found} stands where entry ${index} belongs`
    this.#stop(
      this.#suspect ?? index,
      this.#suspect === undefined ? what : `entry ${this.#suspect} is not what was written; ${what}`,
    )
  }

  #wrongSegment(segment: Segment): void {
    const index = this.#tree.size
    if (segment.first > index)
      this.#stop(index, `entries ${index} to ${segment.first - 1} are missing: their file is gone or cut`)
    else
      this.#stop(segment.first, `the file of entry ${segment.first} begins before the file before it ends, at ${index}`)
  }

  /** What signed heads promise beyond the last entry. */
  async #tail(): Promise<void> {
    if (this.#checkpoints === 0 && !this.#stopped && !this.#head)
      this.#problem(undefined, 'there is no checkpoint signed by this key')
    for (; this.#head && !this.#stopped; await this.#nextHead()) {
      const { checkpoint, source } = this.#head
      if (!checkpoint) {
        this.#problem(undefined, `${source} is not signed by this key`)
        continue
      }
      const index = this.#tree.size
      this.#stop(index, `entries ${index} to ${checkpoint.size - 1} are missing at the end (${source} covers them)`)
    }
    await this.#heads.return(undefined)
  }

  #stop(index: number, what: string): void {
    this.#stopped = true
    this.#problem(index, what)
  }

  #problem(index: number | undefined, what: string): void {
    if (this.#problems.length < PROBLEMS) this.#problems.push({ index, what })
  }

  async verdict(): Promise<Omit<LedgerVerdict, 'publicKey'>> {
    const bad = this.#problems.map((problem) => problem.index).filter((index) => index !== undefined)
    return {
      verified: this.#problems.length === 0,
      firstBad: bad.length > 0 ? Math.min(...bad) : undefined,
      problems: this.#problems,
      warnings: this.#warnings,
      entries: this.#tree.size,
      sealed: this.#sealed,
      checkpoints: this.#checkpoints,
      sealed_ms: this.#sealed_ms,
      torn_bytes: this.#torn_bytes,
      transcripts: await this.#transcripts?.verdict(),
    }
  }
}

/** The `at` of an entry whose number was checked. */
function entryTime(bytes: Buffer, start: number): number | undefined {
  const match = /,"at":(-?\d+),/.exec(bytes.toString('latin1', start, start + 60))
  return match ? Number(match[1]) : undefined
}

/** Collects the line if it is a `chunk` entry. */
function readChunk(bytes: Buffer, start: number, end: number, chunks: ChunkEntry[]): void {
  if (!bytes.toString('latin1', start, Math.min(end, start + 80)).includes(',"kind":"chunk",')) return
  try {
    chunks.push(JSON.parse(bytes.toString('utf8', start, end)) as ChunkEntry)
  } catch {
    // The tree tells whether it was written so.
  }
}
