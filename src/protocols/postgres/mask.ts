import { SluiceError } from '../../kit/errors.ts'
import type { CellMasker, DirectMask } from '../../masking/cell.ts'
import type { ResultPlan } from '../../masking/plan.ts'

// DataRow: 'D', int32 length (counting itself), int16 columns, then per column int32 length (-1: NULL) and the bytes.

const DATA_ROW = 0x44
const HEADER = 7

/** Rewrites runs of DataRow messages. One per result; keeps nothing between runs. */
export class RowMasker {
  readonly #columnCount: number
  /** Masked columns in order, and their maskers' ways beside them, so that the walk touches no object per cell. */
  readonly #columns: Int32Array
  readonly #constants: (Buffer | null | undefined)[]
  readonly #directs: (DirectMask | undefined)[]
  readonly #maskers: CellMasker[]
  /** 1 where NULL is masked too. */
  readonly #nulls: Uint8Array
  #out: Buffer = EMPTY
  #at = 0
  /** Input up to here is in the output already. */
  #copied = 0
  /** Size of the run: what the first allocation starts from. */
  #hint = 0

  constructor(plan: ResultPlan, columnCount: number) {
    if (plan.maskers.length !== columnCount)
      throw unreadable(`plan of ${plan.maskers.length} columns for a row of ${columnCount}`)
    this.#columnCount = columnCount
    const masked = plan.maskers.flatMap((masker, column) => (masker ? [{ masker, column }] : []))
    this.#columns = Int32Array.from(masked, (m) => m.column)
    this.#maskers = masked.map((m) => m.masker)
    this.#nulls = Uint8Array.from(masked, (m) => (m.masker.masksNull ? 1 : 0))
    this.#constants = masked.map((m) => m.masker.constant)
    this.#directs = masked.map((m) => m.masker.direct)
  }

  /**
   * Masks the complete DataRow messages in `chunk[start,end)`. Returns a view of the chunk when nothing changed, else a
   * new buffer that nobody writes to again. Throws `mask.unreadable` for a row that is not what the plan was made for.
   */
  maskRows(chunk: Buffer, start: number, end: number): Buffer {
    this.#out = EMPTY
    this.#at = 0
    this.#copied = start
    this.#hint = end - start
    let at = start
    while (at < end) at = this.#row(chunk, at, end)
    if (this.#out === EMPTY) return chunk.subarray(start, end)
    this.#copy(chunk, end)
    const result = this.#out.subarray(0, this.#at)
    this.#out = EMPTY
    return result
  }

  /** Masks the row at `start` and returns where the next one begins. */
  #row(chunk: Buffer, start: number, end: number): number {
    if (end - start < HEADER || chunk[start] !== DATA_ROW) throw unreadable(`no row at ${start}`)
    const length = int32(chunk, start + 1)
    const rowEnd = start + 1 + length
    if (length < 6 || rowEnd > end) throw unreadable(`row of ${length} bytes at ${start}`)
    const count = (chunk[start + 5]! << 8) | chunk[start + 6]!
    if (count !== this.#columnCount) throw unreadable(`row of ${count} columns, described as ${this.#columnCount}`)
    let grown = 0
    let changed = false
    let header = 0
    let at = start + HEADER
    let column = 0
    for (let m = 0; m < this.#columns.length; m++) {
      for (const wanted = this.#columns[m]!; column < wanted; column++) at = skipCell(chunk, at, rowEnd)
      const cell = at + 4
      at = skipCell(chunk, at, rowEnd)
      column++
      if (at === cell && this.#nulls[m] === 0 && int32(chunk, cell - 4) < 0) continue
      if (!changed) header = this.#at + start - this.#copied
      const delta = this.#cell(chunk, cell, at, m)
      if (delta === UNCHANGED) continue
      changed = true
      grown += delta
    }
    if (grown !== 0) writeInt32(this.#out, header + 1, length + grown)
    return rowEnd
  }

  /** Replaces the cell `chunk[start,end)`; returns by how much it grew, or UNCHANGED. */
  #cell(chunk: Buffer, start: number, end: number, m: number): number {
    const size = end - start
    const direct = this.#directs[m]
    if (direct) {
      this.#copyAndReserve(chunk, start - 4, direct.bound(size) + 4)
      const written = direct.write(chunk, start, end, this.#out, this.#at + 4)
      return this.#finishCell(written, end) - size
    }
    let value = this.#constants[m]
    if (value === undefined) value = this.#maskers[m]!.mask(chunk, start, end)
    if (value === undefined) return UNCHANGED
    if (value === null) {
      this.#copyAndReserve(chunk, start - 4, 4)
      writeInt32(this.#out, this.#at, -1)
      this.#at += 4
      this.#copied = end
      return -size
    }
    this.#copyAndReserve(chunk, start - 4, value.length + 4)
    copyBytes(value, 0, value.length, this.#out, this.#at + 4)
    return this.#finishCell(value.length, end) - size
  }

  #finishCell(written: number, end: number): number {
    writeInt32(this.#out, this.#at, written)
    this.#at += written + 4
    this.#copied = end
    return written
  }

  #copyAndReserve(chunk: Buffer, until: number, more: number): void {
    const need = this.#at + (until - this.#copied) + more
    if (need > this.#out.length) this.#grow(need)
    copyBytes(chunk, this.#copied, until, this.#out, this.#at)
    this.#at += until - this.#copied
    this.#copied = until
  }

  #copy(chunk: Buffer, until: number): void {
    this.#copyAndReserve(chunk, until, 0)
  }

  #grow(need: number): void {
    const larger = Buffer.allocUnsafe(Math.max(need + (need >> 1), this.#hint + (this.#hint >> 3) + 64))
    this.#out.copy(larger, 0, 0, this.#at)
    this.#out = larger
  }
}

const EMPTY = Buffer.alloc(0)
/** Outside the range of any growth. */
const UNCHANGED = -0x80000000

/** Below this many bytes a loop is faster than the call. */
const LOOP_LIMIT = 48

function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): void {
  if (end - start > LOOP_LIMIT) from.copy(to, at, start, end)
  else for (let i = start, o = at; i < end; i++, o++) to[o] = from[i]!
}

/** The end of the cell whose length word is at `at`. */
function skipCell(chunk: Buffer, at: number, rowEnd: number): number {
  if (rowEnd - at < 4) throw unreadable(`cell cut off at ${at}`)
  const length = int32(chunk, at)
  if (length === -1) return at + 4
  if (length < 0 || length > rowEnd - at - 4) throw unreadable(`cell of ${length} bytes at ${at}`)
  return at + 4 + length
}

function int32(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function writeInt32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >> 24
  bytes[at + 1] = value >> 16
  bytes[at + 2] = value >> 8
  bytes[at + 3] = value
}

function unreadable(detail: string): SluiceError {
  return new SluiceError('mask.unreadable', detail)
}
