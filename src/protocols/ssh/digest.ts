import { createHash, type Hash } from 'node:crypto'

/** What a digest of a transfer is of. */
export interface Coverage {
  readonly covers: 'whole' | 'part'
  readonly from: number
  readonly length: number
  readonly sha256: string
}

/**
 * SHA-256 of a file while it moves. Clients move a file's bytes in order nearly always; bytes that come out of order are counted, and the
 * digest then is of what hung together from where the transfer began.
 */
export class TransferDigest {
  readonly #hash: Hash = createHash('sha256')
  #from = -1
  #next = 0
  #gap = false
  /** Bytes moved, those moved twice counted twice. */
  bytes = 0
  #end: number | undefined

  add(offset: number, bytes: Buffer): void {
    this.bytes += bytes.length
    if (this.#from < 0) {
      this.#from = offset
      this.#next = offset
    }
    const old = this.#next - offset
    if (old < 0) {
      this.#gap = true
    } else if (old < bytes.length) {
      this.#hash.update(old === 0 ? bytes : bytes.subarray(old))
      this.#next = offset + bytes.length
    }
  }

  /** The file was seen to end here, or before: several may be told, the first byte that is not there counts. */
  endsAt(offset: number): void {
    this.#end = Math.min(this.#end ?? Number.POSITIVE_INFINITY, offset)
  }

  /** Where the bytes end that hang together. */
  get next(): number {
    return this.#next
  }

  /** True while nothing was moved. */
  get idle(): boolean {
    return this.bytes === 0
  }

  /** Once: the digest and what it is of. */
  finish(): Coverage {
    const from = Math.max(this.#from, 0)
    const whole = !this.#gap && from === 0 && this.#end === this.#next
    return { covers: whole ? 'whole' : 'part', from, length: this.#next - from, sha256: this.#hash.digest('hex') }
  }
}
