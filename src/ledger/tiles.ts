import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { tilePath } from './layout.ts'
import { Frontier, type Hash } from './tree.ts'

const WIDTH = 256
const HASH_bytes = 32

/** Levels a tree of this size has tiles on. */
function levels(size: number): number {
  let count = 0
  for (let rest = size; rest > 0; rest = Math.floor(rest / WIDTH)) count++
  return count
}

/** Hashes in the rightmost, partial tile of a level; 0 when there is none (c2sp.org/tlog-tiles "Partial Tiles"). */
function partialWidth(size: number, level: number): number {
  return Math.floor(size / WIDTH ** level) % WIDTH
}

/** Collects hashes into tiles and writes them below the ledger's folder. Tiles are derived: losing them loses nothing, so they are not synced. */
export class TileWriter {
  readonly #dir: string
  readonly #levels: Buffer[] = []
  readonly #full: { level: number; index: number; bytes: Buffer }[] = []
  /** Size of the tree at the partial tile last written, by level. */
  readonly #partial: number[] = []
  /** Partial tiles there may be of a tile that is now full, by level: of the last run, until the first full tile of this one, and of this run. */
  readonly #partialOf: (number | undefined)[] = []

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Full tiles not written yet. */
  get waiting(): number {
    return this.#full.length
  }

  /** A TileSink: does no I/O. */
  put(level: number, index: number, value: Hash): void {
    this.#levels[level] ??= Buffer.alloc(WIDTH * HASH_bytes)
    const tile = this.#levels[level]
    const column = index % WIDTH
    tile.write(value, column * HASH_bytes, HASH_bytes, 'latin1')
    if (column === WIDTH - 1) this.#full.push({ level, index: Math.floor(index / WIDTH), bytes: Buffer.from(tile) })
  }

  /** Writes the full tiles that wait. Throws what the disk says; what was not written waits on. */
  writeFull(): void {
    for (let tile = this.#full[0]; tile; tile = this.#full[0]) {
      this.#write(tilePath(tile.level, tile.index), tile.bytes)
      this.#removePartial(tile.level, tile.index)
      this.#full.shift()
    }
  }

  #removePartial(level: number, index: number): void {
    const first = !(level in this.#partialOf)
    if (!first && this.#partialOf[level] !== index) return
    fs.rmSync(join(this.#dir, `${tilePath(level, index)}.p`), { recursive: true, force: true })
    this.#partialOf[level] = undefined
  }

  /** Writes the partial tiles a checkpoint of this size needs. */
  writePartial(size: number): void {
    for (let level = 0; level < levels(size); level++) {
      const width = partialWidth(size, level)
      const count = Math.floor(size / WIDTH ** level)
      if (width === 0 || this.#partial[level] === count) continue
      const tile = this.#levels[level]!
      this.#partialOf[level] = Math.floor(count / WIDTH)
      this.#write(tilePath(level, Math.floor(count / WIDTH), width), tile.subarray(0, width * HASH_bytes))
      this.#partial[level] = count
    }
  }

  #write(name: string, bytes: Buffer): void {
    const path = join(this.#dir, name)
    try {
      fs.writeFileSync(path, bytes, { mode: 0o600 })
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
      fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      fs.writeFileSync(path, bytes, { mode: 0o600 })
    }
  }
}

/** A stored tile of at least `width` hashes, the full one first; undefined when there is none. */
export function readTile(dir: string, level: number, index: number, width: number): Buffer | undefined {
  const names = width === WIDTH ? [tilePath(level, index)] : [tilePath(level, index), tilePath(level, index, width)]
  for (const name of names) {
    try {
      const bytes = fs.readFileSync(join(dir, name))
      if (bytes.length >= width * HASH_bytes) return bytes
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    }
  }
  return undefined
}

export function hashAt(tile: Buffer, column: number): Hash {
  return tile.toString('latin1', column * HASH_bytes, (column + 1) * HASH_bytes)
}

/** The tree of this size from the tiles at its right edge, told to `writer` too, so that it can go on. Undefined when a tile is missing. */
export function frontierFromTiles(dir: string, size: number, writer?: TileWriter): Frontier | undefined {
  const edge = new Frontier()
  const tiles: Buffer[] = []
  for (let level = 0; level < levels(size); level++) {
    const width = partialWidth(size, level)
    const index = Math.floor(size / WIDTH ** (level + 1))
    const tile = width === 0 ? Buffer.alloc(0) : readTile(dir, level, index, width)
    if (!tile) return undefined
    tiles.push(tile)
  }
  for (let level = tiles.length - 1; level >= 0; level--) {
    const width = partialWidth(size, level)
    const first = Math.floor(size / WIDTH ** level) - width
    for (let column = 0; column < width; column++) {
      const value = hashAt(tiles[level]!, column)
      edge.addSubtree(value, level)
      writer?.put(level, first + column, value)
    }
  }
  return new Frontier(writer ? (level, index, value) => writer.put(level, index, value) : undefined, edge)
}
