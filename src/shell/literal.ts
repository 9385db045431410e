import type { Word } from 'unbash'

/** The second opinion on the parser: what it calls literal is read again here, and has to be what it says. */

/** True when unquoted text holds nothing a shell would act on, once escaped characters are taken away. */
export function isPlain(written: string): boolean {
  return !/[`$'"|&;()<>\s]/.test(written.replace(/\\[\s\S]/g, '').replace(/\$$/, ''))
}

/** Unquoted text without its backslashes. */
export function unescapeWord(written: string): string {
  return written.replace(/\\\n/g, '').replace(/\\([\s\S])/g, '$1')
}

/** A piece between double quotes, or undefined when it holds what a shell would act on. */
export function unescapeQuoted(written: string): string | undefined {
  const bare = written.replace(/\\[\s\S]/g, '')
  if (/[`"]/.test(bare) || /\$[({[\w@*#?!$-]/.test(bare)) return undefined
  return written.replace(/\\\n/g, '').replace(/\\([$`"\\])/g, '$1')
}

/** True when the parts of a word cover it from end to end; only a continued line may lie between. */
export function isTiled(word: Word): boolean {
  let at = 0
  for (const part of word.parts ?? []) {
    const from = part.pos - word.pos
    if (from < at || word.text.slice(at, from).replace(/(\\\n)+/g, '') !== '') return false
    at = part.end - word.pos
  }
  return word.text.slice(at).replace(/(\\\n)+/g, '') === ''
}
