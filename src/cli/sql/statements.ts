/** Most characters one statement may have while it is typed or read from a file. */
const MOST_TEXT = 16 * 1024 * 1024

/** Finds where statements end, as psql does, so that each is sent when its semicolon comes. The server alone decides what the text means. */
export class StatementReader {
  #text = ''

  /** True when a statement has begun and not ended. */
  get open(): boolean {
    return stripComments(this.#text).trim() !== ''
  }

  /** Adds a line and returns the statements it completes, in order. Throws a RangeError for a text beyond 16 MiB. */
  push(line: string): string[] {
    this.#text += `${line}\n`
    if (this.#text.length > MOST_TEXT) throw new RangeError('the statement is longer than 16 MiB')
    const done: string[] = []
    if (!line.includes(';')) return done
    for (;;) {
      const end = statementEnd(this.#text)
      if (end < 0) return done
      const statement = this.#text.slice(0, end).trim()
      if (stripComments(statement).replaceAll(';', '').trim() !== '') done.push(statement)
      this.#text = this.#text.slice(end)
    }
  }

  /** What is left without a semicolon; the reader is empty afterwards. */
  rest(): string {
    const rest = this.open ? this.#text.trim() : ''
    this.#text = ''
    return rest
  }
}

/** Words, dollar quotes and line comments; anything else is one character. Sticky: tried at one position. */
const TOKEN = /--[^\n]*|\$([A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?\$|[\w$\x80-\uffff]+|./sy

/** The offset just behind the first semicolon that ends a statement, or -1. */
function statementEnd(text: string): number {
  let end = -1
  scan(text, (token, at) => {
    if (token === ';') end = at + 1
    return end < 0
  })
  return end
}

function stripComments(text: string): string {
  let kept = ''
  scan(text, (token) => {
    kept += token.startsWith('--') || token.startsWith('/*') ? ' ' : token
    return true
  })
  return kept
}

/** Calls `take` for every token until it says false. An unclosed quote or comment swallows the rest of the text. */
function scan(text: string, take: (token: string, at: number) => boolean): void {
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at)
    if (!take(token, at)) return
    at += token.length
  }
}

function tokenAt(text: string, at: number): string {
  if (text.startsWith('/*', at)) return text.slice(at, commentEnd(text, at))
  if (/^[eE]'/.test(text.slice(at, at + 2))) return text.slice(at, quoteEnd(text, at + 1, true))
  if (text[at] === "'" || text[at] === '"') return text.slice(at, quoteEnd(text, at, false))
  TOKEN.lastIndex = at
  const [token = text[at]!] = TOKEN.exec(text) ?? []
  if (!/^\$[^$]*\$$/.test(token)) return token
  const close = text.indexOf(token, at + token.length)
  return text.slice(at, close < 0 ? text.length : close + token.length)
}

/** Just behind the closing quote; a doubled one belongs to the text, and so does one behind a backslash in an E'' string. */
function quoteEnd(text: string, open: number, backslash: boolean): number {
  const quote = text[open]
  for (let at = open + 1; at < text.length; at++) {
    if (backslash && text[at] === '\\') at++
    else if (text[at] === quote && text[at + 1] === quote) at++
    else if (text[at] === quote) return at + 1
  }
  return text.length
}

/** PostgreSQL's comments nest. */
function commentEnd(text: string, at: number): number {
  let depth = 0
  const mark = /\/\*|\*\//g
  mark.lastIndex = at
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return mark.lastIndex
  }
  return text.length
}
