import { isUtf8 } from 'node:buffer'

/** Bytes that are no UTF-8 become U+DC80 to U+DCFF, which no valid text holds, and come back as they were. */
const ESCAPE = 0xdc00

/** `bytes[start,end)` as text: UTF-8, and each byte that belongs to no character as a lone surrogate. Lossless. */
export function readText(bytes: Buffer, start: number, end: number): string {
  const view = bytes.subarray(start, end)
  if (isUtf8(view)) return view.toString()
  let text = ''
  for (let at = 0; at < view.length; ) {
    const size = sizeOf(view[at]!)
    const character = view.subarray(at, at + size)
    if (character.length === size && isUtf8(character)) {
      text += character.toString()
      at += size
    } else {
      text += String.fromCharCode(ESCAPE + view[at]!)
      at++
    }
  }
  return text
}

/** The bytes {@link readText} read. */
export function writeText(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  const parts: Buffer[] = []
  for (const character of text) {
    const code = character.codePointAt(0)!
    parts.push(code >= ESCAPE + 0x80 && code <= ESCAPE + 0xff ? Buffer.of(code - ESCAPE) : Buffer.from(character))
  }
  return Buffer.concat(parts)
}

/** How many bytes a character has that begins with this one. */
function sizeOf(byte: number): number {
  if (byte >= 0xf0) return 4
  if (byte >= 0xe0) return 3
  return byte >= 0xc0 ? 2 : 1
}
