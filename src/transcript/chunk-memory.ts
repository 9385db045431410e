import { CHUNK_bytes, LINES_bytes, SPARE_chunks } from './limits.ts'

const WHOLE = CHUNK_bytes + LINES_bytes

/** Memory for chunks, used again: memory outside the heap that comes and goes makes the collector run. */
export class ChunkMemory {
  readonly #spare: Buffer[] = []

  /** For lines that are expected to take `usual` bytes. */
  take(usual: number): Buffer {
    if (usual < WHOLE / 4) return Buffer.allocUnsafeSlow(Math.max(LINES_bytes, usual * 2))
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(WHOLE)
  }

  /** The chunk in it is written. */
  give(memory: Buffer): void {
    if (memory.length === WHOLE && this.#spare.length < SPARE_chunks) this.#spare.push(memory)
  }
}
