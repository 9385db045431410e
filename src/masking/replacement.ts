import type { Secret } from '../kit/secret.ts'
import { fixedText } from './fixed.ts'
import { hashText } from './hash.ts'
import type { Treatment } from './labels.ts'
import { partialText } from './partial.ts'
import { tokenizeText } from './tokenize.ts'
import { REDACTED } from './type-table.ts'

/** What stands for a text value under a treatment. A part of a text cannot be NULL: it is redacted. */
export function replacementText(value: string, treatment: Treatment, key: Secret): string {
  switch (treatment.transform) {
    case 'partial': {
      const bytes = Buffer.from(value)
      const partial = partialText(treatment.kind)
      const out = Buffer.allocUnsafe(partial.bound(bytes.length))
      return out.toString('utf8', 0, partial.write(bytes, 0, bytes.length, out, 0))
    }
    case 'fixed':
      return fixedText(treatment.kind)
    case 'hash':
      return hashText(value, key)
    case 'tokenize':
      return tokenizeText(value, key)
    default:
      return REDACTED
  }
}
