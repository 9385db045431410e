import type { GroupRule } from '../model/provider.ts'

/** Names a group may have here; what a prefix leaves over must be one. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,127}$/

/** The groups here that groups of a provider give, by the provider's rules. What no rule names gives nothing. */
export function mappedGroups(rules: readonly GroupRule[], groups: readonly string[]): string[] {
  const exact = new Map<string, string[]>()
  const prefixes: string[] = []
  for (const rule of rules) {
    if ('prefix' in rule) prefixes.push(rule.prefix)
    else exact.set(rule.group, [...(exact.get(rule.group) ?? []), ...rule.gives])
  }
  const found = new Set<string>()
  for (const group of groups) {
    for (const given of exact.get(group) ?? []) found.add(given)
    for (const prefix of prefixes) {
      const rest = group.startsWith(prefix) ? group.slice(prefix.length) : ''
      if (NAME.test(rest)) found.add(rest)
    }
  }
  return [...found].sort()
}
