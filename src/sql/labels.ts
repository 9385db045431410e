/** A set of labels: sorted, without repeats, never changed after it was made. */
export type LabelSet = readonly string[]

export const NO_LABELS: LabelSet = Object.freeze([])

/** The union of two sets; one of the two objects itself when it holds the other. */
export function union(a: LabelSet, b: LabelSet): LabelSet {
  if (a === b || b.length === 0) return a
  if (a.length === 0) return b
  if (within(b, a)) return a
  if (within(a, b)) return b
  return labelSet([...a, ...b])
}

/** True when `outer` has every label of `inner`. */
export function within(inner: LabelSet, outer: LabelSet): boolean {
  for (const label of inner) if (!outer.includes(label)) return false
  return true
}

/** A set from labels in any order. */
export function labelSet(labels: Iterable<string>): LabelSet {
  const set = [...new Set(labels)].sort()
  return set.length === 0 ? NO_LABELS : Object.freeze(set)
}
