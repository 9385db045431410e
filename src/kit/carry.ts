/** Pieces up to this size are joined while they are kept; larger ones stay as they came. */
const JOINED = 65_536

/**
 * Bytes kept until more of them have come. A kept Buffer costs hundreds of bytes beside its own: whoever sends one byte at a time must not
 * make us pay that per byte, so small neighbours are joined as they pile up, each byte a few times at most.
 */
export class Carry {
  #pieces: Buffer[] = []
  #size = 0

  /** Bytes kept. */
  get size(): number {
    return this.#size
  }

  /** Buffers they are kept in. */
  get pieces(): number {
    return this.#pieces.length
  }

  keep(bytes: Buffer): void {
    if (bytes.length === 0) return
    const pieces = this.#pieces
    this.#size += bytes.length
    pieces.push(bytes)
    while (pieces.length > 1) {
      const last = pieces[pieces.length - 1]!
      const before = pieces[pieces.length - 2]!
      if (before.length > 2 * last.length || before.length + last.length > JOINED) return
      pieces.length -= 2
      pieces.push(Buffer.concat([before, last]))
    }
  }

  /** Everything kept, as one; nothing is kept afterwards. */
  take(): Buffer {
    const [first] = this.#pieces
    const all = this.#pieces.length === 1 ? first! : Buffer.concat(this.#pieces, this.#size)
    this.#pieces = []
    this.#size = 0
    return all
  }
}
