/** Smaller ones are not worth it. */
const LEAST_BYTES = 16_384
/** Of memory that lies in several chunks. */
const LEAST_LENT = 8_192

/** Memory of which several chunks are out. */
interface Lent {
  readonly memory: ArrayBuffer
  chunks: number
  /** No more chunks of it will come. */
  last: boolean
}

const lent = new WeakMap<Buffer, Lent>()

/**
 * Frees a large chunk's memory now. Left to the collector, bulk results make it run again and again: memory outside the heap is what it
 * counts. Whoever still held the chunk would find it empty, never filled with somebody else's bytes.
 */
export function giveBack(chunk: Buffer): void {
  const { buffer, byteLength } = chunk
  const part = lent.get(chunk)
  if (part) {
    lent.delete(chunk)
    part.chunks--
    return freeLent(part)
  }
  if (byteLength < LEAST_BYTES) return
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** The same for the memory a view lies in: for who owns all of it. Memory that Node shares among small buffers stays. */
export function giveBackWhole({ buffer }: Buffer): void {
  if (buffer.byteLength >= LEAST_BYTES && buffer.byteLength !== Buffer.poolSize && buffer instanceof ArrayBuffer)
    buffer.transfer(0)
}

/** For a source that cuts several chunks out of one piece of memory, one piece after the other: the memory is freed when all of them were given back. */
export class Lender {
  #now: Lent | undefined

  /** A chunk leaves the source. */
  lend(chunk: Buffer): void {
    const { buffer } = chunk
    if (buffer !== this.#now?.memory) {
      const before = this.#now
      this.#now = undefined
      if (before) {
        before.last = true
        freeLent(before)
      }
      if (buffer.byteLength < LEAST_LENT || !(buffer instanceof ArrayBuffer)) return
      this.#now = { memory: buffer, chunks: 0, last: false }
    }
    if (!this.#now) return
    this.#now.chunks++
    lent.set(chunk, this.#now)
  }
}

function freeLent({ memory, chunks, last }: Lent): void {
  if (last && chunks === 0) memory.transfer(0)
}
