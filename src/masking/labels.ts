import type { MaskDuty, MaskTransform } from '../model/decision.ts'

/** True when `label` is the pattern, or the pattern is a prefix ending in `.*` that it starts with. `*` alone is every label. */
export function labelMatches(pattern: string, label: string): boolean {
  if (pattern === label || pattern === '*') return true
  return pattern.endsWith('.*') && label.startsWith(pattern.slice(0, -1))
}

/** Most masking first: when several duties match, the one that shows least wins. */
const STRENGTH: readonly MaskTransform[] = ['null', 'redact', 'fixed', 'hash', 'tokenize', 'partial']

/** What a label means for the shape a partial or fixed mask keeps. */
export type ValueKind = 'email' | 'card' | 'ssn' | 'phone' | 'iban' | 'ip' | 'secret' | 'other'

export interface Treatment {
  readonly transform: MaskTransform
  readonly kind: ValueKind
}

/** The strongest duty that matches any of the labels, or undefined. */
export function treatmentOf(labels: readonly string[], duties: readonly MaskDuty[]): Treatment | undefined {
  let best = STRENGTH.length
  const matched: string[] = []
  for (const duty of duties) {
    const hits = labels.filter((label) => duty.labels.some((pattern) => labelMatches(pattern, label)))
    if (hits.length === 0) continue
    matched.push(...hits)
    // An unknown transform gives -1 here, which redacts below: never weaker than what the rule meant.
    best = Math.min(best, Math.max(STRENGTH.indexOf(duty.with), 0))
  }
  if (matched.length === 0) return undefined
  const kinds = new Set(matched.map(kindOfLabel))
  return { transform: STRENGTH[best]!, kind: kinds.size === 1 ? kindOfLabel(matched[0]!) : 'other' }
}

/** The kind a label names by its last word: `pii.email` → email. `other` for what has no shape of its own. */
export function kindOfLabel(label: string): ValueKind {
  if (label === 'secret' || label.startsWith('secret.')) return 'secret'
  const word = label.slice(label.lastIndexOf('.') + 1).toLowerCase()
  if (word === 'email' || word === 'mail') return 'email'
  if (word === 'card' || word === 'pan') return 'card'
  if (word === 'ssn' || word === 'phone' || word === 'iban' || word === 'ip') return word
  return 'other'
}
