import { SluiceError } from '../../kit/errors.ts'
import type { CellMasker } from '../../masking/index.ts'
import { FIELD_BYTES } from '../../masking/limits.ts'
import { type CopyOutput, Gathered } from './copy-output.ts'

// Binary COPY: signature of 11 bytes, int32 flags, int32 length of an extension, extension; rows: int16 fields, per field
// int32 length (-1: NULL) and bytes; int16 -1 ends it.

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const HEADER = SIGNATURE.length + 8

/** What is read next, and how many bytes that takes. */
type Part = 'header' | 'extension' | 'count' | 'length' | 'value' | 'pass' | 'drop' | 'done'

/** Masks a binary COPY stream, in whatever pieces it comes. */
export class BinaryMasker {
  readonly #maskers: readonly (CellMasker | undefined)[]
  readonly #output: CopyOutput
  #part: Part = 'header'
  #wanted = HEADER
  readonly #gathered = new Gathered()
  #size = 0
  #column = 0

  constructor(maskers: readonly (CellMasker | undefined)[], output: CopyOutput) {
    this.#maskers = maskers
    this.#output = output
  }

  feed(payload: Buffer): void {
    let at = 0
    while (at < payload.length) {
      if (this.#part === 'done') throw unreadable('bytes after the end')
      const end = Math.min(payload.length, at + this.#wanted - this.#size)
      this.#piece(payload, at, end)
      at = end
      if (this.#size === this.#wanted) this.#whole()
    }
  }

  end(): void {
    if (this.#part !== 'done') throw unreadable('no end')
  }

  #piece(payload: Buffer, start: number, end: number): void {
    this.#size += end - start
    if (this.#part === 'pass') this.#output.copy(payload, start, end)
    else if (this.#part !== 'drop') this.#gathered.add(payload, start, end)
  }

  /** The part being read is complete. */
  #whole(): void {
    const bytes = this.#gathered.bytes()
    this.#gathered.clear()
    switch (this.#part) {
      case 'header':
        return this.#header(bytes)
      case 'extension':
        this.#output.copy(bytes, 0, bytes.length)
        return this.#next('count', 2)
      case 'count':
        return this.#count(bytes)
      case 'length':
        return this.#length(bytes)
      case 'value':
        this.#value(bytes)
        return this.#endField()
      default:
        return this.#endField()
    }
  }

  #next(part: Part, wanted: number): void {
    this.#part = part
    this.#wanted = wanted
    this.#size = 0
  }

  #header(bytes: Buffer): void {
    if (!bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw unreadable('no signature')
    const extension = bytes.readInt32BE(SIGNATURE.length + 4)
    // Bits 16 and up of the flags are critical: a reader that does not know one must not go on.
    if (bytes.readUInt32BE(SIGNATURE.length) > 0xffff || extension < 0 || extension > 65_536)
      throw unreadable('unknown flags')
    this.#output.copy(bytes, 0, bytes.length)
    if (extension > 0) this.#next('extension', extension)
    else this.#next('count', 2)
  }

  #count(bytes: Buffer): void {
    const fields = bytes.readInt16BE()
    this.#output.copy(bytes, 0, 2)
    this.#column = 0
    if (fields === -1) {
      this.#output.endRow()
      return this.#next('done', 0)
    }
    if (fields !== this.#maskers.length) throw unreadable(`row of ${fields} fields`)
    if (fields === 0) {
      this.#output.endRow()
      return this.#next('count', 2)
    }
    this.#next('length', 4)
  }

  #length(bytes: Buffer): void {
    const length = bytes.readInt32BE()
    if (length < -1) throw unreadable(`field of ${length} bytes`)
    const masker = this.#maskers[this.#column]
    if (length === -1 && masker?.masksNull) this.#write(masker.constant ?? null)
    else if (length === -1 || !masker) this.#output.int32(length)
    if (length === -1) return this.#endField()
    if (masker && length > FIELD_BYTES) {
      this.#output.int32(-1)
      return this.#next('drop', length)
    }
    this.#next(masker ? 'value' : 'pass', length)
    // Nothing will come for an empty value.
    if (length === 0) this.#whole()
  }

  #value(bytes: Buffer): void {
    const masked = this.#maskers[this.#column]!.mask(bytes, 0, bytes.length)
    this.#write(masked === undefined ? bytes : masked)
  }

  #write(written: Buffer | null): void {
    if (written === null) return this.#output.int32(-1)
    this.#output.int32(written.length)
    this.#output.copy(written, 0, written.length)
  }

  #endField(): void {
    this.#column++
    if (this.#column < this.#maskers.length) return this.#next('length', 4)
    this.#output.endRow()
    this.#next('count', 2)
  }
}

function unreadable(detail: string): SluiceError {
  return new SluiceError('mask.unreadable', `binary COPY: ${detail}`)
}
