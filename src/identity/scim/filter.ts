import { ScimFailure } from './failure.ts'
import { LIMITS } from './limits.ts'

/** `attribute eq value` (RFC 7644 §3.4.2.2): what providers look their own resources up by. */
export interface EqualsFilter {
  /** In lower case: attribute names have no case. */
  readonly attribute: string
  readonly value: string | boolean
}

const FORM = /^\s*([A-Za-z][\w.:-]{0,127})\s+eq\s+("(?:[^"\\]|\\.)*"|true|false)\s*$/i

/** Reads a filter; undefined for none. Throws ScimFailure `invalidFilter` for every other operator: half an answer would look like a whole one. */
export function readFilter(text: string | undefined): EqualsFilter | undefined {
  if (text === undefined) return undefined
  const [, attribute, written] = (text.length <= LIMITS.filter_chars && FORM.exec(text)) || []
  if (!attribute || !written) throw new ScimFailure(400, 'Only `attribute eq "value"` is understood.', 'invalidFilter')
  const value = written.startsWith('"') ? textOf(written) : written.toLowerCase() === 'true'
  return {
    attribute: attribute.replace(/^urn:ietf:params:scim:schemas:core:2\.0:(User|Group):/i, '').toLowerCase(),
    value,
  }
}

function textOf(written: string): string {
  try {
    return JSON.parse(written) as string
  } catch {
    throw new ScimFailure(400, 'The value of the filter is not a JSON string.', 'invalidFilter')
  }
}
