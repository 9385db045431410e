import { childrenNamed, childrenOf, isNamed, NS, onlyChild, textOf, unsound, within, type XmlElement } from './dom.ts'

/** Signatures with keys of the provider's certificate only: no HMAC, whose "key" would be public, and no SHA-1. */
export const SIGNATURE_DIGESTS: ReadonlyMap<string, string> = new Map([
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'sha256'],
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha384', 'sha384'],
  ['http://www.w3.org/2001/04/xmldsig-more#rsa-sha512', 'sha512'],
])
const DIGESTS = new Set([
  'http://www.w3.org/2001/04/xmlenc#sha256',
  'http://www.w3.org/2001/04/xmldsig-more#sha384',
  'http://www.w3.org/2001/04/xmlenc#sha512',
])
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#'
const TRANSFORMS = new Set(['http://www.w3.org/2000/09/xmldsig#enveloped-signature', EXCLUSIVE])
const CIPHERS = /^http:\/\/www\.w3\.org\/(2001\/04\/xmlenc#aes(128|192|256)-cbc|2009\/xmlenc11#aes(128|192|256)-gcm)$/
const KEY_CIPHERS = new Set([
  'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  'http://www.w3.org/2009/xmlenc11#rsa-oaep',
])

/**
 * The form of a response before anything in it is believed: a Response with one assertion, plain or encrypted, as its own child and none
 * elsewhere, every id once, and signatures that sign their own parent and nothing else. What wrapping attacks need has no place in it.
 * Returns the assertion. Throws `signin.answer`.
 */
export function checkResponseForm(root: XmlElement): XmlElement {
  if (!isNamed(root, NS.protocol, 'Response')) throw unsound('its root is not a Response')
  const plain = childrenNamed(root, NS.assertion, 'Assertion')
  const sealed = childrenNamed(root, NS.assertion, 'EncryptedAssertion')
  const [assertion] = [...plain, ...sealed]
  if (plain.length + sealed.length !== 1 || !assertion) throw unsound('it must hold exactly one assertion')
  for (const element of within(root)) {
    if (
      /^(Assertion|EncryptedAssertion|Response)$/.test(element.localName) &&
      element !== root &&
      element !== assertion
    )
      throw unsound('there is an assertion or response where none belongs')
  }
  checkIdsAndSignatures(root, plain.length === 1 ? [root, assertion] : [root])
  if (sealed.length === 1) checkEncryption(assertion)
  return assertion
}

/** The form of an assertion that was encrypted. Throws `signin.answer`. */
export function checkAssertionForm(root: XmlElement): XmlElement {
  if (!isNamed(root, NS.assertion, 'Assertion')) throw unsound('what was encrypted is not an assertion')
  for (const element of within(root))
    if (/^(Assertion|EncryptedAssertion|Response)$/.test(element.localName) && element !== root)
      throw unsound('an assertion within an assertion')
  checkIdsAndSignatures(root, [root])
  return root
}

/** The form of a request to log out: signed itself where it was posted; where it came in a query, which carries the signature, it has none. Throws `signin.answer`. */
export function checkLogoutForm(root: XmlElement, { signed }: { readonly signed: boolean }): void {
  if (!isNamed(root, NS.protocol, 'LogoutRequest')) throw unsound('its root is not a LogoutRequest')
  if (childrenNamed(root, NS.signature, 'Signature').length !== (signed ? 1 : 0))
    throw unsound(signed ? 'the request is not signed' : 'a signature stands where none belongs')
  checkIdsAndSignatures(root, [root])
}

function checkIdsAndSignatures(root: XmlElement, signable: readonly XmlElement[]): void {
  const ids = new Set<string>()
  for (const element of within(root)) {
    for (const attribute of Array.from(element.attributes)) {
      if (!/^(id|ID|Id|iD)$/.test(attribute.localName ?? attribute.name)) continue
      if (ids.has(attribute.value)) throw unsound('two elements have the same id')
      ids.add(attribute.value)
    }
    if (element.localName !== 'Signature') continue
    if (element.namespaceURI !== NS.signature || !element.parentNode || !signable.includes(element.parentNode))
      throw unsound('a signature stands where none belongs')
    checkSignature(element, element.parentNode)
  }
}

function checkSignature(signature: XmlElement, parent: XmlElement): void {
  if (childrenNamed(parent, NS.signature, 'Signature').length !== 1) throw unsound('two signatures of one element')
  const allowed = new Set(['SignedInfo', 'SignatureValue', 'KeyInfo'])
  if (childrenOf(signature).some((child) => child.namespaceURI !== NS.signature || !allowed.has(child.localName)))
    throw unsound('a signature holds more than it should')
  const signedPart = onlyChild(signature, NS.signature, 'SignedInfo')
  textOf(onlyChild(signature, NS.signature, 'SignatureValue'))
  algorithm(onlyChild(signedPart, NS.signature, 'CanonicalizationMethod'), new Set([EXCLUSIVE]))
  algorithm(onlyChild(signedPart, NS.signature, 'SignatureMethod'), SIGNATURE_DIGESTS)
  const reference = onlyChild(signedPart, NS.signature, 'Reference')
  const id = parent.getAttribute('ID')
  if (!id || reference.getAttribute('URI') !== `#${id}`)
    throw unsound('a signature refers to something else than its parent')
  algorithm(onlyChild(reference, NS.signature, 'DigestMethod'), DIGESTS)
  textOf(onlyChild(reference, NS.signature, 'DigestValue'))
  const transforms = childrenOf(onlyChild(reference, NS.signature, 'Transforms'))
  if (transforms.length === 0 || transforms.length > 2) throw unsound('a signature must have one or two transforms')
  for (const transform of transforms) algorithm(transform, TRANSFORMS)
}

function algorithm(element: XmlElement, known: { has(name: string): boolean }): void {
  const name = element.getAttribute('Algorithm') ?? ''
  if (!known.has(name)) throw unsound(`${element.localName} ${name.slice(0, 100)} is not taken`)
}

function checkEncryption(encrypted: XmlElement): void {
  for (const element of within(encrypted)) {
    if (!isNamed(element, NS.encryption, 'EncryptionMethod')) continue
    const name = element.getAttribute('Algorithm') ?? ''
    const forKey = element.parentNode?.localName === 'EncryptedKey'
    if (!(forKey ? KEY_CIPHERS.has(name) : CIPHERS.test(name)))
      throw unsound(`the cipher ${name.slice(0, 100)} is not taken`)
  }
}
