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

/** A shop whose customers' columns are labelled: the database most tests of statements speak about. */
export const SHOP_LABELS = labelsOf({
  'public.customers.email': 'pii.email',
  'public.customers.ssn': 'pii.ssn',
  'public.customers.card': 'pci.card',
})

export const SHOP = catalogueOf({
  relations: [
    { name: 'public.customers', columns: 'id name email ssn card note' },
    { name: 'public.orders', columns: 'id customer_id total' },
    { name: 'public.products', columns: 'id note' },
    { name: 'public.audit_me', columns: 'id' },
    { name: 'public.bait', columns: 'id', runsCode: true },
    { name: `public.${'t'.repeat(63)}`, columns: 'id' },
    { name: 'public.Customers', columns: 'id' },
    { name: 'archive.customers', columns: 'id email' },
    { name: 'public.vip', kind: 'table', columns: 'id name email ssn card note level', parents: ['public.customers'] },
    {
      name: 'public.contacts',
      kind: 'view',
      columns: 'id address',
      definition: 'SELECT c.id, c.email AS x FROM public.customers c',
    },
    {
      name: 'public.contacts_of_contacts',
      kind: 'matview',
      columns: 'id address twice',
      definition:
        'WITH q AS (SELECT * FROM public.contacts) SELECT q.id, upper(q.address), q.address || q.address FROM q',
    },
    {
      name: 'public.running',
      kind: 'view',
      columns: 'id',
      definition: 'SELECT public.mine(o.id) AS id FROM public.orders o',
    },
    { name: 'public.circular', kind: 'view', columns: 'id', definition: 'SELECT id FROM public.circular' },
    { name: 'public.unprintable', kind: 'view', columns: 'id' },
    { name: 'pg_catalog.pg_class', columns: 'oid relname relkind' },
    { name: 'pg_catalog.pg_settings', kind: 'view', columns: 'name setting', runsCode: true },
    { name: 'pg_catalog.pg_stats', kind: 'view', columns: 'tablename n_distinct most_common_vals histogram_bounds' },
    { name: 'pg_catalog.pg_statistic', columns: 'starelid stavalues1' },
    { name: 'pg_catalog.pg_stat_activity', kind: 'view', columns: 'pid query' },
    { name: 'pg_catalog.pg_largeobject', columns: 'loid data' },
    { name: 'public.ruled', kind: 'view', columns: 'id', definition: 'SELECT id FROM public.orders', runsCode: true },
  ],
  userFunctions: ['mine', 'lower'],
  userOperators: ['###'],
  userTypes: ['mood', 'customers', 'orders'],
})
