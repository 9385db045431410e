const COPY_DATA = 0x64
const HEADER = 5
/** Clients take one CopyData message for one row. A row whose masked part outgrows this leaves in pieces. */
const ROW_LIMIT = 1 << 20

/** Memory is taken in pieces of this size, so that a row costs a view and no allocation. */
const SLAB = 64 << 10

/** Collects masked COPY data and frames it as CopyData, one message per row. */
export class CopyOutput {
  /** What was handed out of it is not written to again. */
  #out: Buffer = Buffer.allocUnsafe(4096)
  /** The first byte not handed out. */
  #start = 0
  /** Where the message being filled begins. */
  #message = 0
  #at = HEADER

  /** Adds `bytes[start,end)` as it is. */
  copy(bytes: Buffer, start: number, end: number): void {
    const size = end - start
    this.#reserve(size)
    if (size > LOOP_LIMIT) bytes.copy(this.#out, this.#at, start, end)
    else for (let i = start, o = this.#at; i < end; i++, o++) this.#out[o] = bytes[i]!
    this.#at += size
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#out[this.#at++] = value
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#at = this.#out.writeInt32BE(value, this.#at)
  }

  /** The row ends here: what comes is another message. */
  endRow(): void {
    this.#out[this.#message] = COPY_DATA
    this.#out.writeInt32BE(this.#at - this.#message - 1, this.#message + 1)
    this.#reserve(HEADER)
    this.#message = this.#at
    this.#at += HEADER
  }

  /** The messages that are complete. An unfinished row stays behind until its end, or until it is too long to wait. */
  take(): Buffer {
    if (this.#at - this.#message > ROW_LIMIT) this.endRow()
    const ready = this.#out.subarray(this.#start, this.#message)
    this.#start = this.#message
    return ready
  }

  /** True when a row was begun and not ended. */
  get unfinished(): boolean {
    return this.#at - this.#message > HEADER
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#out.length) return
    const kept = this.#at - this.#start
    const larger = Buffer.allocUnsafe(Math.max(SLAB, (kept + more) * 2))
    this.#out.copy(larger, 0, this.#start, this.#at)
    this.#out = larger
    this.#message -= this.#start
    this.#at = kept
    this.#start = 0
  }
}

/** Below this many bytes a loop is faster than the call. */
const LOOP_LIMIT = 48

const SMALL = 4096

/** One field's bytes, gathered over several pieces. What `bytes` returns holds until the next `add`. */
export class Gathered {
  #bytes: Buffer = Buffer.allocUnsafe(SMALL)
  size = 0

  add(piece: Buffer, start: number, end: number): void {
    const size = this.size + end - start
    if (size > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(size * 2)
      this.#bytes.copy(larger, 0, 0, this.size)
      this.#bytes = larger
    }
    piece.copy(this.#bytes, this.size, start, end)
    this.size = size
  }

  bytes(): Buffer {
    return this.#bytes.subarray(0, this.size)
  }

  clear(): void {
    this.size = 0
    // One large field does not hold its memory for the rest of the stream.
    if (this.#bytes.length > SMALL * 16) this.#bytes = Buffer.allocUnsafe(SMALL)
  }
}
