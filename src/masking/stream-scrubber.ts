import { openKeyStart } from './detectors/secret.ts'
import { STREAM_OVERLAP, STREAM_WINDOW } from './limits.ts'
import { beforeSequence } from './terminal-sequences.ts'
import { readText, writeText } from './text-bytes.ts'
import { type TextScrubber, withinPair } from './text-scrubber.ts'

const NEWLINE = 10

/** What of a line is looked at together, when it does not end. No value is longer than the overlap. */
export interface StreamSpan {
  readonly window: number
  readonly overlap: number
}

/**
 * Scrubs text that comes in pieces (attack B37). What comes out does not depend on where the pieces were cut: only whole
 * lines are looked at, and private keys whole; of a line longer than the window, whole values. Holds back a window at most.
 */
export class StreamScrubber {
  readonly #scrubber: TextScrubber
  readonly #span: StreamSpan
  readonly #held = new Held()

  constructor(scrubber: TextScrubber, span: StreamSpan = { window: STREAM_WINDOW, overlap: STREAM_OVERLAP }) {
    this.#scrubber = scrubber
    this.#span = span
  }

  /** Takes the next piece; returns what can be shown, maybe nothing. */
  push(piece: Buffer): Buffer {
    this.#held.add(piece)
    // Most pieces of a long line change nothing.
    if (this.#held.bytes.length < this.#span.window && !piece.includes(NEWLINE)) return NOTHING
    const out: Buffer[] = []
    for (;;) {
      const head = this.#held.bytes.subarray(0, this.#span.window)
      const whole = this.#wholeLines(head)
      if (whole > 0) out.push(this.#lines(head.subarray(0, whole)))
      else if (head.length === this.#span.window) out.push(this.#partOfLine(head))
      else return Buffer.concat(out)
    }
  }

  /** Shows what is held as if the text ended here: for a prompt that waits. A value cut in two by the pause is not found. */
  flush(): Buffer {
    const last = this.#held.bytes
    const shown = this.#scrubber.scrub(last, 0, last.length) ?? Buffer.from(last)
    this.#held.drop(last.length)
    return shown
  }

  /** The text is complete: the rest of it. */
  end(): Buffer {
    return this.flush()
  }

  /** How many bytes of `head` are whole lines with no private key left open. */
  #wholeLines(head: Buffer): number {
    const end = head.lastIndexOf(NEWLINE) + 1
    if (end === 0) return 0
    const open = openKeyStart(head.toString('latin1', 0, end))
    return open < 0 ? end : head.lastIndexOf(NEWLINE, open) + 1
  }

  #lines(lines: Buffer): Buffer {
    const shown = this.#scrubber.scrub(lines, 0, lines.length) ?? Buffer.from(lines)
    this.#held.drop(lines.length)
    return shown
  }

  /** The values that begin in the part of a window before its overlap: those are whole. */
  #partOfLine(head: Buffer): Buffer {
    const text = readText(head, 0, wholeCharacters(head))
    const open = openKeyStart(text)
    const most = text.length - Math.min(this.#span.overlap, text.length >> 1)
    const wanted = open > 0 ? Math.min(open, most) : most
    const cut = beforeSequence(text, wanted) || wanted
    const { scrubbed, consumed } = this.#scrubber.scrubHead(text, withinPair(text, cut) ? cut + 1 : cut)
    this.#held.drop(writeText(text.slice(0, consumed)).length)
    return writeText(scrubbed)
  }
}

const NOTHING = Buffer.alloc(0)

/** The length of `bytes` without a character cut off at its end. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!
    if ((byte & 0xc0) === 0x80) continue
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return size > back ? bytes.length - back : bytes.length
  }
  return bytes.length
}

/** Bytes not shown yet, in memory of our own: the caller may use its buffer again. */
class Held {
  #memory: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0

  get bytes(): Buffer {
    return this.#memory.subarray(this.#start, this.#end)
  }

  add(piece: Buffer): void {
    if (this.#end + piece.length > this.#memory.length) {
      const kept = this.bytes
      const memory = Buffer.allocUnsafe((kept.length + piece.length) * 2)
      kept.copy(memory)
      this.#memory = memory
      this.#end = kept.length
      this.#start = 0
    }
    piece.copy(this.#memory, this.#end)
    this.#end += piece.length
  }

  drop(length: number): void {
    this.#start += length
    if (this.#start === this.#end) this.#start = this.#end = 0
  }
}
