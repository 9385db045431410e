import { JSON_DEPTH } from './limits.ts'

/** Looks into one JSON text: what becomes of each scalar, and of whole values at a labelled path. */
export interface JsonVisitor<Place> {
  /** A scalar or key that no path labels. Its decoded text in, a replacement text out; undefined leaves it. */
  scalar(text: string): string | undefined
  /** Where the walk stands after an object key. */
  enter(place: Place, key: string): Place
  /** The JSON text that replaces the whole value here, or undefined to go inside. `raw` is its JSON text. */
  whole(place: Place, raw: () => string): string | undefined
}

/** Thrown for what is not JSON, or too deep. */
export class UnreadableJson extends Error {}

/**
 * The JSON text with what the visitor replaces replaced, every other byte as it was; undefined when nothing changed.
 * Throws {@link UnreadableJson}.
 */
export function rewriteJson<Place>(text: string, root: Place, visitor: JsonVisitor<Place>): string | undefined {
  return new JsonRewriter(text, visitor).run(root)
}

const QUOTE = 34
const BACKSLASH = 92

class JsonRewriter<Place> {
  readonly #text: string
  readonly #visitor: JsonVisitor<Place>
  #at = 0
  #out = ''
  #copied = 0

  constructor(text: string, visitor: JsonVisitor<Place>) {
    this.#text = text
    this.#visitor = visitor
  }

  run(root: Place): string | undefined {
    this.#value(root, 0)
    this.#space()
    if (this.#at !== this.#text.length) throw new UnreadableJson()
    return this.#copied === 0 ? undefined : this.#out + this.#text.slice(this.#copied)
  }

  #value(place: Place, depth: number): void {
    if (depth > JSON_DEPTH) throw new UnreadableJson()
    this.#space()
    const start = this.#at
    const replaced = this.#visitor.whole(place, () => {
      this.#skipValue(depth)
      const raw = this.#text.slice(start, this.#at)
      this.#at = start
      return raw
    })
    if (replaced !== undefined) {
      this.#skipValue(depth)
      this.#replace(start, replaced)
      return
    }
    const first = this.#text[start]
    if (first === '{') this.#object(place, depth)
    else if (first === '[') this.#array(place, depth)
    else this.#scalar()
  }

  #object(place: Place, depth: number): void {
    this.#each('}', () => {
      this.#space()
      const start = this.#at
      const key = this.#string()
      const replaced = this.#visitor.scalar(key)
      if (replaced !== undefined) this.#replace(start, JSON.stringify(replaced))
      this.#space()
      this.#expect(':')
      this.#value(this.#visitor.enter(place, key), depth + 1)
    })
  }

  #array(place: Place, depth: number): void {
    this.#each(']', () => this.#value(place, depth + 1))
  }

  #each(close: string, member: () => void): void {
    this.#at++
    this.#space()
    if (this.#text[this.#at] === close) {
      this.#at++
      return
    }
    for (;;) {
      member()
      this.#space()
      if (this.#text[this.#at] === close) break
      this.#expect(',')
    }
    this.#at++
  }

  #scalar(): void {
    const start = this.#at
    const quoted = this.#text.charCodeAt(start) === QUOTE
    const text = quoted ? this.#string() : this.#word()
    const replaced = this.#visitor.scalar(text)
    if (replaced !== undefined) this.#replace(start, JSON.stringify(replaced))
  }

  /** Reads a string and returns what it stands for. */
  #string(): string {
    const start = this.#at
    if (this.#text.charCodeAt(start) !== QUOTE) throw new UnreadableJson()
    let escaped = false
    let at = start + 1
    for (; ; at++) {
      const code = this.#text.charCodeAt(at)
      if (Number.isNaN(code)) throw new UnreadableJson()
      if (code === QUOTE) break
      if (code === BACKSLASH) {
        escaped = true
        at++
      }
    }
    this.#at = at + 1
    if (!escaped) return this.#text.slice(start + 1, at)
    return decodeString(this.#text.slice(start, at + 1))
  }

  /** A number, true, false or null. */
  #word(): string {
    const start = this.#at
    while (isWord(this.#text.charCodeAt(this.#at))) this.#at++
    if (this.#at === start) throw new UnreadableJson()
    return this.#text.slice(start, this.#at)
  }

  #skipValue(depth: number): void {
    const skipper = new JsonRewriter<undefined>(this.#text, SKIP)
    skipper.#at = this.#at
    skipper.#value(undefined, depth)
    this.#at = skipper.#at
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
      this.#at++
    }
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw new UnreadableJson()
    this.#at++
  }

  #replace(start: number, replacement: string): void {
    this.#out += this.#text.slice(this.#copied, start) + replacement
    this.#copied = this.#at
  }
}

/** What a quoted JSON string stands for. Throws {@link UnreadableJson}. */
export function decodeString(quoted: string): string {
  try {
    return JSON.parse(quoted) as string
  } catch {
    throw new UnreadableJson()
  }
}

const SKIP: JsonVisitor<undefined> = {
  scalar: () => undefined,
  enter: () => undefined,
  whole: () => undefined,
}

/** Characters of numbers and literals: letters, digits, + - . */
function isWord(code: number): boolean {
  return (
    (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122) || code === 43 || code === 45 || code === 46
  )
}
