import { createHash, type Hash } from 'node:crypto'

/** What a digest of a transfer is of. */
export interface Coverage {
  /** All of the file, the bytes from `from` on, or what moved in the order it moved, which is not how it stands in the file. */
  readonly covers: 'whole' | 'part' | 'moved'
  readonly from: number
  readonly length: number
  readonly sha256: string
}

/** What a digest is of, behind it in a sentence. */
export function coverageText({ covers, from, length }: Omit<Coverage, 'sha256'>): string {
  if (covers === 'whole') return ''
  return covers === 'part'
    ? ` of bytes ${from} to ${from + length}`
    : ` of ${length} bytes in the order they moved, not of the file`
}

/**
 * SHA-256 of a file while it moves. Clients move a file's bytes in order nearly always. Bytes that come out of order or twice, or whose fate
 * is not known, are counted and are in the digest, which then is no digest of the file.
 */
export class TransferDigest {
  readonly #hash: Hash = createHash('sha256')
  #from = -1
  #next = 0
  #ordered = true
  /** Bytes moved, those moved twice counted twice. */
  bytes = 0
  #end: number | undefined
  #length: number | undefined

  add(offset: number, bytes: Buffer): void {
    if (bytes.length === 0) return
    if (this.#from < 0) this.#from = this.#next = offset
    if (offset !== this.#next) this.#ordered = false
    this.#hash.update(bytes)
    this.bytes += bytes.length
    this.#next = offset + bytes.length
  }

  /** What was moved may not be what is in the file. */
  disturb(): void {
    this.#ordered = false
  }

  /** A reader saw the file end here: of several ends the first counts. */
  endsAt(offset: number): void {
    this.#end = Math.min(this.#end ?? Number.POSITIVE_INFINITY, offset)
  }

  /** The file was made this long, before what is moved next. */
  lasts(length: number): void {
    if (length < this.#next) this.disturb()
    this.#length = length
  }

  /** True while nothing was moved. */
  get idle(): boolean {
    return this.bytes === 0
  }

  /** Once: the digest and what it is of. */
  finish(): Coverage {
    const from = Math.max(this.#from, 0)
    const sha256 = this.#hash.digest('hex')
    if (!this.#ordered) return { covers: 'moved', from, length: this.bytes, sha256 }
    const ends = this.#end !== undefined ? this.#end === this.#next : (this.#length ?? Number.NaN) <= this.#next
    return { covers: from === 0 && ends ? 'whole' : 'part', from, length: this.bytes, sha256 }
  }
}
