import type { Catalogue, CatalogueColumn, CatalogueRelation, RelationKind } from '../../model/catalogue.ts'
import type { Row } from './side-connection.ts'

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'table',
  v: 'view',
  m: 'matview',
  f: 'foreign',
  S: 'sequence',
  i: 'index',
  I: 'index',
  c: 'composite',
}

interface Draft {
  readonly oid: number
  /** `schema.name` */
  readonly key: string
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  columns: CatalogueColumn[]
  definition: string | undefined
  /** What the last snapshot showed; undefined once something changed. */
  shown: CatalogueRelation | undefined
}

let epochs = 0

/** A catalogue while it is read: takes rows section by section, part over part, and gives immutable snapshots. */
export class CatalogueDraft {
  searchPath: string[] = []
  readonly #database: string
  readonly #major: number
  readonly #relations = new Map<number, Draft>()
  readonly #namespaces = new Map<number, string>()
  readonly #typeNames = new Map<number, string>()
  readonly #spellings = new Map<string, string>()
  #parents = new Map<number, number[]>()
  #triggered = new Set<number>()
  #ruled = new Set<number>()
  #functions = new Set<string>()
  #operators = new Set<string>()
  #types = new Set<string>()
  #present = new Set<number>()
  #writing: Draft | undefined
  /** Relations known before that changed: views which read them are printed anew. */
  readonly #changed = new Set<number>()
  /** Views whose definition is to be asked for. */
  readonly #undefined = new Set<number>()
  /** A schema has another name than before: nothing can be kept. */
  renamed = false

  constructor(database: string, major: number) {
    this.#database = database
    this.#major = major
  }

  /** Forgets what the sections about to be read replace. */
  begin(sections: readonly string[]): void {
    this.#changed.clear()
    if (sections.includes('present')) this.#present = new Set()
    if (sections.includes('inherits')) this.#parents = new Map()
    if (sections.includes('trigger')) this.#triggered = new Set()
    if (sections.includes('rewrite')) this.#ruled = new Set()
    if (sections.includes('proc')) this.#functions = new Set()
    if (sections.includes('operator')) this.#operators = new Set()
    if (sections.includes('type')) this.#types = new Set()
  }

  take(section: string, row: Row): void {
    if (section === 'attribute') this.#attribute(row)
    else if (section === 'class') this.#class(row)
    else if (section === 'present') this.#present.add(row.integer(0))
    else if (section === 'namespace') this.#namespace(row.integer(0), row.text(1))
    else if (section === 'inherits') this.#inherits(row.integer(0), row.integer(1))
    else if (section === 'trigger') this.#triggered.add(row.integer(0))
    else if (section === 'rewrite') this.#rewrite(row)
    else if (section === 'proc') this.#functions.add(row.text(0))
    else if (section === 'operator') this.#operators.add(row.text(0))
    else this.#types.add(row.text(0))
  }

