import type { Node } from './ast.ts'
import { SHAPE_TEXT_MAX, SHAPES_MAX } from './limits.ts'
import { harmlessConstants } from './literals.ts'
import type { ParsedMessage } from './message.ts'

/**
 * Reuses one parse for texts that differ only in literals which cannot change any fact. The lexer here is exact for the few forms it takes
 * and gives up on everything else: plain integers, and plain '…' strings without a backslash. Texts of one shape have the same tokens.
 */
interface Shape {
  /** The text around the literals, one more than there are literals. */
  readonly segments: readonly string[]
  readonly kinds: readonly number[]
  readonly parsed: ParsedMessage
}

const INT4 = 1
const INT8 = 2
const STRING = 3

/** Most literals of one text; more than that is not abstracted. */
const LITERALS_MAX = 256

// What a character below 128 may begin.
const PLAIN = 0
const WORD = 1
const DIGIT = 2
const QUOTE = 3
const DOUBLE_QUOTE = 4
const DOLLAR = 5
const DASH = 6
const SLASH = 7
const FORBIDDEN = 8

const CLASS = new Uint8Array(128)
for (let c = 0; c < 128; c++) {
  const char = String.fromCharCode(c)
  if (/[A-Za-z_]/.test(char)) CLASS[c] = WORD
  else if (/[0-9]/.test(char)) CLASS[c] = DIGIT
  else if (c < 32 && !/[\t\n\r\f]/.test(char)) CLASS[c] = FORBIDDEN
}
for (const [char, kind] of [
  ["'", QUOTE],
  ['"', DOUBLE_QUOTE],
  ['$', DOLLAR],
  ['-', DASH],
  ['/', SLASH],
  ['\\', FORBIDDEN],
] as const) {
  CLASS[char.charCodeAt(0)] = kind
}

const starts = new Int32Array(LITERALS_MAX)
const ends = new Int32Array(LITERALS_MAX)
const kinds = new Uint8Array(LITERALS_MAX)
/** Hash of the words around the literals, as the last scan left it: first letters and lengths. A match is compared in full. */
let hash = 0

/** True for a character that continues an identifier or number. Characters from 128 on are letters to the server. */
function isWordCharacter(c: number): boolean {
  return c >= 128 || CLASS[c] === WORD || CLASS[c] === DIGIT || c === 36
}

/** Finds the literals of a text, into the scratch arrays. Returns how many, or -1 for a text that must be parsed exactly. */
function scan(text: string): number {
  const length = text.length
  if (length > SHAPE_TEXT_MAX) return -1
  let count = 0
  let h = length < 1 ? 0 : text.charCodeAt(0)
  let i = 0
  while (i < length) {
    const c = text.charCodeAt(i)
    const kind = c < 128 ? CLASS[c]! : WORD
    if (kind === PLAIN) {
      i++
      continue
    }
    let end: number
    let literal = 0
    if (kind === WORD) end = wordEnd(text, i)
    else if (kind === DIGIT) {
      end = digitsEnd(text, i)
      literal = integerKind(text, i, end)
    } else if (kind === QUOTE) {
      end = stringEnd(text, i)
      literal = lastStringPlain ? 0 : STRING
    } else end = otherEnd(text, i, kind)
    if (end < 0) return -1
    if (literal !== 0) {
      if (count === LITERALS_MAX) return -1
      starts[count] = i
      ends[count] = end
      kinds[count++] = literal
      h = (Math.imul(h, 31) + literal) | 0
    } else h = (Math.imul(h, 31) + c + ((end - i) << 8)) | 0
    i = end
  }
  hash = h
  return count
}

/** The end of an identifier; -1 when it is a prefix of a string (`E'`, `U&'`) or holds half a character. */
function wordEnd(text: string, start: number): number {
  let i = start
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c >= 0xd800 && c <= 0xdfff) return -1
    if (!isWordCharacter(c)) break
  }
  const next = text.charCodeAt(i)
  if (next === 39) return -1
  if (next === 38 && text.charCodeAt(i + 1) === 39) return -1
  return i
}

function digitsEnd(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && CLASS[text.charCodeAt(i)] === DIGIT) i++
  return i
}

/** The class of a run of digits; 0 when it is not certainly an integer of its own, and stays part of the text. */
function integerKind(text: string, start: number, end: number): number {
  const before = start === 0 ? 32 : text.charCodeAt(start - 1)
  const after = end === text.length ? 32 : text.charCodeAt(end)
  if (before === 46 || after === 46 || after === 39 || isWordCharacter(before) || isWordCharacter(after)) return 0
  const digits = end - start
  if (digits <= 9) return INT4
  if (digits > 18) return 0
  return digits === 10 && Number(text.slice(start, end)) <= 0x7fffffff ? INT4 : INT8
}

