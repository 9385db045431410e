import { X509Certificate } from 'node:crypto'
import { childrenNamed, isNamed, NS, onlyChild, parseXml, textOf, unsound, within } from './dom.ts'

/** What a provider's metadata says that its document here needs. */
export interface ProviderMetadata {
  readonly entityId: string
  readonly ssoUrl: string
  readonly sloUrl?: string
  /** PEM, of the keys it signs with. */
  readonly certificates: readonly string[]
}

const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect'

/**
 * Reads an EntityDescriptor of an identity provider (SAML Metadata §2). It is read once, by an administrator who knows where it came from: from
 * then on the certificates in the document are what counts. Throws `signin.answer`.
 */
export async function readMetadata(xml: string): Promise<ProviderMetadata> {
  const root = await parseXml(withoutComments(xml))
  if (!isNamed(root, NS.metadata, 'EntityDescriptor'))
    throw unsound('the root of the metadata is not an EntityDescriptor')
  const descriptor = onlyChild(root, NS.metadata, 'IDPSSODescriptor')
  const byRedirect = (service: string) =>
    childrenNamed(descriptor, NS.metadata, service)
      .find((each) => each.getAttribute('Binding') === REDIRECT)
      ?.getAttribute('Location')
  const ssoUrl = byRedirect('SingleSignOnService')
  const sloUrl = byRedirect('SingleLogoutService')
  if (!ssoUrl || !URL.canParse(ssoUrl)) throw unsound('the metadata names no single sign-on by redirect')
  const certificates = childrenNamed(descriptor, NS.metadata, 'KeyDescriptor')
    .filter((key) => (key.getAttribute('use') || 'signing') === 'signing')
    .flatMap((key) =>
      [...within(key)].filter((element) => isNamed(element, NS.signature, 'X509Certificate')).map(textOf),
    )
    .map(pemOf)
  if (certificates.length === 0) throw unsound('the metadata holds no certificate')
  return {
    entityId: root.getAttribute('entityID') ?? '',
    ssoUrl,
    ...(sloUrl && URL.canParse(sloUrl) && { sloUrl }),
    certificates: [...new Set(certificates)],
  }
}

/** Metadata is often annotated; nothing of it is signed here, so that leaving comments out changes nothing anybody vouched for. */
function withoutComments(xml: string): string {
  return xml.replaceAll(/<!--[\s\S]*?-->/g, '')
}

function pemOf(base64: string): string {
  const lines = base64.replaceAll(/\s/g, '').match(/.{1,64}/g) ?? []
  const pem = `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  try {
    return new X509Certificate(pem) && pem
  } catch (cause) {
    throw unsound('a certificate of the metadata cannot be read', cause)
  }
}
