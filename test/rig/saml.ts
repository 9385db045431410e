import { sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { signXml } from '@node-saml/node-saml/lib/xml.js'
import { mustRun } from './child.ts'
import { tempFolder } from './temp.ts'

export interface SamlKey {
  readonly key: string
  readonly certificate: string
}

/** An RSA key and a certificate of its own. */
export async function samlKey(subject = '/CN=idp.test'): Promise<SamlKey> {
  const folder = tempFolder('saml')
  const [key, cert] = [join(folder.path, 'key'), join(folder.path, 'cert')]
  await mustRun([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-subj',
    subject,
    '-keyout',
    key,
    '-out',
    cert,
  ])
  const made = { key: readFileSync(key, 'utf8'), certificate: readFileSync(cert, 'utf8') }
  folder.remove()
  return made
}

const iso = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z/, 'Z')

/** What an assertion says; every part can be left out (undefined) or changed. */
export interface AssertionWish {
  readonly id?: string
  readonly issuer?: string
  readonly nameId?: string
  readonly format?: string
  readonly audience?: string | undefined
  readonly recipient?: string | undefined
  readonly inResponseTo?: string | undefined
  readonly from_ms?: number
  readonly to_ms?: number | undefined
  readonly issued_ms?: number
  readonly auth_ms?: number
  readonly attributes?: Readonly<Record<string, readonly string[]>>
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const attribute = (name: string, value: string | undefined) =>
  value === undefined ? '' : ` ${name}="${escaped(value)}"`

/** An assertion, unsigned. */
export function assertionXml(wish: AssertionWish): string {
  const now = Date.now()
  const {
    id = `_a${Math.random().toString(36).slice(2)}`,
    issuer = 'https://idp.test',
    nameId = 'ada',
    format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
  } = wish
  const { from_ms = now - 5_000, to_ms, issued_ms = now, auth_ms = now } = wish
  const end = 'to_ms' in wish ? (to_ms === undefined ? undefined : iso(to_ms)) : iso(now + 60_000)
  const attributes = Object.entries(wish.attributes ?? {}).map(
    ([name, values]) =>
      `<saml:Attribute Name="${escaped(name)}">${values.map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`).join('')}</saml:Attribute>`,
  )
  return [
    `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${iso(issued_ms)}">`,
    `<saml:Issuer>${escaped(issuer)}</saml:Issuer>`,
    `<saml:Subject><saml:NameID Format="${format}">${nameId}</saml:NameID>`,
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData${attribute('NotOnOrAfter', end)}${attribute('Recipient', wish.recipient)}${attribute('InResponseTo', wish.inResponseTo)}/></saml:SubjectConfirmation></saml:Subject>`,
    `<saml:Conditions NotBefore="${iso(from_ms)}"${attribute('NotOnOrAfter', end)}>`,
    wish.audience === undefined
      ? ''
      : `<saml:AudienceRestriction><saml:Audience>${escaped(wish.audience)}</saml:Audience></saml:AudienceRestriction>`,
    `</saml:Conditions><saml:AuthnStatement AuthnInstant="${iso(auth_ms)}" SessionIndex="_s1"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`,
    attributes.length === 0 ? '' : `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>`,
    '</saml:Assertion>',
  ].join('')
}

export function responseXml(
  inner: string,
  { destination, inResponseTo, id = '_r1' }: { destination?: string; inResponseTo?: string; id?: string } = {},
): string {
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${iso(Date.now())}"${attribute('Destination', destination)}${attribute('InResponseTo', inResponseTo)}><saml:Issuer>https://idp.test</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>${inner}</samlp:Response>`
}

export type Algorithm = 'sha1' | 'sha256'

/** Signs the element of this local name, as a provider does: enveloped, exclusive canonical form, right behind its issuer. */
export function signed(
  xml: string,
  element: 'Assertion' | 'Response' | 'LogoutRequest',
  { key, certificate }: SamlKey,
  algorithm: Algorithm = 'sha256',
): string {
  const path = `//*[local-name(.)='${element}']`
  return signXml(
    xml,
    path,
    { reference: `${path}/*[local-name(.)='Issuer']`, action: 'after' },
    { privateKey: key, publicCert: certificate, signatureAlgorithm: algorithm, digestAlgorithm: algorithm },
  )
}

/** What a request to log out says; every part can be left out (undefined) or changed. */
export interface LogoutWish {
  readonly id?: string
  readonly issuer?: string
  readonly destination?: string | undefined
  readonly nameId?: string
  readonly format?: string
  readonly sessions?: readonly string[]
  readonly issued_ms?: number
  readonly to_ms?: number
}

/** A LogoutRequest, unsigned. */
export function logoutXml(wish: LogoutWish): string {
  const { id = `_l${Math.random().toString(36).slice(2)}`, issuer = 'https://idp.test', nameId = 'ada' } = wish
  const {
    format = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    sessions = [],
    issued_ms = Date.now(),
  } = wish
  const end = wish.to_ms === undefined ? undefined : iso(wish.to_ms)
  return [
    `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="${id}" Version="2.0" IssueInstant="${iso(issued_ms)}"${attribute('Destination', wish.destination)}${attribute('NotOnOrAfter', end)}>`,
    `<saml:Issuer>${escaped(issuer)}</saml:Issuer><saml:NameID Format="${format}">${escaped(nameId)}</saml:NameID>`,
    ...sessions.map((session) => `<samlp:SessionIndex>${escaped(session)}</samlp:SessionIndex>`),
    '</samlp:LogoutRequest>',
  ].join('')
}

/** A message as the query of an address, signed as SAML Bindings §3.4.4.1 says. */
export function signedQuery(
  xml: string,
  { key }: SamlKey,
  { relayState, digest = 'sha256' }: { relayState?: string; digest?: string } = {},
): string {
  const relay = relayState === undefined ? '' : `&RelayState=${encodeURIComponent(relayState)}`
  const algorithm = encodeURIComponent(`http://www.w3.org/2001/04/xmldsig-more#rsa-${digest}`)
  const covered = `SAMLRequest=${encodeURIComponent(deflateRawSync(xml).toString('base64'))}${relay}&SigAlg=${algorithm}`
  return `${covered}&Signature=${encodeURIComponent(sign(digest, Buffer.from(covered), key).toString('base64'))}`
}
