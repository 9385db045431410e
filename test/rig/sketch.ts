import type { Catalogue, CatalogueRelation, LabelIndex, RelationKind } from '../../src/model/catalogue.ts'

/** A small database for tests: `customers` with labelled columns, `orders`, `products`, views over them, a table of the same name elsewhere. */
interface RelationSketch {
  readonly name: string
  readonly columns: string
  readonly kind?: RelationKind
  readonly definition?: string
  readonly runsCode?: boolean
  readonly parents?: readonly string[]
}

export interface DatabaseSketch {
  readonly relations: readonly RelationSketch[]
  readonly userFunctions?: readonly string[]
  readonly userOperators?: readonly string[]
  readonly userTypes?: readonly string[]
  readonly searchPath?: readonly string[]
}

let epoch = 0

/** A catalogue out of a sketch; `schema.name`, columns as words. */
export function catalogueOf(sketch: DatabaseSketch): Catalogue {
  const relations = new Map<string, CatalogueRelation>()
  const byName = new Map<string, CatalogueRelation[]>()
  const byOid = new Map<number, CatalogueRelation>()
  for (const [i, one] of sketch.relations.entries()) {
    const [schema, name] = one.name.split('.') as [string, string]
    const parents = (one.parents ?? []).map((parent) => relations.get(parent)!.oid)
    const columns = one.columns
      .split(' ')
      .filter((column) => column !== '')
      .map((column, at) => ({ name: column, number: at + 1, typeOid: 25, typeName: 'text' }))
    const relation: CatalogueRelation = {
      oid: 16384 + i,
      schema,
      name,
      kind: one.kind ?? 'table',
      columns,
      runsCode: one.runsCode ?? false,
      parents,
      ...(one.definition === undefined ? {} : { definition: one.definition }),
    }
    relations.set(one.name, relation)
    byOid.set(relation.oid, relation)
    byName.set(name, [...(byName.get(name) ?? []), relation])
  }
  return {
    epoch: ++epoch,
    database: 'shop',
    major: 15,
    relations,
    byName,
    byOid,
    userFunctions: new Set(sketch.userFunctions),
    userOperators: new Set(sketch.userOperators),
    userTypes: new Set(sketch.userTypes),
    searchPath: sketch.searchPath ?? ['pg_catalog', 'public'],
  }
}

/** Labels by `schema.relation.column`. */
export function labelsOf(byColumn: Readonly<Record<string, string>>): LabelIndex {
  const relations = new Set(Object.keys(byColumn).map((key) => key.slice(0, key.lastIndexOf('.'))))
  return {
    column: (schema, relation, column) => {
      const label = byColumn[`${schema}.${relation}.${column}`]
      return label === undefined ? [] : [label]
    },
    touches: (schema, relation) => relations.has(`${schema}.${relation}`),
    all: [...new Set(Object.values(byColumn))].sort(),
  }
}

export const NO_LABEL_INDEX: LabelIndex = { column: () => [], touches: () => false, all: [] }
