import type * as z from 'zod'
import type { Position, Problem } from './problem.ts'
import { type DocumentOf, KINDS, type Kind, SCHEMAS } from './schema.ts'
import { type Path, type PolicyFile, readDocuments, type SourceDocument } from './source.ts'
import { writeOneOf } from './suggest.ts'

/** A document that has the shape of its kind, with its source for later complaints. */
export interface Read<K extends Kind = Kind> {
  readonly kind: K
  readonly body: DocumentOf<K>
  readonly source: SourceDocument
  /** Its place among all documents, from 0. */
  readonly order: number
}

export type ReadByKind = { readonly [K in Kind]: readonly Read<K>[] }

/** Reads every document of every file, and reports everything that has not the shape of its kind or uses a name twice. */
export function readPolicy(files: readonly PolicyFile[], problems: Problem[]): ReadByKind {
  const byKind = Object.fromEntries(KINDS.map((kind) => [kind, []])) as unknown as { [K in Kind]: Read<K>[] }
  const taken = new Map<string, string>()
  let order = 0
  for (const file of files) {
    for (const source of readDocuments(file, problems)) {
      const document = readDocument(source, order, problems)
      if (document === undefined) continue
      order += 1
      const place = `${document.kind} ${document.body.name}`
      const first = taken.get(place)
      const at = source.at(['name'])
      if (first === undefined) taken.set(place, `${source.file}:${at.line}`)
      else
        complain(
          { source, problems, at },
          `There is a ${document.kind} named "${document.body.name}" already, at ${first}.`,
          'Write another name.',
        )
      ;(byKind[document.kind] as Read[]).push(document)
    }
  }
  return byKind
}

interface Complaint {
  readonly source: SourceDocument
  readonly problems: Problem[]
  readonly at: Position
}

function complain({ source, problems, at }: Complaint, message: string, remedy: string): void {
  problems.push({ file: source.file, ...at, message, remedy })
}

function readDocument(source: SourceDocument, order: number, problems: Problem[]): Read | undefined {
  const { value } = source
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    complain(
      { source, problems, at: source.at([]) },
      'A document must be a map of keys.',
      'Write `kind: Rule` and its keys, one per line.',
    )
    return undefined
  }
  const kind = (value as { kind?: unknown }).kind
  if (typeof kind !== 'string') {
    complain(
      { source, problems, at: source.at([]) },
      'The document has no kind.',
      `Write \`kind:\` and one of ${KINDS.join(', ')}.`,
    )
    return undefined
  }
  if (!Object.hasOwn(SCHEMAS, kind)) {
    complain({ source, problems, at: source.at(['kind']) }, `There is no kind "${kind}".`, writeOneOf(kind, KINDS))
    return undefined
  }
  const schema: z.ZodType = SCHEMAS[kind as Kind]
  const before = problems.length
  complainOfPrototypeKeys(source, value, problems)
  const checked = schema.safeParse(value)
  if (!checked.success) for (const issue of checked.error.issues) complainOf(issue, { schema, source, problems })
  if (problems.length > before || !checked.success) return undefined
  return { kind: kind as Kind, body: checked.data as DocumentOf<Kind>, source, order }
}

/** A key that a JavaScript object answers to by itself never names anything here. */
function complainOfPrototypeKeys(source: SourceDocument, value: unknown, problems: Problem[], path: Path = []): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(key) : key]
    if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
      complain({ source, problems, at: source.at(here, 'key') }, `"${key}" cannot be a key.`, 'Write another name.')
    }
    if (here.length < 16) complainOfPrototypeKeys(source, inner, problems, here)
  }
}

interface Shape {
  readonly schema: z.ZodType
  readonly source: SourceDocument
  readonly problems: Problem[]
}

/** A zod issue as a sentence with the place and what to write. */
function complainOf(issue: z.core.$ZodIssue, { schema, source, problems }: Shape): void {
  const field = issue.path.at(-1)
  const wanted = schemaAt(schema, issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(wanted)
    for (const key of issue.keys) {
      const at = source.at([...issue.path, key], 'key')
      complain({ source, problems, at }, `${where(issue.path)} has no key "${key}".`, writeOneOf(key, known))
    }
    return
  }
  const at = source.at(issue.path)
  const value = valueAt(source.value, issue.path)
  if (value === undefined) {
    complain(
      { source, problems, at },
      `\`${String(field)}\` is missing${inside(issue.path)}.`,
      example(String(field), wanted),
    )
  } else if (issue.code === 'invalid_key') {
    complain(
      { source, problems, at },
      `"${String(field)}" cannot be a key here.`,
      'Write letters, digits and `_ . / -`, a letter first.',
    )
  } else if (issue.code === 'invalid_value' && typeof value === 'string') {
    complain(
      { source, problems, at },
      `\`${String(field)}\` cannot be "${shorten(value)}".`,
      writeOneOf(value, issue.values.map(String)),
    )
  } else {
    complain(
      { source, problems, at },
      `${subject(issue.path)} cannot be ${describe(value)}${why(issue)}.`,
      example(field, wanted),
    )
  }
}

function where(path: Path): string {
  const named = path.filter((step) => typeof step === 'string')
  return named.length === 0 ? 'The document' : `\`${named.join('.')}\``
}

function inside(path: Path): string {
  const named = path.slice(0, -1).filter((step) => typeof step === 'string')
  return named.length === 0 ? '' : ` in \`${named.join('.')}\``
}

function subject(path: Path): string {
  const last = path.at(-1)
  return typeof last === 'number' ? `Entry ${last + 1} of ${where(path.slice(0, -1))}` : `\`${String(last)}\``
}

function describe(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  return typeof value === 'string' ? `"${shorten(value)}"` : String(value)
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

function why(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big') return `: at most ${issue.maximum}`
  if (issue.code === 'too_small') return `: at least ${issue.minimum}`
  return ''
}

function example(field: PropertyKey | undefined, schema: z.ZodType | undefined): string {
  const meta = schema?.meta() as { description?: string; examples?: string[] } | undefined
  const first = meta?.examples?.[0]
  if (first === undefined) return meta?.description ?? ''
  const written = typeof field === 'string' ? `${field}: ${first}` : first
  return `Write, for example, \`${written}\`.`
}

interface Internals {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly element?: z.ZodType
  readonly valueType?: z.ZodType
  readonly shape?: Readonly<Record<string, z.ZodType>>
}

function internals(schema: z.ZodType): Internals {
  return schema.def as unknown as Internals
}

/** The schema at a path, keeping the wrapper that carries a description. */
function schemaAt(root: z.ZodType, path: Path): z.ZodType | undefined {
  let schema: z.ZodType | undefined = root
  for (const step of path) {
    const def: Internals | undefined = schema && internals(unwrap(schema))
    if (def === undefined) return undefined
    if (def.type === 'object')
      schema = typeof step === 'string' && Object.hasOwn(def.shape!, step) ? def.shape![step] : undefined
    else schema = def.type === 'array' ? def.element : def.valueType
  }
  if (schema === undefined || schema.meta() !== undefined) return schema
  return unwrap(schema)
}

function unwrap(schema: z.ZodType): z.ZodType {
  const def = internals(schema)
  return def.innerType === undefined ? schema : unwrap(def.innerType)
}

function keysOf(schema: z.ZodType | undefined): readonly string[] {
  return schema === undefined ? [] : Object.keys(internals(unwrap(schema)).shape ?? {})
}

function valueAt(root: unknown, path: Path): unknown {
  let value: unknown = root
  for (const step of path)
    value = typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[step] : undefined
  return value
}
