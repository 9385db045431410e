import { SignedXml } from 'xml-crypto'
import { childrenNamed, NS, unsound, type XmlElement } from './dom.ts'

/**
 * The canonical bytes of an element that its own signature covers, by one of these certificates. Its form was checked before: one signature, its
 * own child, of one reference to it, by algorithms we take. `text` is the document it was parsed from. Throws `signin.answer`.
 */
export function signedBytes(text: string, element: XmlElement, certificates: readonly string[]): string {
  const [signature, ...others] = childrenNamed(element, NS.signature, 'Signature')
  if (!signature || others.length > 0) throw unsound(`the ${element.localName} is not signed`)
  let last: unknown
  for (const certificate of certificates) {
    const check = new SignedXml({ publicCert: certificate })
    // Every other spelling of an id is looked for in the whole document; the form knows that there is one element of this id.
    check.idAttributes = ['ID']
    try {
      check.loadSignature(signature as unknown as Parameters<SignedXml['loadSignature']>[0])
      if (!check.checkSignature(text)) throw new Error('a digest does not match')
      const [bytes, ...more] = check.getSignedReferences()
      if (bytes === undefined || more.length > 0) throw new Error('it covers something else')
      return bytes
    } catch (error) {
      last = error
    }
  }
  throw unsound(`it does not verify: ${last instanceof Error ? last.message.slice(0, 60) : ''}`, last)
}