/** Set by `stringEnd`: the string holds no letter or digit (a pattern such as '%'), so it stays part of the text. */
let lastStringPlain = false

/** The end of a plain string; -1 when a backslash, a control character or half a character is in it, or it does not end. */
function stringEnd(text: string, start: number): number {
  lastStringPlain = true
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 39) {
      if (text.charCodeAt(i + 1) !== 39) return i + 1
      i++
      continue
    }
    if (c < 128) {
      const kind = CLASS[c]!
      if (kind === WORD || kind === DIGIT) lastStringPlain = false
      else if (kind === FORBIDDEN) return -1
    } else {
      if (c >= 0xd800 && c <= 0xdfff) return -1
      lastStringPlain = false
    }
  }
  return -1
}

/** Quoted identifiers and parameters are part of the text; comments, dollar quotes and backslashes end the scan. */
function otherEnd(text: string, start: number, kind: number): number {
  const next = text.charCodeAt(start + 1)
  if (kind === DASH) return next === 45 ? -1 : start + 1
  if (kind === SLASH) return next === 42 ? -1 : start + 1
  if (kind === DOLLAR) return CLASS[next] === DIGIT ? digitsEnd(text, start + 1) : -1
  if (kind !== DOUBLE_QUOTE) return -1
  const close = text.indexOf('"', start + 1)
  if (close < 0) return -1
  for (let i = start; i < close; i++) {
    const c = text.charCodeAt(i)
    if (c === 0 || (c >= 0xd800 && c <= 0xdfff)) return -1
  }
  return close + 1
}

/** Shapes that share a hash before the oldest of them leaves. */
const BUCKET_MAX = 8

/** Parsed messages by shape. Bounded: the oldest shapes leave first. */
export class ShapeCache {
  readonly #shapes = new Map<number, Shape[]>()

  /** The message of another text of the same shape. */
  find(text: string): ParsedMessage | undefined {
    if (this.#shapes.size === 0) return undefined
    const count = scan(text)
    if (count <= 0) return undefined
    const bucket = this.#shapes.get(hash)
    if (bucket === undefined) return undefined
    for (let i = 0; i < bucket.length; i++) if (matches(bucket[i]!, text, count)) return bucket[i]!.parsed
    return undefined
  }

  /** Remembers a message when every literal found in its text is proven to be a constant that cannot change a fact. */
  learn(text: string, statement: Node, parsed: ParsedMessage): void {
    const count = scan(text)
    if (count <= 0) return
    const key = hash
    if (!provenHarmless(text, [...starts.subarray(0, count)], statement)) return
    const segments: string[] = []
    let at = 0
    for (let i = 0; i < count; i++) {
      segments.push(text.slice(at, starts[i]))
      at = ends[i]!
    }
    segments.push(text.slice(at))
    const bucket = this.#shapes.get(key) ?? []
    bucket.push({ segments, kinds: [...kinds.subarray(0, count)], parsed })
    if (bucket.length > BUCKET_MAX) bucket.shift()
    this.#shapes.set(key, bucket)
    if (this.#shapes.size <= SHAPES_MAX) return
    for (const oldest of this.#shapes.keys()) {
      this.#shapes.delete(oldest)
      return
    }
  }
}

/** True when the text just scanned has the shape's literals and exactly its text around them. */
function matches(shape: Shape, text: string, count: number): boolean {
  if (shape.kinds.length !== count) return false
  let at = 0
  for (let i = 0; i < count; i++) {
    const segment = shape.segments[i]!
    if (kinds[i] !== shape.kinds[i] || starts[i]! - at !== segment.length || !text.startsWith(segment, at)) return false
    at = ends[i]!
  }
  const tail = shape.segments[count]!
  return text.length - at === tail.length && text.startsWith(tail, at)
}

/** True when each literal of the text is one of the tree's harmless constants. The tree counts bytes of UTF-8. */
function provenHarmless(text: string, literals: readonly number[], statement: Node): boolean {
  const harmless = new Set(harmlessConstants(statement))
  return literals.every((start) => harmless.has(byteAt(text, start)) || isNegated(text, start, harmless))
}

function byteAt(text: string, at: number): number {
  return Buffer.byteLength(text.slice(0, at))
}

/** `-5` is one constant, which the grammar places at its sign. */
function isNegated(text: string, start: number, harmless: ReadonlySet<number>): boolean {
  for (let i = start - 1; i >= 0; i--) {
    const c = text[i]!
    if (c === '-' && harmless.has(byteAt(text, i))) return true
    if (!/[-\s]/.test(c)) return false
  }
  return false
}
