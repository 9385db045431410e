import { HASH_PREFIX } from './hash.ts'
import { TOKEN_PREFIX } from './tokenize.ts'
import { REDACTED } from './type-table.ts'
import { HASHED_UUID_START } from './uuid-masker.ts'

const literal = (text: string): string => text.replace(/[*.+<>/]/g, '\\$&')

/** One alternative per form a transform writes (redact, fixed, hash, tokenize, then the partial masks by kind). */
const OUTPUT = new RegExp(
  [
    literal(REDACTED),
    '<masked\\/>',
    '\\bmasked@example\\.invalid\\b',
    '(?<![\\d-])0000-0000-0000-0000(?![\\d-])|(?<![\\d-])000-00-0000(?![\\d-])|\\+0{11}(?!\\d)',
    `\\b${HASH_PREFIX}[0-9a-f]{32}\\b`,
    `\\b${TOKEN_PREFIX}(?:n\\d(?:[ -]?\\d){5}|x(?:[0-9a-f]{2}){4})`,
    `\\b${HASHED_UUID_START}-?[0-9a-f]{4}-?8[0-9a-f]{3}-?8`,
    '\\*{3}@\\*{3}',
    '(?<!\\*)\\*{12}\\d{4}(?!\\d)',
    '(?<!\\*)\\*{3}-\\*{2}-\\d{4}(?!\\d)',
    '(?<!\\*)\\*{3}-\\*{3}-\\d{2}(?!\\d)',
    '\\b[A-Za-z]{2}\\*{14}[A-Za-z0-9]{4}\\b',
    '\\b\\d{1,3}\\.\\d{1,3}\\.\\*\\.\\*',
    '(?<![\\w*])[A-Za-z0-9]\\*{5}(?![*\\w/])',
  ].join('|'),
)

/** One of these is in every output: searching for them costs a fraction of the pattern, and most statements have none. */
const GATES = ['**', 'mask', TOKEN_PREFIX, HASHED_UUID_START, '000-0', '+0000', '.*.']

/**
 * True when the text holds what one of our own transforms writes (attack B46): writing it would put a mask in the place
 * of a real value. Masked numbers, dates and other values that are valid for their type cannot be told from real ones.
 */
export function containsMaskOutput(text: string | Buffer): boolean {
  if (!GATES.some((gate) => text.includes(gate))) return false
  return OUTPUT.test(typeof text === 'string' ? text : text.toString('latin1'))
}