  #namespace(oid: number, name: string): void {
    const before = this.#namespaces.get(oid)
    if (before !== undefined && before !== name) this.renamed = true
    this.#namespaces.set(oid, name)
  }

  #class(row: Row): void {
    const oid = row.integer(0)
    const before = this.#relations.get(oid)
    if (before) this.#changed.add(oid)
    const kind = KINDS[row.text(2)]
    if (!kind) return
    const schema = this.#namespaces.get(row.integer(1)) ?? ''
    const name = row.text(3)
    const draft: Draft = {
      oid,
      key: `${schema}.${name}`,
      schema,
      name,
      kind,
      columns: [],
      definition: before?.definition,
      shown: undefined,
    }
    this.#relations.set(oid, draft)
  }

  #attribute(row: Row): void {
    const oid = row.integer(0)
    if (this.#writing?.oid !== oid) {
      this.#writing = this.#relations.get(oid)
      // Earlier snapshots keep the old list.
      if (this.#writing) {
        if (this.#writing.columns.length > 0) this.#changed.add(oid)
        this.#writing.columns = []
        this.#writing.shown = undefined
      }
    }
    const typeOid = row.integer(2)
    let typeName = this.#typeNames.get(typeOid)
    if (typeName === undefined) {
      typeName = row.text(4)
      this.#typeNames.set(typeOid, typeName)
    }
    const generated = row.text(5)
    this.#writing?.columns.push({
      name: this.#spelling(row.text(3)),
      number: row.integer(1),
      typeOid,
      typeName,
      ...(generated === '' ? {} : { generated }),
    })
  }

  /** Ten thousand tables have a few hundred different column names: one string serves them all. */
  #spelling(name: string): string {
    const known = this.#spellings.get(name)
    if (known !== undefined) return known
    this.#spellings.set(name, name)
    return name
  }

  #inherits(child: number, parent: number): void {
    const parents = this.#parents.get(child)
    if (parents) parents.push(parent)
    else this.#parents.set(child, [parent])
  }

  #rewrite(row: Row): void {
    if (row.integer(1) === 0) this.#ruled.add(row.integer(0))
    else if (row.integer(2) === 1) this.#undefined.add(row.integer(0))
  }

  /** All sections are read: drops what is gone. Returns relations whose dependent views are to be printed anew. */
  finish(sections: readonly string[]): number[] {
    this.#writing = undefined
    if (sections.includes('present'))
      for (const oid of this.#relations.keys())
        if (!this.#present.has(oid) && oid >= FIRST_USER_OID) this.#relations.delete(oid)
    return [...this.#changed]
  }

  /** A view's definition no longer holds, or was never read. */
  forgetDefinition(oid: number): void {
    this.#undefined.add(oid)
  }

  /** Views to ask the definition of, and to forget until it comes. */
  undefinedViews(): number[] {
    const views: number[] = []
    for (const oid of this.#undefined) {
      const draft = this.#relations.get(oid)
      if (!draft || (draft.kind !== 'view' && draft.kind !== 'matview')) continue
      draft.definition = undefined
      draft.shown = undefined
      views.push(oid)
    }
    this.#undefined.clear()
    return views
  }

  define(oid: number, definition: string): void {
    const draft = this.#relations.get(oid)
    if (draft && definition !== '') draft.definition = definition
  }

  /** An immutable picture of what was read so far. */
  snapshot(): Catalogue {
    const relations = new Map<string, CatalogueRelation>()
    const byName = new Map<string, CatalogueRelation[]>()
    const byOid = new Map<number, CatalogueRelation>()
    const types = new Set(this.#types)
    const runningCode = this.#withAncestors([this.#triggered, this.#ruled])
    for (const draft of this.#relations.values()) {
      const relation = this.#show(draft, runningCode.has(draft.oid))
      relations.set(draft.key, relation)
      byOid.set(relation.oid, relation)
      const namesakes = byName.get(relation.name)
      if (namesakes) namesakes.push(relation)
      else byName.set(relation.name, [relation])
      // Every relation's row type is a type as well.
      if (relation.oid >= FIRST_USER_OID && relation.columns.length > 0) types.add(relation.name)
    }
    return {
      epoch: ++epochs,
      database: this.#database,
      major: this.#major,
      relations,
      byName,
      byOid,
      userFunctions: this.#functions,
      userOperators: this.#operators,
      userTypes: types,
      searchPath: this.searchPath,
    }
  }

  #show(draft: Draft, runsCode: boolean): CatalogueRelation {
    const parents = this.#parents.get(draft.oid) ?? NONE
    const { shown } = draft
    if (shown?.runsCode === runsCode && sameOids(shown.parents, parents)) return shown
    const { oid, schema, name, kind, columns, definition } = draft
    const fresh = {
      oid,
      schema,
      name,
      kind,
      columns,
      runsCode,
      parents,
      ...(definition === undefined ? {} : { definition }),
    }
    draft.shown = fresh
    return fresh
  }

  /** Writing to a parent writes to its children, so it runs their code too. */
  #withAncestors(sets: readonly ReadonlySet<number>[]): Set<number> {
    const all = new Set<number>()
    const open = sets.flatMap((set) => [...set])
    for (let oid = open.pop(); oid !== undefined; oid = open.pop()) {
      if (all.has(oid)) continue
      all.add(oid)
      for (const parent of this.#parents.get(oid) ?? NONE) open.push(parent)
    }
    return all
  }
}

const FIRST_USER_OID = 16_384
const NONE: readonly number[] = []

function sameOids(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((oid, i) => oid === other[i])
}
