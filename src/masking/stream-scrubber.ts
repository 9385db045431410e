import { closesKey, keyEnd, openKeyStart } from './detectors/secret.ts'
import { KEY_BYTES, KEY_END, STREAM_OVERLAP, STREAM_WINDOW } from './limits.ts'
import { normalise } from './normalise.ts'
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
  /** What comes next belongs to a private key whose mask was shown: it is left out to the key's end, however far that is. */
  #inKey = false

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
      if (this.#inKey) {
        if (!this.#leaveOut(head)) return Buffer.concat(out)
        continue
      }
      const whole = this.#wholeLines(head)
      if (whole > 0) out.push(this.#lines(head.subarray(0, whole)))
      else if (head.length === this.#span.window) out.push(this.#partOfLine(head))
      else return Buffer.concat(out)
    }
  }

  /** Shows what is held as if the text ended here: for a prompt that waits. A value cut in two by the pause is not found, a key is. */
  flush(): Buffer {
    if (this.#inKey) this.#leaveOut(this.#held.bytes)
    if (this.#inKey) return NOTHING
    const last = this.#held.bytes
    this.#inKey = openKeyStart(normalise(readText(last, 0, last.length)).text) >= 0
    const shown = this.#scrubber.scrub(last, 0, last.length) ?? Buffer.from(last)
    this.#held.drop(last.length)
    return shown
  }

  /** The text is complete: the rest of it. */
  end(): Buffer {
    return this.flush()
  }

  /** How many bytes of `head` are whole lines with no private key left open, or one that has become too long to be held. */
  #wholeLines(head: Buffer): number {
    const end = head.lastIndexOf(NEWLINE) + 1
    if (end === 0) return 0
    // What is no UTF-8 keeps its place this way.
    const { text, origin } = normalise(head.toString('latin1', 0, end))
    const open = openKeyStart(text)
    if (open < 0) return end
    const start = head.lastIndexOf(NEWLINE, origin ? origin[open] : open) + 1
    this.#inKey = start === 0 && end > KEY_BYTES
    return this.#inKey ? end : start
  }

  /** Leaves out what of `head` is a private key; false when more must come to know. */
  #leaveOut(head: Buffer): boolean {
    const lines = head.lastIndexOf(NEWLINE) + 1
    const bytes = lines || wholeCharacters(head)
    const text = readText(head, 0, bytes)
    const { text: folded, origin } = normalise(text)
    const end = keyEnd(folded, 0)
    const full = head.length === this.#span.window
    if (end === folded.length && lines === 0) {
      // Its END line may be on its way.
      if (!full) return false
      const cut = beforeSequence(text, text.length - KEY_END)
      this.#held.drop(writeText(text.slice(0, withinPair(text, cut) ? cut - 1 : cut)).length)
      return true
    }
    this.#inKey = end === folded.length && !closesKey(folded)
    this.#held.drop(writeText(text.slice(0, origin ? origin[end] : end)).length)
    return true
  }

  #lines(lines: Buffer): Buffer {
    const shown = this.#scrubber.scrub(lines, 0, lines.length) ?? Buffer.from(lines)
    this.#held.drop(lines.length)
    return shown
  }

  /** The values that begin in the part of a window before its overlap: those are whole. */
  #partOfLine(head: Buffer): Buffer {
    const text = readText(head, 0, wholeCharacters(head))
    const { text: folded, origin } = normalise(text)
    const found = openKeyStart(folded)
    const open = found > 0 && origin ? origin[found]! : found
    const most = text.length - Math.min(this.#span.overlap, text.length >> 1)
    this.#inKey = open === 0
    const beyond = this.#inKey ? text.length - KEY_END : most
    const wanted = open > 0 ? Math.min(open, most) : beyond
    const at = beforeSequence(text, wanted) || wanted
    const cut = withinPair(text, at) ? at + 1 : at
    const { scrubbed, consumed } = this.#scrubber.scrubHead(this.#inKey ? text.slice(0, cut) : text, cut)
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
