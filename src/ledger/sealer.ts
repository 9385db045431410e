import fs from 'node:fs'
import { SluiceError } from '../kit/errors.ts'
import { writeCheckpoint } from './checkpoints.ts'
import { type LedgerPaths, segmentPath } from './layout.ts'
import { OPEN_WORK_ms } from './limits.ts'
import type { SignerKey } from './note.ts'
import type { OpenWork } from './open-work.ts'
import { entryIndex, LineWindow, scanLines } from './scan.ts'
import { frontierFromTiles, TileWriter } from './tiles.ts'
import { Frontier, leafHashInPlace } from './tree.ts'

/** A place in the entries: so many before it, in this segment, at this byte. */
export interface Place {
  readonly size: number
  readonly first: number
  readonly offset: number
}

export interface SealerStart {
  readonly paths: LedgerPaths
  readonly key: SignerKey
  /** Where the newest checkpoint stands. */
  readonly sealed: Place
  readonly openWork: OpenWork
  readonly now_ms: () => number
}

/** Full tiles after which the scan stops to write them. */
const TILES_WAITING = 1024

/** Builds the tree from what is on disk and signs its head. Reads files only: it trusts nothing the writer holds in memory. */
export class Sealer {
  readonly #start: SealerStart
  readonly #tiles: TileWriter
  readonly #tree: Frontier
  readonly #work: OpenWork
  readonly #window = new LineWindow(256 * 1024)
  #first: number
  #offset: number
  #sealed: number
  #workSaved_ms: number

  /** Throws `ledger.damaged` when the tiles of the sealed tree are gone. */
  constructor(start: SealerStart) {
    this.#start = start
    this.#tiles = new TileWriter(start.paths.dir)
    const tree = frontierFromTiles(start.paths.dir, start.sealed.size, this.#tiles)
    if (!tree) throw new SluiceError('ledger.damaged', 'tiles are missing')
    this.#tree = tree
    this.#work = start.openWork
    this.#first = start.sealed.first
    this.#offset = start.sealed.offset
    this.#sealed = start.sealed.size
    this.#workSaved_ms = start.now_ms()
  }

  get size(): number {
    return this.#tree.size
  }
  /** Entries under the newest checkpoint. */
  get sealed(): number {
    return this.#sealed
  }

  /** Hashes everything up to `durable`. Throws `ledger.damaged` when the files do not hold it. */
  advance(durable: Place): void {
    while (this.#tree.size < durable.size) {
      // What this writes is only derived, but a sealer that runs ahead of it would hold it all in memory.
      this.#tiles.writeFull()
      const from = this.#offset
      const last = this.#first === durable.first
      const path = segmentPath(this.#start.paths.entries, this.#first)
      this.#offset = scanLines({ path, from, window: this.#window, ...(last ? { to: durable.offset } : {}) }, (line) =>
        this.#take(line, durable.size),
      )
      if (this.#offset > from) continue
      if (last) throw new SluiceError('ledger.damaged', `entry ${this.#tree.size} is not in the files`)
      this.#first = this.#tree.size
      this.#offset = 0
    }
  }

  /** Changes nothing when it stops the scan: the place and the tree stay in step. */
  #take(line: LineWindow, limit: number): boolean {
    if (this.#tree.size >= limit || this.#tiles.waiting > TILES_WAITING) return false
    const index = entryIndex(line.bytes, line.start, line.end)
    if (index !== this.#tree.size)
      throw new SluiceError('ledger.damaged', `found ${index} where entry ${this.#tree.size} was written`)
    this.#work.read(line.bytes, line.start, line.end)
    this.#tree.add(leafHashInPlace(line.bytes, line.start, line.end))
    return true
  }

  /** Signs the head if it moved. True when it did. */
  checkpoint(last = false): boolean {
    const { paths, key, now_ms } = this.#start
    const { size } = this.#tree
    const moved = size > this.#sealed
    if (moved) {
      this.#tiles.writeFull()
      this.#tiles.writePartial(size)
      writeCheckpoint(paths, key, { size, root: this.#tree.root(), at_ms: now_ms() })
      this.#sealed = size
    }
    if (last || now_ms() - this.#workSaved_ms >= OPEN_WORK_ms) {
      this.#workSaved_ms = now_ms()
      this.#work.save(paths.openWork, this.#sealed)
    }
    return moved
  }
}

/** The tree of the first `size` entries, from the entries alone. Throws `ledger.damaged` when one is missing. */
export function treeOfEntries(paths: LedgerPaths, size: number, tiles?: TileWriter): Frontier {
  const tree = new Frontier(tiles ? (level, index, value) => tiles.put(level, index, value) : undefined)
  while (tree.size < size) {
    const before = tree.size
    const path = segmentPath(paths.entries, before)
    if (!fs.existsSync(path)) throw new SluiceError('ledger.damaged', `entry ${before} is missing`)
    scanLines({ path, from: 0 }, (line) => {
      if (tree.size >= size) return false
      tree.add(leafHashInPlace(line.bytes, line.start, line.end))
      if (tiles && tiles.waiting > TILES_WAITING) tiles.writeFull()
      return true
    })
    if (tree.size === before) throw new SluiceError('ledger.damaged', `entry ${before} is missing`)
  }
  tiles?.writeFull()
  tiles?.writePartial(size)
  return tree
}
