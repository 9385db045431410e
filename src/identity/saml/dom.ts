import { parseDomFromString } from '@node-saml/node-saml/lib/xml.js'
import { SluiceError } from '../../kit/errors.ts'
import { LIMITS } from './limits.ts'

/** An element as the verifier's own parser reads it: there is no second parser to disagree with. */
export interface XmlElement {
  readonly localName: string
  readonly namespaceURI: string | null
  readonly parentNode: XmlElement | null
  readonly attributes: ArrayLike<{
    readonly name: string
    readonly localName: string
    readonly namespaceURI: string | null
    readonly value: string
  }>
  readonly childNodes: ArrayLike<XmlNode>
  readonly textContent: string | null
  getAttribute(name: string): string | null
  toString(): string
}

export interface XmlNode {
  readonly nodeType: number
  readonly textContent: string | null
}

const ELEMENT = 1
const TEXT = 3

export const NS = {
  protocol: 'urn:oasis:names:tc:SAML:2.0:protocol',
  assertion: 'urn:oasis:names:tc:SAML:2.0:assertion',
  metadata: 'urn:oasis:names:tc:SAML:2.0:metadata',
  signature: 'http://www.w3.org/2000/09/xmldsig#',
  encryption: 'http://www.w3.org/2001/04/xmlenc#',
} as const

/** Every failure of a message's form: the detail is for the record. */
export function unsound(why: string, cause?: unknown): SluiceError {
  return new SluiceError('signin.answer', `SAML: ${why}`, { cause })
}

/** A text with the line ends an XML processor sees (XML 1.0 §2.11): what is parsed and what is verified are one text. */
export const normalised = (xml: string) => xml.replace(/\r\n?/g, '\n')

/**
 * Parses a message of another party. Refused unread: a document type, entities, comments, processing instructions and CDATA, which are where
 * parsers differ and no provider needs them; text that is not UTF-8. Throws `signin.answer`.
 */
export async function parseXml(xml: string): Promise<XmlElement> {
  if (xml.length > LIMITS.xml_chars) throw unsound('the message is too large')
  const body = xml.replace(
    /^\uFEFF?\s*<\?xml version="1\.0"( encoding="(utf-8|UTF-8)")?( standalone="(yes|no)")?\s*\?>/,
    '',
  )
  // The parser passes over text before the root and behind it.
  if (!/^\s*</.test(body) || !/>\s*$/.test(body)) throw unsound('there is text outside its root')
  for (const [sign, name] of FORBIDDEN) if (body.includes(sign)) throw unsound(`it holds ${name}`)
  // Every element has one sign of this kind, or two.
  let signs = 0
  for (let at = body.indexOf('<'); at >= 0; at = body.indexOf('<', at + 1)) signs++
  if (signs > 2 * LIMITS.elements) throw unsound('it has too many elements')
  if (/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u.test(body))
    throw unsound('it holds a character XML does not know')
  try {
    const document = (await parseDomFromString(xml)) as unknown as {
      readonly documentElement: XmlElement
      readonly childNodes: ArrayLike<XmlNode>
    }
    if (
      Array.from(document.childNodes).some((node) => node.nodeType === TEXT && (node.textContent ?? '').trim() !== '')
    )
      throw unsound('there is text outside its root')
    checkSize(document.documentElement)
    return document.documentElement
  } catch (error) {
    throw error instanceof SluiceError ? error : unsound('it is not XML', error)
  }
}

const FORBIDDEN = [
  ['<!DOCTYPE', 'a document type'],
  ['<!--', 'a comment'],
  ['<?', 'a processing instruction'],
  ['<!', 'a declaration or CDATA'],
] as const

function checkSize(root: XmlElement): void {
  let count = 0
  const open: [XmlElement, number][] = [[root, 1]]
  for (let next = open.pop(); next; next = open.pop()) {
    const [element, depth] = next
    if (++count > LIMITS.elements || depth > LIMITS.depth) throw unsound('it is too large or too deep')
    for (const child of childrenOf(element)) open.push([child, depth + 1])
  }
}

export function childrenOf(element: XmlElement): XmlElement[] {
  return Array.from(element.childNodes).filter((node) => node.nodeType === ELEMENT) as unknown as XmlElement[]
}

/** The element and everything in it. */
export function* within(element: XmlElement): Generator<XmlElement> {
  yield element
  for (const child of childrenOf(element)) yield* within(child)
}

export function isNamed(element: XmlElement, namespace: string, name: string): boolean {
  return element.namespaceURI === namespace && element.localName === name
}

export function childrenNamed(element: XmlElement, namespace: string, name: string): XmlElement[] {
  return childrenOf(element).filter((child) => isNamed(child, namespace, name))
}

/** The one child of this name. Throws `signin.answer` when there is none, or several. */
export function onlyChild(element: XmlElement, namespace: string, name: string): XmlElement {
  const [first, ...more] = childrenNamed(element, namespace, name)
  if (!first || more.length > 0) throw unsound(`${element.localName} must have exactly one ${name}`)
  return first
}

/** The text of an element that holds nothing but text. Throws `signin.answer`. */
export function textOf(element: XmlElement): string {
  if (Array.from(element.childNodes).some((node) => node.nodeType !== TEXT))
    throw unsound(`${element.localName} holds more than text`)
  return element.textContent ?? ''
}

/** An attribute's instant in milliseconds; undefined where it is not there. Throws `signin.answer` for what is no instant in UTC. */
export function instantOf(element: XmlElement, name: string): number | undefined {
  const text = element.getAttribute(name)
  if (text === null || text === '') return undefined
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) throw unsound(`${name} is not an instant in UTC`)
  return ms
}
