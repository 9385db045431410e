import type { IdentityProvider } from '../../model/provider.ts'
import { checkedGroups, checkedSubject, keptClaims, shownName, type Vouched } from '../vouched.ts'
import { childrenNamed, childrenOf, instantOf, NS, onlyChild, textOf, unsound, type XmlElement } from './dom.ts'
import { LIMITS } from './limits.ts'
import { nameIdOf, neededNameId, TRANSIENT } from './name-id.ts'

/** What an assertion has to agree with. */
export interface Expected {
  readonly provider: Pick<IdentityProvider, 'saml' | 'scim' | 'claims'>
  /** Our own entity id, and where we take answers. */
  readonly audience: string
  readonly recipient: string
  /** The id of our AuthnRequest; undefined for an answer nobody asked for. */
  readonly inResponseTo: string | undefined
  readonly fresh: boolean
  readonly now_ms: number
}

/** An assertion's own id and until when it could be shown again. */
export interface AssertionMark {
  readonly id: string
  readonly expires_ms: number
}

/**
 * Reads an assertion from the bytes its signature covers (SAML Core §2, Profiles §4.1.4.3). Everything the profile asks for must be there:
 * issuer, bearer confirmation for us, audience, times, a statement of when the person proved who they are. Throws `signin.answer`.
 */
export function readAssertion(
  root: XmlElement,
  expected: Expected,
): { readonly vouched: Vouched; readonly mark: AssertionMark } {
  const { provider } = expected
  const { entityId, groups, subject: subjectAttribute } = provider.saml!
  if (textOf(onlyChild(root, NS.assertion, 'Issuer')) !== entityId) throw unsound('the assertion has another issuer')
  const id = root.getAttribute('ID') ?? ''
  if (id === '') throw unsound('the assertion has no id')
  const expires_ms = Math.min(checkConfirmation(root, expected), checkConditions(root, expected))
  const { auth_ms, sid, ends_ms } = readStatement(root, expected)
  const attributes = readAttributes(root)
  const subject = checkedSubject(
    subjectAttribute === undefined ? readSubject(root) : single(attributes, subjectAttribute),
  )
  const nameId = nameIdOf(onlyChild(root, NS.assertion, 'Subject'))
  const matches = provider.scim
    ? provider.scim.claim === 'sub'
      ? subject
      : single(attributes, provider.scim.claim)
    : ''
  return {
    vouched: {
      issuer: entityId,
      subject,
      name: shownName(...NAMES.map((name) => attributes.get(name)?.[0]), subject),
      email: shownName(...EMAILS.map((name) => attributes.get(name)?.[0])),
      groups: checkedGroups(groups === undefined ? undefined : attributes.get(groups)),
      ...keptClaims(provider.claims, (name) => {
        const values = attributes.get(name)
        return values?.length === 1 ? values[0] : values
      }),
      matches: matches ?? '',
      ...{ sid, auth_ms },
      ...(ends_ms !== undefined && { expires_ms: ends_ms }),
      ...(nameId && { grant: { nameId } }),
    },
    mark: { id, expires_ms: expires_ms + LIMITS.skew_ms },
  }
}

const NAMES = [
  'displayName',
  'urn:oid:2.16.840.1.113730.3.1.241',
  'name',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name',
  'cn',
  'urn:oid:2.5.4.3',
]
const EMAILS = [
  'mail',
  'email',
  'urn:oid:0.9.2342.19200300.100.1.3',
  'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress',
]

function readSubject(root: XmlElement): string {
  const { format, value } = neededNameId(onlyChild(root, NS.assertion, 'Subject'))
  // A transient name is another one at the next sign-in: nothing may be tied to it.
  if (format === TRANSIENT) throw unsound('the NameID is transient: name an attribute as the subject')
  return value
}

