import { type EffectSet, effects, onlyEffects } from './effects.ts'

/** Everything, as a set of effects a grant may name: no narrowing, `unknown` included. */
export const ALL_EFFECTS: EffectSet = -1

/** One thing a scope allows (RFC 9396 §2). */
export interface Grant {
  /** Names of resources; undefined: every one. */
  readonly resources: readonly string[] | undefined
  readonly effects: EffectSet
}

/** What a token is narrowed to: the union of its grants, never more than its principal's own rights. */
export type Scope = readonly Grant[]

/** Whoever may do anything in a session may begin, set and end it: no driver works without. */
const SESSION = effects('session')

/** The effects a scope leaves on a resource. */
export function scopeEffects(scope: Scope, resource: string): EffectSet {
  let set = 0
  for (const grant of scope)
    if (grant.resources === undefined || grant.resources.includes(resource)) set |= grant.effects
  return set
}

/** Whether a scope covers an operation's effects on a resource. `unknown` passes only where effects are not narrowed. */
export function scopeCovers(scope: Scope, resource: string, set: EffectSet): boolean {
  const left = scopeEffects(scope, resource)
  if (left === ALL_EFFECTS) return true
  return left !== 0 && onlyEffects(set, left | SESSION)
}

/** Whether `inner` allows nothing that `outer` does not. */
export function scopeWithin(inner: Scope, outer: Scope): boolean {
  return inner.every((grant) => {
    if (grant.resources !== undefined)
      return grant.resources.every((name) => contains(scopeEffects(outer, name), grant.effects))
    let everywhere = 0
    for (const other of outer) if (other.resources === undefined) everywhere |= other.effects
    return contains(everywhere, grant.effects)
  })
}

function contains(outer: EffectSet, inner: EffectSet): boolean {
  return outer === ALL_EFFECTS || (inner !== ALL_EFFECTS && (inner & ~outer) === 0)
}
