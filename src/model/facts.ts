/** What is known of one SQL message, for rule conditions (`op.facts.*`). Lists are sorted and without repeats. */
export interface SqlFacts {
  readonly kind: 'sql'
  readonly dialect: 'postgres' | 'mysql'
  readonly database: string
  /** Statements in the message. */
  readonly statements: number
  /** Command tags the server would answer with: 'SELECT', 'DELETE', 'CREATE TABLE'. */
  readonly tags: readonly string[]
  /** Functions called that are not on the known-safe list, qualified where known. */
  readonly functions: readonly string[]
  /** Relations by what is done to them, `schema.name`. */
  readonly tables: { readonly read: readonly string[]; readonly written: readonly string[] }
  /** Columns read, `schema.table.column`. */
  readonly columns: readonly string[]
  /** Labels of everything read. */
  readonly labels: readonly string[]
  /** Labels of columns used in predicates, ordering, grouping and joins: inference that masking cannot close. */
  readonly filters: readonly string[]
  /** False when an UPDATE or DELETE has no WHERE. */
  readonly hasWhere: boolean
  /** True when some WHERE of an UPDATE or DELETE holds for every row (`WHERE true`, `1=1`). */
  readonly vacuousWhere: boolean
  /** Settings changed, lower case. */
  readonly settings: readonly string[]
  /** Transaction control in the message: 'begin', 'commit', 'rollback', 'savepoint', 'prepare'. */
  readonly transaction: readonly string[]
}

/** History and state of the session a rule may ask about (`session.*`). */
export interface SessionFacts {
  readonly id: string
  /** Labels this session has already read. */
  readonly labelsRead: readonly string[]
  /** Operations so far, the one being decided included. */
  readonly operations: number
  readonly rows: number
  readonly bytes: number
  readonly inFlight: number
}
