/** One column of a relation, as the target's catalogue has it. */
export interface CatalogueColumn {
  readonly name: string
  /** attnum, from 1. */
  readonly number: number
  readonly typeOid: number
  /** The type's declared name without modifiers: `text`, `integer`. */
  readonly typeName: string
  /** The expression a generated column is computed by, as the server prints it: its values come from the columns it names. */
  readonly generated?: string
}

export type RelationKind = 'table' | 'view' | 'matview' | 'foreign' | 'sequence' | 'index' | 'composite'

export interface CatalogueRelation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  readonly columns: readonly CatalogueColumn[]
  /** A view's query as the server prints it (pg_get_viewdef). */
  readonly definition?: string
  /** It has user triggers or rules: writing to it runs code nobody sees in the statement. */
  readonly runsCode: boolean
  /** Direct parents (INHERITS, partitions): labels of a parent's column hold for the child's, and reading a parent reads its children. */
  readonly parents: readonly number[]
}

/** What a statement's names mean on one database, read as one upstream user. A snapshot: it never changes, a newer one replaces it. */
export interface Catalogue {
  /** Grows with every reload; part of every cache key. */
  readonly epoch: number
  readonly database: string
  /** The server's major version, 13 to 18. */
  readonly major: number
  /** Key: `schema.name`, unquoted. */
  readonly relations: ReadonlyMap<string, CatalogueRelation>
  /** Key: bare name. */
  readonly byName: ReadonlyMap<string, readonly CatalogueRelation[]>
  readonly byOid: ReadonlyMap<number, CatalogueRelation>
  /** Bare names of functions, operators and types defined outside pg_catalog and information_schema. A built-in's name found here may be shadowed. */
  readonly userFunctions: ReadonlySet<string>
  readonly userOperators: ReadonlySet<string>
  readonly userTypes: ReadonlySet<string>
  /** current_schemas(true) of a fresh session, in order. */
  readonly searchPath: readonly string[]
}

/** Labels inside the values of a json or jsonb column. */
export interface PathLabels {
  /** Keys from the root; `*` stands for any one key or index. */
  readonly path: readonly string[]
  readonly labels: readonly string[]
}

/** Labels by column. Built by policy from Classification documents; asked by lineage. */
export interface LabelIndex {
  /** Labels of a column, those of paths inside it included; empty when unlabelled. */
  column(schema: string, relation: string, column: string): readonly string[]
  /** True when any column of the relation carries a label. */
  touches(schema: string, relation: string): boolean
  /**
   * Where inside a json column its labels lie. Empty when the column has labels of its own, or none: then the whole value is masked, or nothing is.
   * Whoever does not ask masks the whole value.
   */
  paths?(schema: string, relation: string, column: string): readonly PathLabels[]
  /** Every label any Classification of this resource names: what "untraceable" stands for. */
  readonly all: readonly string[]
}
