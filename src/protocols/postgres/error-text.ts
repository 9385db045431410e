import { REDACTED } from '../../masking/index.ts'
import { isServerWord } from './error-words.ts'

/** Quotation marks of the server's messages in any language. */
const QUOTES = '"“”„«»‘’\''
const LETTER = /[\p{L}\d]/u

/** What the server writes between two quoted names. Other words between quotes may be part of a value that holds quotes. */
const CONNECTORS = new Set([
  ' of relation ',
  ' in relation ',
  ' of table ',
  ' on table ',
  ' for table ',
  ' of type ',
  ' violates check constraint ',
  ' violates foreign key constraint ',
  ' violates not-null constraint ',
  ' violates exclusion constraint ',
  ' for relation ',
  ' on relation ',
  ' and ',
  ', ',
])

/** Numbers that stand alone: not the 4 of int4. */
const NUMBER = /(?<![\p{L}\d_])[-+]?\d[\p{L}\d_.,:+-]*/gu

/** A word, or what stands in for something masked before. Apostrophes and hyphens join two words of the server. */
const WORD = /\*masked\*|[\p{L}\p{N}\p{M}_]+/gu
/** Masked words in a row tell how many there were. */
const SEVERAL = /\*masked\*(?:[^\p{L}\p{N}]*\*masked\*)+/gu

/**
 * A message or hint of the server without the values in it: everything from its first to its last quotation mark, unless
 * that is known names joined as the server joins them, every number, and every word that is not the server's.
 */
export function maskSentence(text: string, known: ReadonlySet<string>): string {
  let first = 0
  while (first < text.length && !isQuoteAt(text, first)) first++
  if (first === text.length) return maskPlain(text, known)
  let last = text.length - 1
  while (last > first && !isQuoteAt(text, last)) last--
  const head = maskPlain(text.slice(0, first), known)
  const quoted = text.slice(first, last + 1)
  // One mark alone: where the value ends cannot be told.
  if (last === first) return `${head}"${REDACTED}"`
  const tail = maskPlain(text.slice(last + 1), known)
  return head + (isKnownNames(quoted, known) ? quoted : `"${REDACTED}"`) + tail
}

/** An apostrophe within a word is no quotation mark. */
function isQuoteAt(text: string, at: number): boolean {
  const character = text[at]!
  if (!QUOTES.includes(character)) return false
  if (character !== "'" && character !== '’') return true
  return !(LETTER.test(text[at - 1] ?? '') && LETTER.test(text[at + 1] ?? ''))
}

/** True for `"customers"` or `"email" of relation "customers"` when every name is known. */
function isKnownNames(quoted: string, known: ReadonlySet<string>): boolean {
  const parts = quoted.split('"')
  if (parts.length % 2 === 0 || parts[0] !== '' || parts.at(-1) !== '') return false
  return parts.slice(1, -1).every((part, i) => (i % 2 === 0 ? known.has(part) : CONNECTORS.has(part)))
}

function maskPlain(text: string, known: ReadonlySet<string>): string {
  const keep = (word: string) => word === REDACTED || isServerWord(word) || known.has(word)
  return text
    .replace(NUMBER, REDACTED)
    .replace(WORD, (word) => (keep(word) ? word : REDACTED))
    .replace(SEVERAL, REDACTED)
}

/** An index key is smaller than a third of a page. */
const DETAIL_LIMIT = 8192
const KEY =
  /^Key \((.*?)\)=\(.*\)( already exists\.| is not present in table "([^"]*)"\.| is still referenced from table "([^"]*)"\.)$/s
const CONFLICT = /^Key \(.*\)=\(.*\) conflicts with (?:existing )?key \(.*\)=\(.*\)\.$/s
const FAILING_ROW = /^Failing row contains \(.*\)\.$/s

/** A detail of the server in one of the forms that are known not to hold more than the values in their brackets, or undefined. */
export function maskDetail(text: string, known: ReadonlySet<string>): string | undefined {
  if (text.length > DETAIL_LIMIT) return undefined
  const key = KEY.exec(text)
  if (key) {
    const columns = key[1]!.split(', ').every((name) => known.has(name)) ? key[1] : REDACTED
    const table = key[3] ?? key[4]
    const rest = table === undefined || known.has(table) ? key[2]! : key[2]!.replace(`"${table}"`, `"${REDACTED}"`)
    return `Key (${columns})=(${REDACTED})${rest}`
  }
  if (CONFLICT.test(text)) return `Key (${REDACTED})=(${REDACTED}) conflicts with existing key.`
  if (FAILING_ROW.test(text)) return `Failing row contains (${REDACTED}).`
  return undefined
}
