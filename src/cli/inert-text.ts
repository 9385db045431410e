import { visible } from './paint.ts'

/** What of a line is shown. */
const LINE = 2_000

/**
 * What a program wrote to a terminal as text that cannot act on the reader's: escape sequences are taken out, also those cut between two
 * pieces, and what would move the cursor back (a carriage return, a backspace) begins a new line or is spelled out, so that nothing is
 * hidden by writing over it, in another colour or on another screen (ATTACKS D24, D25).
 */
export class InertText {
  readonly #decoder = new TextDecoder('utf-8')
  #state: 'text' | 'escape' | 'control' | 'string' | 'string escape' = 'text'
  /** A carriage return that may belong to a line end. */
  #returned = false
  #column = 0

  /** The text of the next bytes. */
  push(bytes: Uint8Array): string {
    let out = ''
    for (const mark of this.#decoder.decode(bytes, { stream: true })) out += this.#mark(mark)
    return out
  }

  #mark(mark: string): string {
    const code = mark.codePointAt(0)!
    switch (this.#state) {
      case 'text':
        return this.#text(mark, code)
      case 'escape':
        return this.#escape(mark, code)
      case 'control': // ECMA-48 §5.4: parameters and intermediates, then a final byte
        if (code >= 0x40 && code <= 0x7e) this.#state = 'text'
        else if (code < 0x20 || code > 0x7e) return this.#restart(mark, code)
        return ''
      case 'string': // ECMA-48 §5.6: until ST; xterm also takes BEL
        if (code === 0x07 || code === 0x9c) this.#state = 'text'
        else if (code === 0x1b) this.#state = 'string escape'
        return ''
      case 'string escape':
        this.#state = mark === '\\' ? 'text' : 'string'
        return ''
    }
  }

  /** What cuts a sequence short is not part of it. */
  #restart(mark: string, code: number): string {
    this.#state = 'text'
    return this.#text(mark, code)
  }

  #escape(mark: string, code: number): string {
    this.#state = 'text'
    if (mark === '[') this.#state = 'control'
    else if (']PX^_'.includes(mark)) this.#state = 'string'
    // Intermediates, of a sequence of three (a character set).
    else if (code >= 0x20 && code <= 0x2f) this.#state = 'escape'
    else if (code < 0x20) return this.#text(mark, code)
    return ''
  }

  #text(mark: string, code: number): string {
    if (code === 0x1b) this.#state = 'escape'
    else if (code === 0x9b) this.#state = 'control'
    else if (code === 0x90 || code === 0x98 || (code >= 0x9d && code <= 0x9f)) this.#state = 'string'
    else if (mark === '\r') this.#returned = true
    else if (mark === '\n') return this.#newLine()
    else if (code !== 0x07) return this.#shown(mark)
    return ''
  }

  #newLine(): string {
    this.#returned = false
    this.#column = 0
    return '\n'
  }

  #shown(mark: string): string {
    const before = this.#returned && this.#column > 0 ? this.#newLine() : ''
    this.#returned = false
    const text = mark === '\t' ? '  ' : visible(mark)
    const over = this.#column >= LINE
    this.#column += text.length
    if (!over && this.#column >= LINE) return `${before}…`
    return over ? before : before + text
  }
}
