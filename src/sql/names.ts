import type { CatalogueRelation } from '../model/catalogue.ts'
import { type LabelSet, NO_LABELS } from './labels.ts'
import type { SessionMirror } from './mirror.ts'
import { FromItem } from './scope.ts'
import { echoes, qualifiedName, type Snapshot } from './snapshot.ts'

/** What a relation's name stands for. */
export interface NamedRelation {
  /** `schema.name`, or as written when it was not found. One per candidate. */
  readonly names: readonly string[]
  /** More than one when the search path is uncertain. */
  readonly relations: readonly CatalogueRelation[]
  /** The schema and name as written. */
  readonly schema: string | undefined
  readonly name: string
  /** A relation of the system that the catalogue need not list. */
  readonly system: boolean
  /** Created by this session and not in the catalogue. */
  readonly created: boolean
}

/** Looks relation names up as the server would for one session. */
export class Names {
  readonly snapshot: Snapshot
  /** Undefined inside a view: its names do not depend on the session. */
  readonly mirror: SessionMirror | undefined
  constructor(snapshot: Snapshot, mirror: SessionMirror | undefined) {
    this.snapshot = snapshot
    this.mirror = mirror
  }

  /** True when a label may hide behind names this session redefined. */
  get uncertain(): boolean {
    return this.mirror?.dirty ?? false
  }

  /** The relation a name stands for. `schema` is empty or undefined for an unqualified name. */
  relation(schema: string | undefined, name: string): NamedRelation {
    const written = schema === '' ? undefined : schema
    const relations = this.#candidates(written, name)
    const system = relations.length === 0 && !this.snapshot.listsSystem && isSystem(written, name)
    const created = relations.length === 0 && !system && (this.mirror?.isCreatedHere(name) ?? false)
    const fallback = written === undefined ? (system ? `pg_catalog.${name}` : name) : `${written}.${name}`
    const found = relations.length > 0 ? relations.map(qualifiedName) : [fallback]
    return { names: found, relations, schema: written, name, system, created }
  }

  #candidates(schema: string | undefined, name: string): readonly CatalogueRelation[] {
    const catalogue = this.snapshot.catalogue
    if (!catalogue) return []
    if (schema !== undefined) {
      const exact = catalogue.relations.get(`${schema}.${name}`)
      return exact ? [exact] : []
    }
    const all = catalogue.byName.get(name) ?? []
    if (all.length <= 1) return all
    const path = this.#path()
    if (path === undefined) return all
    if (!path.includes('pg_catalog')) {
      const builtIn = all.find((one) => one.schema === 'pg_catalog')
      if (builtIn) return [builtIn]
    }
    for (const step of path) {
      const found = all.find((one) => one.schema === step)
      if (found) return [found, ...this.#labelledBehind(found, all, path)]
    }
    // In none of the path's schemas: the server will not find it either, unless the catalogue is behind.
    return all
  }

  /**
   * Labelled relations of the same name further down the path: the server looks a name up anew once it has waited for a lock, and what stood
   * before it may be gone by then.
   */
  #labelledBehind(found: CatalogueRelation, all: readonly CatalogueRelation[], path: readonly string[]) {
    const place = path.indexOf(found.schema)
    return all.filter((one) => path.indexOf(one.schema) > place && this.snapshot.labels.touches(one.schema, one.name))
  }

  /** The schemas to look in, in order; undefined when nobody can tell. */
  #path(): readonly string[] | undefined {
    const path = this.mirror?.searchPath ?? 'default'
    if (path === 'uncertain') return undefined
    if (path === 'default') return this.snapshot.catalogue?.searchPath
    return path.includes('$user') ? undefined : path
  }

  /** The FROM entry for a relation's name. `only`: without its children. */
  item(named: NamedRelation, alias: string | undefined, only: boolean): FromItem {
    const name = alias ?? named.name
    const schema = alias === undefined ? (named.relations[0]?.schema ?? named.schema) : undefined
    if (this.uncertain && this.snapshot.everything.length > 0) {
      const open = { labels: this.snapshot.everything }
      return new FromItem(name, this.#columnsOf(named, only, open.labels), { open, schema, relation: true })
    }
    if (named.relations.length === 1) {
      const reading = this.snapshot.read(named.relations[0]!, only)
      return new FromItem(name, reading.columns, { schema, relation: true })
    }
    if (named.relations.length > 1) {
      let labels: LabelSet = NO_LABELS
      const columns = named.relations.flatMap((one) => this.snapshot.read(one, only).columns)
      const merged = new FromItem(name, columns)
      labels = merged.row
      return new FromItem(name, columns, { open: { labels }, schema, relation: true })
    }
    return new FromItem(name, [], { open: this.#unlisted(named), schema, relation: true })
  }

  /** A redefined relation keeps its columns' names, every one carrying everything. */
  #columnsOf(named: NamedRelation, only: boolean, labels: LabelSet) {
    if (named.relations.length !== 1) return []
    return this.snapshot.read(named.relations[0]!, only).columns.map((column) => ({ ...column, labels }))
  }

  /** What the unknown columns of a relation carry that the catalogue does not list. */
  #unlisted(named: NamedRelation) {
    const everything = this.snapshot.everything
    if (named.system || named.name === 'pg_stat_statements') {
      const only = echoes(named.name)
      return only ? { labels: everything, only } : { labels: NO_LABELS }
    }
    if (!named.created) return { labels: everything }
    return { labels: this.#labelledByName(named) ? everything : NO_LABELS }
  }

  /** A relation created here may bear a name that a Classification labels. */
  #labelledByName(named: NamedRelation): boolean {
    const { labels, catalogue } = this.snapshot
    if (named.schema !== undefined) return labels.touches(named.schema, named.name)
    const path = this.#path() ?? catalogue?.searchPath ?? ['public']
    return path.some((schema) => labels.touches(schema, named.name))
  }
}

/** System relations live in two schemas; `pg_catalog` is searched first unless a path names it later. */
function isSystem(schema: string | undefined, name: string): boolean {
  if (schema !== undefined) return schema === 'pg_catalog' || schema === 'information_schema'
  return name.startsWith('pg_')
}
