import fs from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import { newestCheckpoint, writeCheckpoint } from './checkpoints.ts'
import { syncFolder, writeWhole } from './disk.ts'
import { type LedgerPaths, listSegments, type Segment, segmentPath } from './layout.ts'
import type { Checkpoint, SignerKey } from './note.ts'
import { loadOpenWork, type OpenWork } from './open-work.ts'
import { entryIndex, type LineWindow, scanLines } from './scan.ts'
import { type Place, treeOfEntries } from './sealer.ts'
import { frontierFromTiles, hashAt, readTile, TileWriter } from './tiles.ts'
import { EMPTY_ROOT, leafHashInPlace } from './tree.ts'

export interface Recovered {
  /** The end of the entries; undefined for a new ledger. */
  readonly end: Place | undefined
  /** Where the newest checkpoint stands. */
  readonly sealed: Place
  /** Sessions and intents without an end, at the newest checkpoint and now. */
  readonly workAtSeal: readonly (readonly [string, readonly number[]])[]
  readonly work: OpenWork
  /** What was cut from a torn tail. */
  readonly cut: { readonly bytes: number; readonly sha256: string } | undefined
}

/**
 * Reads what the last run left: cuts a torn tail, compares the entries since the checkpoint's segment began with the tree, and the tree
 * with the checkpoint. Earlier segments are compared by `sluice audit verify` only. Throws `ledger.damaged`.
 */
export function recover(paths: LedgerPaths, key: SignerKey, log: Log): Recovered {
  adoptRescue(paths)
  const segments = listSegments(paths.entries)
  const checkpoint = newestCheckpoint(paths, key) ?? firstCheckpoint(paths, key, segments)
  const scan = new RecoveryScan(paths, checkpoint, segments)
  const end = scan.run()
  const tree = frontierFromTiles(paths.dir, checkpoint.size)
  if (tree?.root() !== checkpoint.root || scan.tilesDiffer) rebuild(paths, checkpoint, log)
  return { end, sealed: scan.sealed, workAtSeal: scan.workAtSeal, work: scan.work, cut: scan.cut }
}

/** A new ledger's first checkpoint is of the empty tree: from then on, entries without any checkpoint are a sign of tampering. */
function firstCheckpoint(paths: LedgerPaths, key: SignerKey, segments: readonly Segment[]): Checkpoint {
  if (segments.length > 0)
    throw new SluiceError('ledger.damaged', 'there are entries, but no checkpoint signed by this key')
  writeCheckpoint(paths, key, { size: 0, root: EMPTY_ROOT, at_ms: Date.now() })
  syncFolder(paths.dir)
  return { origin: key.name, size: 0, root: EMPTY_ROOT }
}

/** A crash in the middle of a rescue (Ledger.#rescue) leaves the new file under its working name; it counts if it begins where the entries end. */
function adoptRescue(paths: LedgerPaths): void {
  if (!fs.existsSync(paths.entries)) return
  for (const name of fs.readdirSync(paths.entries)) {
    if (!name.endsWith('.rescue')) continue
    const path = join(paths.entries, name)
    const target = path.slice(0, -'.rescue'.length)
    let size = listSegments(paths.entries).at(-1)?.first ?? 0
    const last = segmentPath(paths.entries, size)
    if (fs.existsSync(last)) {
      scanLines({ path: last, from: 0 }, (line) => {
        size++
        return entryIndex(line.bytes, line.start, line.end) === size - 1
      })
    }
    if (target === segmentPath(paths.entries, size) && !fs.existsSync(target)) fs.renameSync(path, target)
    else fs.renameSync(path, join(paths.dir, name))
  }
}

class RecoveryScan {
  readonly #paths: LedgerPaths
  readonly #checkpoint: Checkpoint
  readonly #segments: readonly Segment[]
  readonly work: OpenWork
  readonly #workSize: number
  workAtSeal: [string, number[]][] = []
  sealed: Place
  cut: Recovered['cut']
  tilesDiffer = false
  #size = 0
  #tile: Buffer | undefined
  #tileIndex = -1

  constructor(paths: LedgerPaths, checkpoint: Checkpoint, segments: readonly Segment[]) {
    this.#paths = paths
    this.#checkpoint = checkpoint
    this.#segments = segments
    const saved = loadOpenWork(paths.openWork, checkpoint.size)
    this.work = saved.work
    this.#workSize = saved.size
    this.sealed = { size: checkpoint.size, first: 0, offset: 0 }
  }

