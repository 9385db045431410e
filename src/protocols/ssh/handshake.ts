import type { Wanted } from '../contract.ts'

/** A resource's name, or an account's on the target: one strict set, so that no second reading of a user name is possible (D14). */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$/

/** `web-1`, or `ubuntu+web-1` to pick the account on the target. Undefined for anything else: it names no resource. */
export function wantedOf(username: string): Wanted | undefined {
  const parts = username.split('+')
  if (parts.length > 2 || !parts.every((part) => NAME.test(part))) return undefined
  const [first, second] = parts as [string, string | undefined]
  return second === undefined ? { resource: first } : { resource: second, user: first }
}
