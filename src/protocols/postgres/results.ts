import { ByteReader } from '../../kit/bytes.ts'
import { REDACTED } from '../../masking/index.ts'
import type { Catalogue } from '../../model/catalogue.ts'

export interface ResultField {
  readonly name: string
  /** Origin as the server reports it; 0 for expressions. Extra evidence for masking, never the only one. */
  readonly tableOid: number
  readonly attributeNumber: number
  readonly typeOid: number
  /** 0 text, 1 binary. In a statement's Describe always 0: the Bind message decides. */
  readonly format: 0 | 1
}

/** A RowDescription with its raw bytes, so that an equal one later need not be read again. */
export interface ResultFields {
  readonly raw: Buffer
  readonly fields: readonly ResultField[]
}

/**
 * RowDescription: Int16 fields, then per field String name, Int32 table oid, Int16 attribute number, Int32 type oid, Int16 type size,
 * Int32 type modifier, Int16 format.
 */
export function readRowDescription(bytes: Buffer, start: number, end: number): ResultFields {
  const reader = new ByteReader(bytes, start + 5, end)
  const count = reader.int16()
  const fields: ResultField[] = []
  for (let i = 0; i < count; i++) {
    const name = reader.cstring()
    const tableOid = reader.uint32()
    const attributeNumber = reader.int16()
    const typeOid = reader.uint32()
    reader.view(6)
    fields.push({ name, tableOid, attributeNumber, typeOid, format: reader.int16() === 1 ? 1 : 0 })
  }
  reader.finish()
  return { raw: Buffer.from(bytes.subarray(start, end)), fields }
}

/** The same fields with the formats a Bind asked for: none → all text, one → for all, else one each. */
export function withFormats(described: ResultFields, formats: readonly (0 | 1)[]): readonly ResultField[] {
  if (formats.length === 0 || (formats.length === 1 && formats[0] === 0)) return described.fields
  return described.fields.map((field, i) => ({
    ...field,
    format: formats.length === 1 ? formats[0]! : (formats[i] ?? 0),
  }))
}

/** Bytes of a field of a RowDescription behind its name. */
const FIELD_TAIL = 18

/** A RowDescription in which only known names stay: one that nobody wrote may be a value (B25). */
export function maskColumnNames(message: Buffer, known: ReadonlySet<string>): Buffer {
  const reader = new ByteReader(message, 5)
  const parts: Buffer[] = [reader.view(2)]
  while (reader.remaining > 0) {
    const name = reader.cstringView()
    parts.push(known.has(name.toString()) ? name : Buffer.from(REDACTED), Buffer.alloc(1), reader.view(FIELD_TAIL))
  }
  const head = Buffer.alloc(5)
  head[0] = message[0]!
  head.writeInt32BE(4 + parts.reduce((size, part) => size + part.length, 0), 1)
  return Buffer.concat([head, ...parts])
}

const namesOf = new WeakMap<Catalogue, ReadonlySet<string>>()

/** The names of a catalogue's relations and columns, and the one the server gives a column without. */
export function knownNames(catalogue: Catalogue | undefined): ReadonlySet<string> {
  const made = catalogue && namesOf.get(catalogue)
  if (made) return made
  const names = new Set(['?column?'])
  for (const { name, columns } of catalogue?.relations.values() ?? []) {
    names.add(name)
    for (const column of columns) names.add(column.name)
  }
  if (catalogue) namesOf.set(catalogue, names)
  return names
}
