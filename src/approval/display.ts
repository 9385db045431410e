import { LIMITS } from './limits.ts'

/** What a person is shown of a text: nothing in it can hide, reorder or imitate (ATTACKS G34). */
export interface Display {
  /** Printable text and line breaks only. Everything else is written `⟦U+202E⟧`, and `⟦` itself so too: two texts never look alike by their escapes. */
  readonly text: string
  /** Characters of the whole original. */
  readonly length: number
  /** True when the middle was left out. */
  readonly truncated: boolean
  /** What a careful reader would want pointed out. */
  readonly warnings: readonly string[]
}

/** Controls, formats, surrogates, private use, unassigned, separators, and whatever a renderer may leave out; not the ends of lines and tabs. */
const HIDDEN = /(?!\n|\t|\r\n)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
/** Every blank that is not the plain space, the opening mark of our own escapes, and marks that pile up on a letter. */
const ESCAPED = /(?!\n)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}⟦⟧]|(?! )\p{Zs}|(?<=\p{M}\p{M})\p{M}/gu
/** Blanks long enough to push what follows out of sight. */
const BLANKS = / {41,}/g
const BREAKS = /(?:\n[ ]*){5,}/g
const FOREIGN = /(?=\p{L})[^\p{ASCII}]/u

/** Escapes a text for a person's eyes. Pure; the same text always gives the same display. Costs what it shows, however long the text. */
export function display(text: string, shown: number = LIMITS.shown_chars): Display {
  const truncated = text.length > shown
  const warnings: string[] = []
  if (HIDDEN.test(text)) warnings.push('It contains characters that are invisible or change how text is shown.')
  if (FOREIGN.test(text)) warnings.push('It contains letters outside ASCII, which may look like others.')
  if (truncated) warnings.push(`It is longer than what is shown: ${text.length} characters in all.`)
  return { text: truncated ? cutMiddle(text, shown) : escapeHidden(text), length: text.length, truncated, warnings }
}

/** True when `display` leaves something out of the text. */
export function isCut(text: string): boolean {
  return text.length > LIMITS.shown_chars
}

/** Every character as itself when it is plainly visible, else as its code point in `⟦⟧`. Tabs become four spaces. */
export function escapeHidden(text: string): string {
  const lines = text.replaceAll('\r\n', '\n').replaceAll('\t', '    ')
  const escaped = lines.replaceAll(
    ESCAPED,
    (c) => `⟦U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟧`,
  )
  const unfolded = escaped.replaceAll(BREAKS, (run) => `\n⟦${run.split('\n').length - 1} line breaks⟧\n`)
  return unfolded.replaceAll(BLANKS, (run) => ` ⟦${run.length} spaces⟧ `)
}

/** Head and tail: the dangerous part of a long text is as likely at its end. A cut pair of surrogates shows as an escape. */
function cutMiddle(text: string, shown: number): string {
  const half = shown >> 1
  return `${escapeHidden(text.slice(0, half))}\n⟦${text.length - 2 * half} characters not shown⟧\n${escapeHidden(text.slice(-half))}`
}
