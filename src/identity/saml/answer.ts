import { decryptXml } from '@node-saml/node-saml/lib/xml.js'
import { SluiceError } from '../../kit/errors.ts'
import type { Vouched } from '../vouched.ts'
import { type AssertionMark, type Expected, readAssertion } from './assertion.ts'
import { childrenNamed, isNamed, NS, normalised, onlyChild, parseXml, textOf, unsound, type XmlElement } from './dom.ts'
import { checkAssertionForm, checkResponseForm } from './form.ts'
import { LIMITS } from './limits.ts'
import { signedBytes } from './signature.ts'

/** A response as it was posted to us, and what it has to agree with. */
export interface AnswerQuestion extends Expected {
  readonly response: string
  /** Key (PEM) for an assertion that is encrypted to us. */
  readonly key: string | undefined
}

export interface ReadAnswer {
  readonly vouched: Vouched
  readonly mark: AssertionMark
}

/** Reads a response: its form first, then the signature of its one assertion, then what those bytes say. Throws `signin.answer`, `signin.groups`, `signin.provider`. */
export async function readAnswer(question: AnswerQuestion): Promise<ReadAnswer> {
  const { certificates } = question.provider.saml!
  const { text, assertion } = await signedAssertion(question)
  const signed = await parseXml(signedBytes(text, assertion, certificates))
  if (!isNamed(signed, NS.assertion, 'Assertion')) throw unsound('what is signed is not an assertion')
  return readAssertion(signed, question)
}

interface Found {
  /** The document the assertion stands in. */
  readonly text: string
  readonly assertion: XmlElement
}

/** The envelope, before any signature is looked at: its form, where it was meant to go, what it answers. Nothing of it but the assertion is used. */
async function signedAssertion({ provider, response, recipient, inResponseTo, key }: AnswerQuestion): Promise<Found> {
  const text = normalised(decodedXml(response))
  const root = await parseXml(text)
  const status = isNamed(root, NS.protocol, 'Response') ? statusOf(root) : ''
  if (status !== '' && status !== 'urn:oasis:names:tc:SAML:2.0:status:Success')
    throw new SluiceError('signin.provider', `it answered ${status.slice(0, 200)}`)
  const assertion = checkResponseForm(root)
  for (const issuer of childrenNamed(root, NS.assertion, 'Issuer'))
    if (textOf(issuer) !== provider.saml!.entityId) throw unsound('the response has another issuer')
  const destination = root.getAttribute('Destination')
  if (destination && destination !== recipient) throw unsound('it was sent to another address')
  if ((root.getAttribute('InResponseTo') || undefined) !== inResponseTo)
    throw unsound('InResponseTo is not our request')
  if (assertion.localName !== 'EncryptedAssertion') return { text, assertion }
  if (key === undefined) throw unsound('it is encrypted, and there is no key')
  const clear = await decryptXml(assertion.toString(), key).catch((cause: unknown) => {
    throw unsound('it does not decrypt', cause)
  })
  const inner = normalised(clear)
  return { text: inner, assertion: checkAssertionForm(await parseXml(inner)) }
}

function statusOf(root: XmlElement): string {
  const [status] = childrenNamed(root, NS.protocol, 'Status')
  return status ? (onlyChild(status, NS.protocol, 'StatusCode').getAttribute('Value') ?? '') : 'none'
}

/** The text of a message that was posted. Throws `signin.answer` for what is not base64 of UTF-8. */
export function decodedXml(message: string): string {
  const plain = message.replaceAll(/\s/g, '')
  if (plain === '' || plain.length > LIMITS.xml_chars * 1.4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain))
    throw unsound('it is not base64')
  return utf8(Buffer.from(plain, 'base64'))
}

/** Throws `signin.answer` for bytes that are not UTF-8. */
export function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw unsound('it is not UTF-8', cause)
  }
}
