import { type Disk, writeFully } from './disk.ts'
import { segmentPath } from './layout.ts'

/** The file entries go to now. Its bytes beyond `offset` are never followed by an entry: a torn write is cut first, or writing stays refused. */
export class Segment {
  readonly first: number
  readonly path: string
  readonly fd: number
  readonly #disk: Disk
  #offset: number
  #torn = false

  private constructor(disk: Disk, at: { path: string; first: number; fd: number; offset: number }) {
    this.#disk = disk
    this.path = at.path
    this.first = at.first
    this.fd = at.fd
    this.#offset = at.offset
  }

  /** Makes the segment whose first entry will be `first`. An existing file of that name is an error. */
  static create(disk: Disk, entries: string, first: number): Segment {
    const path = segmentPath(entries, first)
    return new Segment(disk, { path, first, fd: disk.openSync(path, 'wx', 0o600), offset: 0 })
  }

  /** Goes on with a file that holds whole entries up to `offset`. */
  static resume(disk: Disk, entries: string, at: { first: number; offset: number }): Segment {
    const path = segmentPath(entries, at.first)
    return new Segment(disk, { first: at.first, offset: at.offset, path, fd: disk.openSync(path, 'r+') })
  }

  /** Bytes of whole, committed entries. */
  get offset(): number {
    return this.#offset
  }

  /** Appends `length` bytes, whole or not at all. Throws what the disk said. */
  append(bytes: Uint8Array, length: number): void {
    if (this.#torn) this.cut(this.#offset)
    this.#torn = true
    try {
      writeFully(this.#disk, this.fd, bytes, length, this.#offset)
    } catch (cause) {
      try {
        this.cut(this.#offset)
      } catch {
        // Stays torn: the next append cuts before it writes, or fails.
      }
      throw cause
    }
    this.#torn = false
    this.#offset += length
  }

  /** Gives up everything after `offset`. */
  cut(offset: number): void {
    this.#disk.ftruncateSync(this.fd, offset)
    this.#offset = offset
    this.#torn = false
  }

  close(): void {
    this.#disk.closeSync(this.fd)
  }
}
