import { SluiceError } from '../../kit/errors.ts'
import type { IdentityProvider } from '../../model/provider.ts'
import { checkedGroups, checkedSubject, keptClaims, shownName, type Vouched } from '../vouched.ts'
import { LIMITS } from './limits.ts'

export type Claims = Readonly<Record<string, unknown>>

/** The value at a path of names; undefined where a step is missing or is nobody's own. */
export function claimAt(claims: Claims, path: readonly string[]): unknown {
  let value: unknown = claims
  for (const step of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return undefined
    value = (value as Record<string, unknown>)[step]
  }
  return value
}

/**
 * What verified claims say of a person. Throws `signin.groups` where the provider left the groups out because there are too many (Entra's
 * `_claim_names`): to go on without them would lose those a rule denies by.
 */
export function vouchedBy(provider: IdentityProvider, claims: Claims): Omit<Vouched, 'grant'> {
  const { issuer, groups: path } = provider.oidc!
  const subject = checkedSubject(claims.sub)
  const groups = path ? claimAt(claims, path) : undefined
  if (path && groups === undefined && isOverage(claims, path[0]!))
    throw new SluiceError('signin.groups', 'the provider left the groups out because there are too many')
  const matches = provider.scim ? claims[provider.scim.claim] : undefined
  return {
    issuer,
    subject,
    name: shownName(claims.name, claims.preferred_username, claims.email, subject),
    email: shownName(claims.email),
    groups: checkedGroups(groups),
    ...keptClaims(provider.claims, (name) => claimAt(claims, [name])),
    matches: typeof matches === 'string' ? matches : '',
    sid: typeof claims.sid === 'string' ? claims.sid.slice(0, 255) : '',
    auth_ms: typeof claims.auth_time === 'number' ? claims.auth_time * 1_000 : 0,
  }
}

function isOverage(claims: Claims, name: string): boolean {
  const names = claims._claim_names
  return (typeof names === 'object' && names !== null && Object.hasOwn(names, name)) || claims.hasgroups === true
}

/** What the library leaves to us: `azp` of a single audience, and a time of issue that lies ahead. Throws `signin.answer`. */
export function checkIssue(claims: Claims, clientId: string, now_ms: number): void {
  if (claims.azp !== undefined && claims.azp !== clientId)
    throw new SluiceError('signin.answer', 'azp names another client')
  const ahead_s = Number(claims.iat) - now_ms / 1_000
  if (!(ahead_s <= LIMITS.skew_s))
    throw new SluiceError('signin.answer', `iat lies ${Math.round(ahead_s)} s ahead: a clock is wrong`)
}

/**
 * When the person last showed a credential (OpenID Connect Core §3.1.3.7, 12): not ahead, and no longer ago than was asked for. Providers that never
 * say are many; who came in by one is never fresh. Throws `signin.answer`.
 */
export function checkAge({ auth_time }: Claims, maxAge_s: number | undefined, now_ms: number): void {
  if (auth_time === undefined) return
  const age_s = now_ms / 1_000 - Number(auth_time)
  if (typeof auth_time !== 'number' || !(age_s >= -LIMITS.skew_s))
    throw new SluiceError('signin.answer', 'auth_time lies ahead: a clock is wrong')
  if (maxAge_s !== undefined && age_s > maxAge_s + LIMITS.skew_s)
    throw new SluiceError('signin.answer', `auth_time is ${Math.round(age_s)} s ago: a newer proof was asked for`)
}
