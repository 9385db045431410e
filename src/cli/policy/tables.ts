import type { Catalogue, CatalogueColumn, CatalogueRelation } from '../../model/catalogue.ts'
import type { PolicyTest } from '../../policy/index.ts'
import { CommandFailure, EXIT } from '../exit.ts'

/** Types by the names people write; whatever else is text. */
const TYPES: Readonly<Record<string, readonly [name: string, oid: number]>> = {
  bool: ['boolean', 16],
  boolean: ['boolean', 16],
  bytea: ['bytea', 17],
  bigint: ['bigint', 20],
  int: ['integer', 23],
  integer: ['integer', 23],
  text: ['text', 25],
  json: ['json', 114],
  date: ['date', 1082],
  timestamptz: ['timestamp with time zone', 1184],
  numeric: ['numeric', 1700],
  uuid: ['uuid', 2950],
  jsonb: ['jsonb', 3802],
}

const FIRST_OID = 16_384

/** `schema.table` to columns, each with its type where it matters. */
export type Tables = Readonly<Record<string, readonly string[]>>

/** The tables of all tests together. */
export function declaredTables(tests: readonly PolicyTest[]): Tables {
  return Object.assign({}, ...tests.map(({ body }) => body.tables ?? {})) as Tables
}

/** `customers: id integer, email` as a table of the schema public. Throws CommandFailure for anything else. */
export function parseTables(written: readonly string[]): Tables {
  const entries = written.map((text) => {
    const [, name, columns] = /^\s*([^:]+?)\s*:\s*(.+)$/.exec(text) ?? []
    if (name === undefined || columns === undefined)
      throw new CommandFailure(
        `"${text}" does not describe a table.`,
        EXIT.usage,
        'Write `--table "customers: id integer, email"`.',
      )
    return [name.includes('.') ? name : `public.${name}`, columns.split(',')] as const
  })
  return Object.fromEntries(entries)
}

/** A catalogue that holds these tables; undefined when there is none: then any name may be anything. */
export function catalogueOf(
  declared: Tables,
  { database, major }: { database: string; major: number },
): Catalogue | undefined {
  const tables = Object.entries(declared)
  if (tables.length === 0) return undefined
  const relations = tables.map(([qualified, columns], i) => relation(qualified, columns, FIRST_OID + i))
  const byName = new Map<string, CatalogueRelation[]>()
  for (const each of relations) byName.set(each.name, [...(byName.get(each.name) ?? []), each])
  return {
    epoch: 0,
    database,
    major,
    relations: new Map(relations.map((each) => [`${each.schema}.${each.name}`, each])),
    byName,
    byOid: new Map(relations.map((each) => [each.oid, each])),
    userFunctions: new Set(),
    userOperators: new Set(),
    userTypes: new Set(),
    searchPath: ['pg_catalog', 'public'],
  }
}

function relation(qualified: string, columns: readonly string[], oid: number): CatalogueRelation {
  const [schema = '', name = ''] = qualified.split('.')
  return { oid, schema, name, kind: 'table', columns: columns.map(column), runsCode: false, parents: [] }
}

function column(written: string, i: number): CatalogueColumn {
  const [name = '', type = 'text'] = written.trim().split(/\s+/)
  const [typeName, typeOid] = TYPES[type.toLowerCase()] ?? TYPES.text!
  return { name, number: i + 1, typeOid, typeName }
}
