import { TEXT_MAX } from './limits.ts'

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of what a client sent, or undefined when it is not UTF-8: the far shell reads bytes, so nothing may be guessed. */
export function decodeLine(bytes: Uint8Array): string | undefined {
  try {
    return DECODER.decode(bytes)
  } catch {
    return undefined
  }
}

/** What a reader does not see, or sees elsewhere: controls, formatting and bidirectional marks, unassigned and private characters, odd spaces. */
const UNSEEN = /(?![\t\n])[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u
const EVERY_UNSEEN = new RegExp(UNSEEN, 'gu')

/** Why the text is not what people would read, or ''. */
export function hiddenIn(text: string): string {
  const found = UNSEEN.exec(text)
  return found === null ? '' : `the character ${codePoint(found[0])}`
}

/** The text as approvers and transcripts may show it: bounded, what cannot be seen written out. */
export function canonicalText(text: string): string {
  const shown = text
    .slice(0, TEXT_MAX)
    .replace(EVERY_UNSEEN, (char) => `\\u{${codePoint(char).slice(2).toLowerCase()}}`)
  const left = text.length - TEXT_MAX
  return left > 0 ? `${shown} … ${left} more characters` : shown
}

function codePoint(char: string): string {
  return `U+${char.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`
}
