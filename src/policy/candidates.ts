import type { Principal } from '../model/principal.ts'
import type { Resource } from '../model/resource.ts'
import { indexKeys } from './cel/analysis.ts'
import type { Condition, Frame } from './cel/condition.ts'
import { PrincipalView, ResourceView } from './cel/views.ts'
import { memo } from './memo.ts'
import type { CompiledRule } from './rule.ts'

/** A rule whose `who` and `on` fit a principal and a resource. */
export interface Candidate {
  readonly rule: CompiledRule
  /** Why who or on could not be evaluated, where it could not: when the rest holds, that is an error. */
  readonly broken: string
}

/** What policy has to say on one principal and one resource: it stays for as long as both do. */
export interface Plan {
  readonly principal: PrincipalView
  readonly resource: ResourceView
  /** The party's own document keeps it out of the resource's environment. */
  readonly outside: boolean
  /** In the order they were written. */
  readonly candidates: readonly Candidate[]
}

/** What the documents say of a party beyond the rules. */
export interface Parties {
  groupsOf(principal: Principal): readonly string[]
  mayEnter(principal: Principal, resource: Resource): boolean
}

/** Finds the rules that can matter without evaluating all of them. */
export class RuleIndex {
  readonly #rules: readonly CompiledRule[]
  readonly #always: readonly number[]
  readonly #byKey = new Map<string, number[]>()
  readonly #parties: Parties
  readonly #plans = new WeakMap<Principal, WeakMap<Resource, Plan>>()

  constructor(rules: readonly CompiledRule[], parties: Parties) {
    this.#rules = rules
    this.#parties = parties
    const always: number[] = []
    for (const [i, rule] of rules.entries()) {
      const who = rule.who && indexKeys(rule.who.tree)
      const on = indexKeys(rule.on.tree)
      const keys = who && (!on || who.worth >= on.worth) ? who.keys : on?.keys
      if (keys === undefined) always.push(i)
      else for (const key of new Set(keys)) this.#under(key).push(i)
    }
    this.#always = always
  }

  #under(key: string): number[] {
    return memo(this.#byKey, key, () => [])
  }

  /** The plan of a principal on a resource; made once. Principals and resources are immutable. */
  plan(principal: Principal, resource: Resource): Plan {
    const byResource = memo(this.#plans, principal, () => new WeakMap<Resource, Plan>())
    return memo(byResource, resource, () => this.#make(principal, resource))
  }

  #make(principal: Principal, resource: Resource): Plan {
    const groupsOf = (party: Principal) => this.#parties.groupsOf(party)
    const frame = { principal: new PrincipalView(principal, groupsOf), resource: new ResourceView(resource) }
    const numbers = new Set(this.#always)
    for (const key of keysOf(frame)) for (const i of this.#byKey.get(key) ?? []) numbers.add(i)
    const candidates: Candidate[] = []
    for (const i of [...numbers].sort((a, b) => a - b)) {
      const rule = this.#rules[i]!
      const broken = fits(rule, frame)
      if (broken !== undefined) candidates.push({ rule, broken })
    }
    return { ...frame, outside: !this.#parties.mayEnter(principal, resource), candidates }
  }
}

type Pair = Pick<Frame, 'principal' | 'resource'>

/** Every key a request can be found under; the same words as {@link indexKeys}. */
function keysOf({ principal, resource }: Pair): string[] {
  const keys = [
    `principal.kind=${principal.kind}`,
    `principal.id=${principal.id}`,
    `resource.name=${resource.name}`,
    `resource.protocol=${resource.protocol}`,
  ]
  for (const group of principal.groups) keys.push(`principal.groups~${group}`)
  for (const [name, value] of resource.labels) keys.push(`resource.labels.${name}=${value}`)
  return keys
}

/** '' when both parts hold, undefined when either does not, else why it cannot be known. A false part settles it: the other's error changes nothing. */
function fits(rule: CompiledRule, frame: Pair): string | undefined {
  const who = rule.who ? ask(rule.who, frame) : ''
  if (who === undefined) return undefined
  const on = ask(rule.on, frame)
  return on === undefined ? undefined : who || on
}

/** '' for true, undefined for false, else the error. */
export function ask(condition: Condition, frame: Partial<Frame>): string | undefined {
  try {
    return condition.holds(frame) ? '' : undefined
  } catch (thrown) {
    return errorText(thrown)
  }
}

/** The first line of an error, never empty. */
export function errorText(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.split('\n')[0]!.slice(0, 300) || 'unknown error'
}
