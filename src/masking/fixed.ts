import type { ValueKind } from './labels.ts'
import { REDACTED } from './type-table.ts'

/** Constants in the shape of their kind that are never a real one: a reserved domain, a country code and an area nobody has. */
const FIXED: Readonly<Record<ValueKind, string>> = {
  email: 'masked@example.invalid',
  card: '0000-0000-0000-0000',
  ssn: '000-00-0000',
  phone: '+00000000000',
  iban: REDACTED,
  ip: REDACTED,
  secret: REDACTED,
  other: REDACTED,
}

/** The constant that stands for every value of a kind. */
export function fixedText(kind: ValueKind): string {
  return FIXED[kind]
}
