import { open } from 'node:fs/promises'
import { SluiceError } from '../kit/errors.ts'
import type { EntryKind } from '../model/ledger.ts'
import { ledgerPaths, listSegments, type Segment } from './layout.ts'
import { entryIndex, fills } from './scan.ts'

/** An entry as read: the head every entry has, and its kind's own fields. */
export interface LedgerEntry {
  readonly n: number
  readonly at: number
  readonly kind: EntryKind
  readonly [field: string]: unknown
}

export interface ReadOptions {
  readonly dir: string
  /** First index wanted; default 0. */
  readonly from?: number
  /** Index to stop before; default: the end. A reader beside a running gateway passes `ledger.size`: a failing write may be taken back. */
  readonly to?: number
  /** Only entries of these kinds. */
  readonly kinds?: readonly EntryKind[]
  readonly filter?: (entry: LedgerEntry) => boolean
}

/** Entries in order, as a stream: memory stays bounded however many there are. Throws `ledger.damaged` for a line that is not an entry. */
export async function* readEntries(options: ReadOptions): AsyncGenerator<LedgerEntry> {
  const { dir, from = 0, to = Number.MAX_SAFE_INTEGER, filter } = options
  const kinds = options.kinds && new Set<string>(options.kinds)
  const segments = listSegments(ledgerPaths(dir).entries)
  const begin = Math.max(0, segments.filter((segment) => segment.first <= from).length - 1)
  for (const segment of segments.slice(begin)) {
    if (segment.first >= to) return
    for await (const entry of segmentEntries(segment, from, to)) {
      if (entry.n >= to) return
      if (kinds && !kinds.has(entry.kind)) continue
      if (!filter || filter(entry)) yield entry
    }
  }
}

async function* segmentEntries(segment: Segment, from: number, to: number): AsyncGenerator<LedgerEntry> {
  const start = from > segment.first ? await findEntry(segment.path, from) : 0
  for await (const window of fills({ path: segment.path, from: start })) {
    while (window.next()) {
      const index = entryIndex(window.bytes, window.start, window.end)
      if (index < 0) throw damaged(segment.path)
      if (index >= to) return
      if (index >= from) yield parse(window.bytes.toString('utf8', window.start, window.end), segment.path)
    }
  }
}

function parse(line: string, path: string): LedgerEntry {
  try {
    return JSON.parse(line) as LedgerEntry
  } catch (cause) {
    throw new SluiceError('ledger.damaged', `${path} holds a line that is not JSON`, { cause })
  }
}

function damaged(path: string): SluiceError {
  return new SluiceError('ledger.damaged', `${path} holds a line that is not an entry`)
}

const PROBE_bytes = 64 * 1024

/** A byte offset where a line starts, at most a few hundred KiB before entry `index`: entries are numbered, so halving finds it. */
async function findEntry(path: string, index: number): Promise<number> {
  const file = await open(path, 'r')
  const probe = Buffer.alloc(PROBE_bytes)
  try {
    let low = 0
    let high = (await file.stat()).size
    while (high - low > 4 * PROBE_bytes) {
      const middle = Math.floor((low + high) / 2)
      const { bytesRead } = await file.read(probe, 0, PROBE_bytes, middle)
      const start = probe.subarray(0, bytesRead).indexOf(10) + 1
      const found = start > 0 ? entryIndex(probe, start, bytesRead) : -1
      // A line longer than the probe: go on from before it.
      if (found < 0 || found > index) high = middle
      else low = middle + start
    }
    return low
  } finally {
    await file.close()
  }
}

export interface FollowOptions extends Omit<ReadOptions, 'to'> {
  /** Entries that are there: `() => ledger.size`. */
  readonly size: () => number
  readonly signal: AbortSignal
  /** Most milliseconds between an entry and its delivery. */
  readonly poll_ms?: number
}

/** Entries from `from` on, then each new one, until the signal aborts. */
export async function* followEntries(options: FollowOptions): AsyncGenerator<LedgerEntry> {
  let next = options.from ?? options.size()
  while (!options.signal.aborted) {
    const to = options.size()
    if (to > next) {
      for await (const entry of readEntries({ ...options, from: next, to })) {
        yield entry
        if (options.signal.aborted) return
      }
      next = to
    }
    await pause(options.poll_ms ?? 200, options.signal)
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
