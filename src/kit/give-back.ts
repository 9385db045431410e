/** Smaller ones are not worth it. */
const LEAST_BYTES = 16_384

/**
 * Frees a large chunk's memory now. Left to the collector, bulk results make it run again and again: memory outside the heap is what it
 * counts. Whoever still held the chunk would find it empty, never filled with somebody else's bytes.
 */
export function giveBack(chunk: Buffer): void {
  const { buffer, byteLength } = chunk
  if (byteLength < LEAST_BYTES) return
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** The same for the memory a view lies in: for who owns all of it. Memory that Node shares among small buffers stays. */
export function giveBackWhole({ buffer }: Buffer): void {
  if (buffer.byteLength >= LEAST_BYTES && buffer.byteLength !== Buffer.poolSize && buffer instanceof ArrayBuffer)
    buffer.transfer(0)
}