/** Until when the answer may be delivered: one bearer confirmation that is for us, for this request, and now. */
function checkConfirmation(root: XmlElement, { recipient, inResponseTo, now_ms }: Expected): number {
  const problems: string[] = []
  for (const confirmation of childrenNamed(
    onlyChild(root, NS.assertion, 'Subject'),
    NS.assertion,
    'SubjectConfirmation',
  )) {
    if (confirmation.getAttribute('Method') !== 'urn:oasis:names:tc:SAML:2.0:cm:bearer') continue
    const about = onlyChild(confirmation, NS.assertion, 'SubjectConfirmationData')
    const end_ms = instantOf(about, 'NotOnOrAfter')
    if (about.getAttribute('Recipient') !== recipient) problems.push('Recipient')
    else if ((about.getAttribute('InResponseTo') || undefined) !== inResponseTo) problems.push('InResponseTo')
    else if (instantOf(about, 'NotBefore') !== undefined) problems.push('NotBefore')
    else if (end_ms === undefined || end_ms + LIMITS.skew_ms <= now_ms) problems.push('NotOnOrAfter')
    else return end_ms
  }
  throw unsound(`no bearer confirmation holds: ${problems.join(', ') || 'there is none'}`)
}

/** Every assertion is taken once anyhow, and none is made from another here: the last two ask for nothing more. */
const CONDITIONS = new Set(['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'])

function checkConditions(root: XmlElement, { audience, now_ms }: Expected): number {
  const conditions = onlyChild(root, NS.assertion, 'Conditions')
  const begin_ms = instantOf(conditions, 'NotBefore')
  const end_ms = instantOf(conditions, 'NotOnOrAfter')
  if (end_ms === undefined) throw unsound('the conditions have no end')
  if (begin_ms !== undefined && begin_ms - LIMITS.skew_ms > now_ms)
    throw unsound('it does not hold yet: a clock is wrong')
  if (end_ms + LIMITS.skew_ms <= now_ms) throw unsound('it has expired')
  const issued_ms = instantOf(root, 'IssueInstant')
  if (issued_ms === undefined || issued_ms - LIMITS.skew_ms > now_ms) throw unsound('it was issued in the future')
  if (issued_ms + LIMITS.assertion_ms <= now_ms) throw unsound('it is too old')
  // SAML Core §2.5.1: a condition that is not understood leaves open whether the assertion holds.
  const unknown = childrenOf(conditions).find(
    (each) => each.namespaceURI !== NS.assertion || !CONDITIONS.has(each.localName),
  )
  if (unknown) throw unsound(`it holds under a condition nobody knows here: ${unknown.localName.slice(0, 100)}`)
  const restrictions = childrenNamed(conditions, NS.assertion, 'AudienceRestriction')
  if (restrictions.length === 0) throw unsound('it is for no audience')
  for (const restriction of restrictions) {
    if (!childrenNamed(restriction, NS.assertion, 'Audience').some((each) => textOf(each).trim() === audience))
      throw unsound('it is for another audience')
  }
  return Math.min(end_ms, now_ms + LIMITS.assertion_ms)
}

function readStatement(root: XmlElement, { fresh, now_ms }: Expected) {
  const statement = onlyChild(root, NS.assertion, 'AuthnStatement')
  const auth_ms = instantOf(statement, 'AuthnInstant') ?? 0
  const ends_ms = instantOf(statement, 'SessionNotOnOrAfter')
  if (auth_ms - LIMITS.skew_ms > now_ms) throw unsound('AuthnInstant lies ahead')
  if (fresh && now_ms - auth_ms > LIMITS.fresh_ms + LIMITS.skew_ms) throw unsound('a fresh sign-in was asked for')
  if (ends_ms !== undefined && ends_ms <= now_ms) throw unsound('the session is over')
  return { auth_ms, ends_ms, sid: (statement.getAttribute('SessionIndex') ?? '').slice(0, 255) }
}

function readAttributes(root: XmlElement): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const statement of childrenNamed(root, NS.assertion, 'AttributeStatement')) {
    for (const attribute of childrenNamed(statement, NS.assertion, 'Attribute')) {
      const name = attribute.getAttribute('Name') ?? ''
      if (found.has(name)) throw unsound('an attribute comes twice')
      found.set(name, childrenNamed(attribute, NS.assertion, 'AttributeValue').map(textOf))
    }
  }
  return found
}

function single(attributes: ReadonlyMap<string, readonly string[]>, name: string): string | undefined {
  const values = attributes.get(name) ?? []
  if (values.length > 1) throw unsound(`the attribute ${name.slice(0, 100)} must have one value`)
  return values[0]
}
