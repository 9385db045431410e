import { ScimFailure } from './failure.ts'
import { LIMITS } from './limits.ts'

/** `attribute eq value` (RFC 7644 §3.4.2.2): what providers look their own resources up by. */
export interface EqualsFilter {
  /** In lower case: attribute names have no case. Who is in a group is `members`. */
  readonly attribute: string
  readonly value: string | boolean
}

const VALUE = '("(?:[^"\\\\]|\\\\.)*"|true|false)'
/** One comparison, or one of a group's members; then the end, or another one. Names and operators have no case. */
const TERM = new RegExp(
  `\\s*(?:members\\[\\s*value\\s+eq\\s+${VALUE}\\s*\\]|([a-z][\\w.:-]{0,127})\\s+eq\\s+${VALUE})(?:\\s*$|\\s+and\\s+(?=\\S))`,
  'iy',
)

/** Reads a filter: every comparison must hold; none for no filter. Throws ScimFailure `invalidFilter` for anything else: half an answer would look like a whole one. */
export function readFilter(text: string | undefined): readonly EqualsFilter[] {
  if (text === undefined) return []
  const found: EqualsFilter[] = []
  if (text.length > LIMITS.filter_chars) throw misunderstood()
  for (TERM.lastIndex = 0; TERM.lastIndex < text.length; ) {
    const term = TERM.exec(text)
    if (!term || found.length === LIMITS.filter_terms) throw misunderstood()
    const [, member, name = 'members', plain] = term
    found.push({ attribute: attributeOf(name), value: literalOf(member ?? plain!) })
  }
  if (found.length === 0) throw misunderstood()
  return found
}

const misunderstood = () =>
  new ScimFailure(400, 'Only `attribute eq "value"` is understood, and several joined by `and`.', 'invalidFilter')

function attributeOf(name: string): string {
  const plain = name.replace(/^urn:ietf:params:scim:schemas:core:2\.0:(User|Group):/i, '').toLowerCase()
  return plain === 'members.value' ? 'members' : plain
}

function literalOf(written: string): string | boolean {
  if (!written.startsWith('"')) return written.toLowerCase() === 'true'
  try {
    return JSON.parse(written) as string
  } catch {
    throw new ScimFailure(400, 'The value of the filter is not a JSON string.', 'invalidFilter')
  }
}
