/** The closed vocabulary of what an operation does (design §6). Order is severity, least first; `unknown` is the most severe. */
export const EFFECTS = [
  'session',
  'read',
  'write',
  'delete',
  'define',
  'grant',
  'execute',
  'export',
  'import',
  'connect',
  'unknown',
] as const
export type Effect = (typeof EFFECTS)[number]

/** A bit set over {@link EFFECTS}; bit `i` is `EFFECTS[i]`. */
export type EffectSet = number

const BIT = new Map<string, number>(EFFECTS.map((effect, i) => [effect, 1 << i]))

/** The set holding the given effects. Throws a RangeError for a word outside the vocabulary. */
export function effects(...names: readonly Effect[]): EffectSet {
  let set = 0
  for (const name of names) set |= effectBit(name)
  return set
}

/** One effect's bit. Throws a RangeError for a word outside the vocabulary: an unknown enum value must not pass. */
export function effectBit(name: string): EffectSet {
  const bit = BIT.get(name)
  if (bit === undefined) throw new RangeError(`"${name}" is not an effect; write one of ${EFFECTS.join(', ')}`)
  return bit
}

/** True when the set has at least one of the effects in `any`. */
export function hasEffect(set: EffectSet, any: EffectSet): boolean {
  return (set & any) !== 0
}

const UNKNOWN = 1 << EFFECTS.indexOf('unknown')

/** True when the set has nothing beyond `allowed`. `unknown` never passes, even when listed; the empty set does. */
export function onlyEffects(set: EffectSet, allowed: EffectSet): boolean {
  return (set & ~(allowed & ~UNKNOWN)) === 0
}

/** The words of a set, in order of severity. */
export function effectNames(set: EffectSet): Effect[] {
  return EFFECTS.filter((_, i) => (set & (1 << i)) !== 0)
}
