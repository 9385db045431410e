import { childrenNamed, NS, onlyChild, textOf, unsound, type XmlElement } from './dom.ts'

/** A person's name between one provider and us (SAML Core §2.2.2). */
export interface NameId {
  readonly value: string
  readonly format: string
  readonly qualifier: string
  readonly spQualifier: string
}

export const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'

/** The NameID of a subject or a request; undefined where it has none. Throws `signin.answer` for several, or one that holds more than text. */
export function nameIdOf(parent: XmlElement): NameId | undefined {
  const [first, ...more] = childrenNamed(parent, NS.assertion, 'NameID')
  if (more.length > 0) throw unsound('there are several NameIDs')
  return first && readNameId(first)
}

/** The one NameID there must be. Throws `signin.answer`. */
export function neededNameId(parent: XmlElement): NameId {
  return readNameId(onlyChild(parent, NS.assertion, 'NameID'))
}

function readNameId(element: XmlElement): NameId {
  const said = (name: string) => element.getAttribute(name) ?? ''
  return {
    value: textOf(element),
    format: said('Format'),
    qualifier: said('NameQualifier'),
    spQualifier: said('SPNameQualifier'),
  }
}

/** Whether both name one person. What one of them leaves out is implied (SAML Core §3.3.4, §8.3.7): it sets no two apart. */
export function sameNameId(a: NameId, b: NameId): boolean {
  const agree = (one: string, other: string) => one === '' || other === '' || one === other
  return (
    a.value === b.value &&
    agree(a.format, b.format) &&
    agree(a.qualifier, b.qualifier) &&
    agree(a.spQualifier, b.spQualifier)
  )
}