  /** The end of the entries. */
  run(): Place | undefined {
    // At least the segment of the last sealed entry is compared with the tree.
    const wanted = Math.max(0, Math.min(this.#workSize, this.#checkpoint.size - 1))
    let end: Place | undefined
    for (const [i, segment] of this.#segments.entries()) {
      const expected = end?.size ?? 0
      if (segment.first !== expected) {
        throw new SluiceError('ledger.damaged', `entries ${expected} to ${segment.first - 1} are missing`)
      }
      const next = this.#segments[i + 1]
      end = next && next.first <= wanted ? skip(segment) : this.#scan(segment)
    }
    const found = end?.size ?? 0
    if (found < this.#checkpoint.size) {
      throw new SluiceError(
        'ledger.damaged',
        `the newest checkpoint covers ${this.#checkpoint.size} entries, but only ${found} are there`,
      )
    }
    return end
  }

  #scan(segment: Segment): Place {
    this.#size = segment.first
    let taken = 0
    if (this.#size === this.#checkpoint.size) this.#markSeal(segment.first, 0)
    const offset = scanLines({ path: segment.path, from: 0 }, (line) => {
      if (!this.#isEntry(line)) return false
      this.#take(line)
      taken += line.end - line.start + 1
      if (this.#size === this.#checkpoint.size) this.#markSeal(segment.first, taken)
      return true
    })
    const last = segment === this.#segments.at(-1)
    if (offset < fs.statSync(segment.path).size) {
      if (!last || this.#size < this.#checkpoint.size)
        throw new SluiceError('ledger.damaged', `entry ${this.#size} is not what was written`)
      this.cut = cutTail(this.#paths, segment.path, offset)
    }
    return { size: this.#size, first: segment.first, offset }
  }

  /** Sealed lines are held against the tree; of later ones nothing but their form is known. */
  #isEntry(line: LineWindow): boolean {
    if (entryIndex(line.bytes, line.start, line.end) !== this.#size) return false
    return this.#size < this.#checkpoint.size || isWhole(line)
  }

  #take(line: LineWindow): void {
    if (this.#size >= this.#workSize) this.work.read(line.bytes, line.start, line.end)
    if (this.#size < this.#checkpoint.size) this.#compare(leafHashInPlace(line.bytes, line.start, line.end))
    this.#size++
  }

  #compare(leaf: string): void {
    const index = Math.floor(this.#size / 256)
    if (index !== this.#tileIndex) {
      this.#tileIndex = index
      this.#tile = readTile(this.#paths.dir, 0, index, Math.min(256, this.#checkpoint.size - index * 256))
    }
    if (!this.#tile || hashAt(this.#tile, this.#size % 256) !== leaf) this.tilesDiffer = true
  }

  #markSeal(first: number, offset: number): void {
    this.sealed = { size: this.#checkpoint.size, first, offset }
    this.workAtSeal = [...this.work.sessions].map(([id, operations]) => [id, [...operations]])
  }
}

/** Tiles are derived: when they do not fit, the entries decide. */
function rebuild(paths: LedgerPaths, checkpoint: Checkpoint, log: Log): void {
  log.warn('the ledger’s tiles do not fit; reading every entry', { entries: checkpoint.size })
  if (treeOfEntries(paths, checkpoint.size).root() !== checkpoint.root) {
    throw new SluiceError(
      'ledger.damaged',
      'entries were changed after they were sealed; `sluice audit verify` names the first',
    )
  }
  fs.rmSync(paths.tiles, { recursive: true, force: true })
  treeOfEntries(paths, checkpoint.size, new TileWriter(paths.dir))
}

/** Cuts what a crash tears: an unfinished last line, or the zeros a power loss leaves. Keeps the bytes aside. */
function cutTail(paths: LedgerPaths, path: string, offset: number): { bytes: number; sha256: string } {
  const fd = fs.openSync(path, 'r+')
  try {
    const tail = Buffer.alloc(fs.fstatSync(fd).size - offset)
    fs.readSync(fd, tail, 0, tail.length, offset)
    const newline = tail.indexOf(10)
    if (newline >= 0 && !tail.subarray(0, newline).includes(0)) {
      throw new SluiceError('ledger.damaged', `${path} holds no entry at byte ${offset}; no crash leaves that`)
    }
    const digest = sha256(tail)
    keepAside(paths, digest, tail)
    fs.ftruncateSync(fd, offset)
    fs.fsyncSync(fd)
    return { bytes: tail.length, sha256: digest }
  } finally {
    fs.closeSync(fd)
  }
}

/** Nobody was ever told that these bytes were written, so a disk too full to keep them must not stop the start. */
function keepAside(paths: LedgerPaths, digest: string, tail: Buffer): void {
  try {
    fs.mkdirSync(paths.torn, { recursive: true, mode: 0o700 })
    writeWhole(join(paths.torn, digest), tail, 0o600)
  } catch {
    // The digest goes into the start entry all the same.
  }
}

/** A power loss leaves zeros in the middle of what was being written; an entry has none. */
function isWhole(line: LineWindow): boolean {
  return line.bytes[line.end - 1] === 0x7d && !line.bytes.subarray(line.start, line.end).includes(0)
}

/** The end of a segment that is not read again, from its last line. */
function skip(segment: Segment): Place {
  const { size } = fs.statSync(segment.path)
  const file = fs.openSync(segment.path, 'r')
  try {
    for (let length = 65_536; ; length *= 4) {
      const bytes = Buffer.alloc(Math.min(length, size))
      fs.readSync(file, bytes, 0, bytes.length, size - bytes.length)
      const start = bytes.lastIndexOf(10, bytes.length - 2) + 1
      if (start === 0 && bytes.length < size) continue
      const index = bytes.at(-1) === 10 ? entryIndex(bytes, start, bytes.length) : -1
      return { size: index + 1, first: segment.first, offset: size }
    }
  } finally {
    fs.closeSync(file)
  }
}
