import type { CellMasker, Masked } from './cell.ts'

// Binary array: int32 dimensions, int32 has-null, int32 element oid, per dimension int32 size and int32 lower bound, elements.
// Binary record: int32 fields, per field int32 oid and then as an element. Element: int32 length (-1: NULL), bytes.

/** Dimensions a PostgreSQL array may have. */
const DIMENSIONS = 6

/** Masks the members of a binary array or record and rewrites their lengths. What it cannot read becomes NULL. */
export function containerMasker(
  shape: 'array' | 'record',
  maskerOf: (typeOid: number) => CellMasker | undefined,
): CellMasker {
  return {
    mask(bytes: Buffer, start: number, end: number): Masked {
      const walk = new ContainerWalk(bytes, start, end)
      const read = shape === 'array' ? walk.array(maskerOf) : walk.record(maskerOf)
      return read ? walk.result(shape) : null
    },
  }
}

class ContainerWalk {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  #at: number
  #parts: Buffer[] = []
  #copied: number
  #hasNull = false

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#at = start
    this.#copied = start
  }

  /** False when the bytes are not an array. */
  array(maskerOf: (typeOid: number) => CellMasker | undefined): boolean {
    if (this.#end - this.#start < 12) return false
    const dimensions = this.#bytes.readInt32BE(this.#start)
    const masker = maskerOf(this.#bytes.readUInt32BE(this.#start + 8))
    if (dimensions < 0 || dimensions > DIMENSIONS) return false
    this.#at = this.#start + 12 + 8 * dimensions
    if (this.#at > this.#end) return false
    while (this.#at < this.#end) if (!this.#member(masker)) return false
    return true
  }

  /** False when the bytes are not a record. */
  record(maskerOf: (typeOid: number) => CellMasker | undefined): boolean {
    if (this.#end - this.#start < 4) return false
    const fields = this.#bytes.readInt32BE(this.#start)
    this.#at = this.#start + 4
    for (let i = 0; i < fields; i++) {
      if (this.#end - this.#at < 8) return false
      const masker = maskerOf(this.#bytes.readUInt32BE(this.#at))
      this.#at += 4
      if (!this.#member(masker)) return false
    }
    return this.#at === this.#end
  }

  #member(masker: CellMasker | undefined): boolean {
    if (this.#end - this.#at < 4) return false
    const length = this.#bytes.readInt32BE(this.#at)
    const start = this.#at + 4
    if (length < -1 || length > this.#end - start) return false
    this.#at = start + Math.max(length, 0)
    const masked = length < 0 ? undefined : masker?.mask(this.#bytes, start, this.#at)
    if (masked === undefined) return true
    const header = Buffer.alloc(4)
    header.writeInt32BE(masked === null ? -1 : masked.length)
    this.#parts.push(this.#bytes.subarray(this.#copied, start - 4), header)
    if (masked === null) this.#hasNull = true
    else this.#parts.push(masked)
    this.#copied = this.#at
    return true
  }

  /** The rewritten container, or undefined when no member changed. */
  result(shape: 'array' | 'record'): Buffer | undefined {
    if (this.#parts.length === 0) return undefined
    const out = Buffer.concat([...this.#parts, this.#bytes.subarray(this.#copied, this.#end)])
    if (shape === 'array' && this.#hasNull) out.writeInt32BE(1, 4)
    return out
  }
}
