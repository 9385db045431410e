import { SluiceError } from '../kit/errors.ts'
import type { Principal } from '../model/principal.ts'
import { LIMITS } from './oidc/limits.ts'
import type { NameId } from './saml/name-id.ts'

/** What an identity provider vouches for: one person, now. */
export interface Vouched {
  /** The provider's own name for itself. */
  readonly issuer: string
  readonly subject: string
  readonly name: string
  readonly email: string
  /** As the provider names them. */
  readonly groups: readonly string[]
  /** Those of its claims that rules may read. */
  readonly claims?: Principal['claims']
  /** What a provisioned user is found by; empty where nothing is. */
  readonly matches: string
  /** The provider's id of its session; empty where it names none. */
  readonly sid: string
  /** When the person last showed a credential to the provider, ms since the epoch; 0 where it does not say. */
  readonly auth_ms: number
  /** When the provider's own session ends at the latest, where it says. */
  readonly expires_ms?: number
  /** What the provider is asked with later: whether this still holds, or to end its own session. */
  readonly grant?: { readonly refresh?: string; readonly idToken?: string; readonly nameId?: NameId }
}

/** A subject as ids can carry it: printable ASCII without blanks, at most 255. Throws `signin.answer`. */
export function checkedSubject(value: unknown): string {
  if (typeof value === 'string' && /^[\x21-\x7e]{1,255}$/.test(value)) return value
  throw new SluiceError('signin.answer', 'the subject is not 1 to 255 printable characters')
}

/** The groups of a claim or attribute. Throws `signin.groups` for what is no list of names, or beyond the bounds: fewer than there are would hide a group that a rule denies. */
export function checkedGroups(value: unknown): string[] {
  if (value === undefined || value === null) return []
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list)) throw new SluiceError('signin.groups', 'the groups are not a list')
  if (list.length > LIMITS.groups) throw new SluiceError('signin.groups', `more than ${LIMITS.groups} groups`)
  for (const group of list) {
    if (typeof group !== 'string' || group.length > LIMITS.group_chars)
      throw new SluiceError('signin.groups', `a group is not a name of at most ${LIMITS.group_chars} characters`)
  }
  return [...new Set(list as string[])].sort()
}

/** The first of several texts that says anything, made safe to show. */
export function shownName(...values: readonly unknown[]): string {
  for (const value of values) {
    if (typeof value !== 'string') continue
    const clean = value.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim()
    if (clean !== '') return clean.slice(0, LIMITS.name_chars)
  }
  return ''
}

/** The claims of these names that there are, in the order of the names. Throws `signin.answer` for more than is kept. */
export function keptClaims(
  names: readonly string[] | undefined,
  claimOf: (name: string) => unknown,
): Pick<Vouched, 'claims'> {
  if (!names) return {}
  const found = names.map((name) => [name, claimOf(name)] as const).filter(([, value]) => value !== undefined)
  const claims = Object.fromEntries(found)
  if (JSON.stringify(claims).length > LIMITS.claims_chars)
    throw new SluiceError('signin.answer', `the claims have more than ${LIMITS.claims_chars} characters`)
  return { claims }
}
