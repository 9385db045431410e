import { SluiceError } from './errors.ts'

/** A length-prefixed `string` of RFC 4251 §5. Text is written as UTF-8. */
export function sshString(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  const out = Buffer.allocUnsafe(4 + bytes.length)
  out.writeUInt32BE(bytes.length)
  bytes.copy(out, 4)
  return out
}

/** A `uint32` of RFC 4251 §5. */
export function sshUint32(value: number): Buffer {
  const out = Buffer.allocUnsafe(4)
  out.writeUInt32BE(value)
  return out
}

/** A `uint64` of RFC 4251 §5. */
export function sshUint64(value: bigint): Buffer {
  const out = Buffer.allocUnsafe(8)
  out.writeBigUInt64BE(value)
  return out
}

/** Reads the data types of RFC 4251 §5. Throws SluiceError `protocol.malformed` with the offset where the bytes end too early. */
export class SshReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  #take(length: number): Buffer {
    if (length > this.remaining) throw new SluiceError('protocol.malformed', `SSH data ends at ${this.#bytes.length}`)
    const part = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return part
  }

  /** One byte, 0 or 1 (RFC 4251 §5: any other is true as well). */
  boolean(): Buffer {
    return Buffer.from([this.#take(1)[0] === 0 ? 0 : 1])
  }

  uint32(): number {
    return this.#take(4).readUInt32BE()
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE()
  }

  /** A view of the bytes, not a copy. */
  string(): Buffer {
    return this.#take(this.uint32())
  }

  /** UTF-8; bytes that are not UTF-8 are refused, for two spellings of one name must not pass as one. */
  text(): string {
    const bytes = this.string()
    const text = bytes.toString('utf8')
    if (!Buffer.from(text).equals(bytes)) throw new SluiceError('protocol.malformed', 'SSH text is not UTF-8')
    return text
  }

  /** Nothing may follow. */
  end(): void {
    if (this.remaining > 0) throw new SluiceError('protocol.malformed', `${this.remaining} bytes after SSH data`)
  }
}
