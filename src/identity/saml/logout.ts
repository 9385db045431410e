import { constants, verify, X509Certificate } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import type { IdentityProvider } from '../../model/provider.ts'
import { decodedXml, utf8 } from './answer.ts'
import { childrenNamed, instantOf, isNamed, NS, normalised, onlyChild, parseXml, textOf, unsound } from './dom.ts'
import { checkLogoutForm, SIGNATURE_DIGESTS } from './form.ts'
import { LIMITS } from './limits.ts'
import { type NameId, neededNameId } from './name-id.ts'
import { signedBytes } from './signature.ts'

/** A LogoutRequest as it came: posted, or as the query of an address. */
export type LogoutMessage =
  | { readonly binding: 'post'; readonly request: string }
  | { readonly binding: 'redirect'; readonly query: string }

export interface LogoutQuestion {
  readonly provider: Pick<IdentityProvider, 'saml'>
  readonly message: LogoutMessage
  /** Where we take them. */
  readonly recipient: string
  readonly now_ms: number
}

/** What a provider asks for: the end of one person's sign-ins, or of those of some of its sessions. */
export interface LogoutRequest {
  readonly id: string
  readonly nameId: NameId
  /** Empty: all of them. */
  readonly sessions: readonly string[]
  /** Until when it could be shown again. */
  readonly expires_ms: number
}

/** Reads a LogoutRequest (SAML Core §3.7.1) from bytes a signature of the provider covers. Throws `signin.answer`. */
export async function readLogout({ provider, message, recipient, now_ms }: LogoutQuestion): Promise<LogoutRequest> {
  const { entityId, certificates } = provider.saml!
  const root = await parseXml(await signedText(message, certificates))
  if (!isNamed(root, NS.protocol, 'LogoutRequest')) throw unsound('what is signed is not a LogoutRequest')
  if (textOf(onlyChild(root, NS.assertion, 'Issuer')) !== entityId) throw unsound('the request has another issuer')
  // Without it, a request that was meant for another service could be brought here.
  if (root.getAttribute('Destination') !== recipient) throw unsound('the request was meant for another address')
  const id = root.getAttribute('ID') ?? ''
  if (id === '' || root.getAttribute('Version') !== '2.0') throw unsound('the request has no id, or another version')
  const issued_ms = instantOf(root, 'IssueInstant')
  const end_ms = instantOf(root, 'NotOnOrAfter')
  if (issued_ms === undefined || issued_ms - LIMITS.skew_ms > now_ms) throw unsound('it was issued in the future')
  if (issued_ms + LIMITS.logout_ms + LIMITS.skew_ms <= now_ms) throw unsound('it is too old')
  if (end_ms !== undefined && end_ms + LIMITS.skew_ms <= now_ms) throw unsound('it has expired')
  return {
    id,
    nameId: neededNameId(root),
    sessions: childrenNamed(root, NS.protocol, 'SessionIndex').map(textOf),
    expires_ms: issued_ms + LIMITS.logout_ms + 2 * LIMITS.skew_ms,
  }
}

async function signedText(message: LogoutMessage, certificates: readonly string[]): Promise<string> {
  if (message.binding === 'redirect') {
    const text = normalised(queryText(message.query, certificates))
    checkLogoutForm(await parseXml(text), { signed: false })
    return text
  }
  const text = normalised(decodedXml(bounded(message.request)))
  const root = await parseXml(text)
  checkLogoutForm(root, { signed: true })
  return signedBytes(text, root, certificates)
}

function bounded(text: string): string {
  if (text.length > LIMITS.logout_chars) throw unsound('the message is too large')
  return text
}

/** The message of a query, once its signature holds (SAML Bindings §3.4.4.1): it covers the very characters that came, in the order the binding says. */
function queryText(query: string, certificates: readonly string[]): string {
  const found = new Map<string, string>()
  for (const part of bounded(query).replace(/^\?/, '').split('&')) {
    const at = part.indexOf('=')
    const name = at < 0 ? part : part.slice(0, at)
    if (found.has(name)) throw unsound('a field of the query comes twice')
    found.set(name, at < 0 ? '' : part.slice(at + 1))
  }
  const field = (name: string) => plain(found.get(name) ?? '')
  if (!found.has('Signature') || !found.has('SigAlg')) throw unsound('the request is not signed')
  const digest = SIGNATURE_DIGESTS.get(field('SigAlg'))
  if (digest === undefined) throw unsound(`the signature algorithm ${field('SigAlg').slice(0, 100)} is not taken`)
  if (!['', DEFLATE].includes(field('SAMLEncoding'))) throw unsound('its encoding is not taken')
  const covered = ['SAMLRequest', 'RelayState', 'SigAlg'].filter((name) => found.has(name))
  const signed = Buffer.from(covered.map((name) => `${name}=${found.get(name)}`).join('&'))
  const signature = Buffer.from(field('Signature'), 'base64')
  const holds = (key: string) => verify(digest, signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
  if (!certificates.filter(isRsa).some(holds)) throw unsound('it does not verify: the query is not what was signed')
  return inflated(Buffer.from(field('SAMLRequest'), 'base64'))
}

const isRsa = (certificate: string) => new X509Certificate(certificate).publicKey.asymmetricKeyType === 'rsa'

const DEFLATE = 'urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE'

function plain(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', ' '))
  } catch (cause) {
    throw unsound('a field of the query cannot be read', cause)
  }
}

function inflated(bytes: Buffer): string {
  try {
    return utf8(inflateRawSync(bytes, { maxOutputLength: LIMITS.logout_chars }))
  } catch (cause) {
    throw unsound('the message does not inflate', cause)
  }
}
