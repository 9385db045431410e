/** A piece of text: a string, or a finite number as JSON has it. */
export type TextPiece = string | number

/** Below this many characters a loop is faster than a call into the runtime. */
const SHORT = 24

/** A longer string is given to JSON.stringify without a look. */
const PLAIN = 40
const QUOTE = 34
const BACKSLASH = 92

let lastText = ''
let lastJson = '""'

/** JSON of a text. The same text comes several times in a row: into the ledger, into the transcript, and from prepared statements. */
export function jsonText(text: string): string {
  if (text === lastText) return lastJson
  const json = JSON.stringify(text)
  if (text.length > KEPT) return json
  lastText = text
  lastJson = json
  return json
}

/** Longest text kept, in UTF-16 units. */
const KEPT = 8192

/**
 * UTF-8 text that grows piece by piece. Hot paths write their records into one: no rope of strings is built, flattened and encoded
 * afterwards.
 */
export class TextBuffer {
  /** What was written stands at [0, length). Replaced when it has to grow. */
  bytes: Buffer
  length = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  /** Writes a string, lone surrogates as U+FFFD. */
  text(text: string): void {
    const { length } = text
    // Three bytes are the most one UTF-16 unit can take.
    if (this.bytes.length - this.length < length * 3) this.#grow(length * 3)
    if (length > SHORT) {
      this.length += this.bytes.write(text, this.length)
      return
    }
    const { bytes, length: at } = this
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) {
        this.length += bytes.write(text, at)
        return
      }
      bytes[at + i] = unit
    }
    this.length = at + length
  }

  /** Writes a number as JSON has it. Non-negative integers are the fast ones. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      this.text(String(value))
      return
    }
    if (this.bytes.length - this.length < 16) this.#grow(16)
    let rest = value
    if (rest >= 1e8) {
      const high = Math.floor(rest / 1e8)
      rest -= high * 1e8
      if (high >= 1e8) this.number(high)
      else this.#digits(high, digitsOf(high))
      this.#digits(rest, 8)
    } else this.#digits(rest, digitsOf(rest))
  }

  /** Writes a non-negative integer divided by 1,000: microseconds as milliseconds. */
  thousandths(value: number): void {
    this.number(Math.floor(value / 1000))
    const rest = value % 1000
    if (rest === 0) return
    this.text('.')
    if (this.bytes.length - this.length < 3) this.#grow(3)
    this.#digits(rest, 3)
  }

  /** Writes a string as a JSON string. */
  json(text: string): void {
    const { length } = text
    if (length > PLAIN) {
      this.text(jsonText(text))
      return
    }
    if (this.bytes.length - this.length < length + 2) this.#grow(length + 2)
    const { bytes, length: at } = this
    bytes[at] = QUOTE
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit < 32 || unit > 126 || unit === QUOTE || unit === BACKSLASH) {
        this.text(JSON.stringify(text))
        return
      }
      bytes[at + 1 + i] = unit
    }
    bytes[at + 1 + length] = QUOTE
    this.length = at + length + 2
  }

  piece(piece: TextPiece): void {
    if (typeof piece === 'string') this.text(piece)
    else this.number(piece)
  }

  /** Writes bytes as base64 with padding (RFC 4648 §4). */
  base64(source: Uint8Array): void {
    const whole = source.length - (source.length % 3)
    const room = Math.ceil(source.length / 3) * 4
    if (this.bytes.length - this.length < room) this.#grow(room)
    const { bytes } = this
    let at = this.length
    for (let i = 0; i < whole; i += 3) {
      const three = (source[i]! << 16) | (source[i + 1]! << 8) | source[i + 2]!
      bytes[at++] = BASE64[three >> 18]!
      bytes[at++] = BASE64[(three >> 12) & 63]!
      bytes[at++] = BASE64[(three >> 6) & 63]!
      bytes[at++] = BASE64[three & 63]!
    }
    if (whole < source.length) {
      const two = (source[whole]! << 8) | (source[whole + 1] ?? 0)
      bytes[at++] = BASE64[two >> 10]!
      bytes[at++] = BASE64[(two >> 4) & 63]!
      bytes[at++] = whole + 1 < source.length ? BASE64[(two << 2) & 63]! : PADDING
      bytes[at++] = PADDING
    }
    this.length = at
  }

  #digits(value: number, count: number): void {
    const { bytes, length } = this
    let rest = value | 0
    for (let at = length + count - 1; at >= length; at--) {
      const next = (rest / 10) | 0
      bytes[at] = 48 + rest - next * 10
      rest = next
    }
    this.length = length + count
  }

  #grow(room: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + room))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }
}

const BASE64 = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
const PADDING = 61

/** Decimal digits of an integer below 10^8. */
function digitsOf(value: number): number {
  let count = 1
  for (let limit = 10; value >= limit; limit *= 10) count++
  return count
}
