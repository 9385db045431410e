import { TYPED_BYTES, TYPED_LINE } from './channel-limits.ts'

/** Told of what was typed and seen. */
export interface TypingTold {
  /** Input that may be recorded: it was echoed. */
  input(bytes: Buffer): void
  /** A line as it seems to have been typed. */
  line(text: string): void
}

const ENTER = new Set([0x0a, 0x0d])
const ESCAPE = 0x1b
const DELETE = 0x7f

/**
 * What is typed on a terminal, as far as its echo shows it. A password is typed while the terminal does not echo, and only the terminal
 * knows when: so a line is recorded once all of it was seen at the beginning of what came back; one of which something was not seen by the
 * time its end is shown is not recorded at all. Lines are put together as a person would read them; completion and history may have made
 * another of them, so they are a hint for audit and decide nothing (ATTACKS D5).
 */
export class Typing {
  readonly #told: TypingTold
  /** Typed and not yet seen, typed and seen. */
  #unseen: number[] = []
  #seen: number[] = []
  #line = ''
  /** Lines ended among `#unseen`. */
  #entered = 0
  /** Something of this line was lost. */
  #blind = false
  #key: 'none' | 'escape' | 'sequence' = 'none'
  /** The last byte shown was CR: a LF behind it is the same line end. */
  #returned = false

  constructor(told: TypingTold) {
    this.#told = told
  }

  typed(bytes: Buffer): void {
    for (const byte of bytes) {
      if (this.#inKey(byte)) continue
      if (this.#unseen.length + this.#seen.length >= TYPED_BYTES) this.#forget()
      if (ENTER.has(byte)) this.#entered++
      this.#unseen.push(byte)
    }
  }

  /** True for the rest of a key that sends a sequence (ESC [ A, ESC O P): no terminal echoes it. */
  #inKey(byte: number): boolean {
    if (this.#key === 'none') {
      if (byte === ESCAPE) this.#key = 'escape'
      return false
    }
    const more = this.#key === 'escape' ? byte === 0x5b || byte === 0x4f : byte < 0x40 || byte > 0x7e
    this.#key = more ? 'sequence' : 'none'
    return true
  }

  /** Output of the program. An echo comes at its beginning, behind controls at most. */
  shown(bytes: Buffer): void {
    let echoing = true
    for (let at = 0; at < bytes.length && this.#unseen.length > 0; at++) {
      const byte = bytes[at]!
      const same = this.#returned && byte === 0x0a
      this.#returned = byte === 0x0d
      if (ENTER.has(byte)) {
        if (!same && this.#entered > 0) this.#endLine()
        echoing = true
      } else if (byte === ESCAPE) at = sequenceEnd(bytes, at)
      // What a deleted character leaves: back, blank, back.
      else if (byte === 0x08 && bytes[at + 1] === 0x20) at++
      else if (byte >= 0x20 && echoing) echoing = this.#echo(byte)
    }
  }

  /** False when this is no echo. */
  #echo(byte: number): boolean {
    // Keys that are not shown as themselves: what they did to the line is guessed.
    while (this.#unseen.length > 0 && isEditing(this.#unseen[0]!) && !ENTER.has(this.#unseen[0]!)) this.#see()
    if (this.#unseen[0] !== byte) return false
    this.#see()
    return true
  }

  #see(): void {
    const byte = this.#unseen.shift()!
    this.#seen.push(byte)
    if (byte === DELETE || byte === 0x08) this.#line = this.#line.slice(0, -1)
    else if (byte === 0x15 || byte === 0x03) this.#line = ''
    else if (byte === 0x17) this.#line = this.#line.replace(/\S+\s*$/, '')
    else if (byte >= 0x20 && this.#line.length < TYPED_LINE) this.#line += String.fromCharCode(byte)
  }

  /** The end of a line is shown: whatever of it was not seen was typed blindly. */
  #endLine(): void {
    while (this.#unseen.length > 0 && !ENTER.has(this.#unseen[0]!)) {
      if (isEditing(this.#unseen[0]!)) this.#see()
      else {
        this.#unseen.shift()
        this.#blind = true
      }
    }
    const enter = this.#unseen.shift()
    if (enter === undefined) return
    this.#entered--
    const text = Buffer.from(this.#line, 'latin1').toString('utf8')
    if (this.#blind) this.#told.line('(not echoed)')
    else {
      this.#told.input(Buffer.from([...this.#seen, enter]))
      if (text.trim() !== '') this.#told.line(text)
    }
    this.#seen = []
    this.#line = ''
    this.#blind = false
  }

  #forget(): void {
    this.#unseen = []
    this.#seen = []
    this.#line = ''
    this.#entered = 0
    this.#blind = true
  }
}

/** Controls, and the key that deletes. */
function isEditing(byte: number): boolean {
  return byte < 0x20 || byte === DELETE
}

/** Where the escape sequence that begins at `from` ends (ECMA-48 §5.4), as far as it is here. */
function sequenceEnd(bytes: Buffer, from: number): number {
  if (bytes[from + 1] !== 0x5b) return from + 1
  let at = from + 2
  while (at < bytes.length && (bytes[at]! < 0x40 || bytes[at]! > 0x7e)) at++
  return at
}
