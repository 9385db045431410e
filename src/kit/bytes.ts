import { SluiceError } from './errors.ts'

/** Reads fields off one message. Every read checks the bound and throws `protocol.malformed` with the offset. Big-endian. */
export class ByteReader {
  readonly bytes: Buffer
  offset: number
  readonly end: number
  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.offset = start
    this.end = end
  }
  get remaining(): number {
    return this.end - this.offset
  }
  #take(length: number): number {
    const at = this.offset
    if (length < 0 || length > this.end - at)
      throw new SluiceError('protocol.malformed', `needed ${length} bytes at offset ${at}`)
    this.offset = at + length
    return at
  }
  uint8(): number {
    return this.bytes[this.#take(1)]!
  }
  int16(): number {
    return this.bytes.readInt16BE(this.#take(2))
  }
  uint16(): number {
    return this.bytes.readUInt16BE(this.#take(2))
  }
  int32(): number {
    return this.bytes.readInt32BE(this.#take(4))
  }
  uint32(): number {
    return this.bytes.readUInt32BE(this.#take(4))
  }
  /** A view, not a copy. */
  view(length: number): Buffer {
    const at = this.#take(length)
    return this.bytes.subarray(at, at + length)
  }
  /** Passes over `length` bytes. */
  skip(length: number): void {
    this.#take(length)
  }
  /** Passes over an empty NUL-terminated string and returns true; false when the one that stands here is not empty. */
  emptyString(): boolean {
    if (this.offset >= this.end || this.bytes[this.offset] !== 0) return false
    this.offset++
    return true
  }
  /** A NUL-terminated string as a view without its NUL. */
  cstringView(): Buffer {
    const nul = this.bytes.indexOf(0, this.offset)
    if (nul < 0 || nul >= this.end)
      throw new SluiceError('protocol.malformed', `string without end at offset ${this.offset}`)
    const view = this.bytes.subarray(this.offset, nul)
    this.offset = nul + 1
    return view
  }
  /** A NUL-terminated UTF-8 string. Invalid UTF-8 is malformed: a lossy reading would differ from the server's. */
  cstring(): string {
    return utf8(this.cstringView())
  }
  /** Throws unless everything was consumed: trailing bytes are not ignored. */
  finish(): void {
    if (this.offset !== this.end)
      throw new SluiceError('protocol.malformed', `${this.remaining} bytes left over at offset ${this.offset}`)
  }
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decodes UTF-8; throws `protocol.malformed` for anything invalid. */
export function utf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch (cause) {
    throw new SluiceError('protocol.malformed', 'text is not valid UTF-8', { cause })
  }
}
