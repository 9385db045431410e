import { SluiceError } from '../../kit/errors.ts'
import type { Catalogue } from '../../model/catalogue.ts'
import { CatalogueDraft } from './catalogue-draft.ts'
import {
  changedColumnsQuery,
  definitionsQuery,
  dependentViewsQuery,
  type Fingerprint,
  fingerprintQuery,
  PARTS,
  type Part,
  partsQuery,
} from './catalogue-queries.ts'
import { CATALOGUE_VIEWS } from './limits.ts'
import type { Row, SideConnection } from './side-connection.ts'

/** Keeps one database's catalogue up to date: the first load reads everything, later ones what changed since. */
export class CatalogueLoader {
  readonly #database: string
  #draft: CatalogueDraft | undefined
  #known: Fingerprint | undefined
  #snapshot: Catalogue | undefined
  /** The draft is being changed: what an error leaves behind is of no use. */
  #midway = false

  constructor(database: string) {
    this.#database = database
  }

  /** The catalogue as of now: the same object as before when nothing changed. Rejects with what the side connection throws. */
  async load(side: SideConnection): Promise<Catalogue> {
    try {
      return await this.#load(side)
    } catch (error) {
      if (this.#midway) this.#draft = this.#known = this.#snapshot = undefined
      throw error
    } finally {
      this.#midway = false
    }
  }

  async #load(side: SideConnection): Promise<Catalogue> {
    const { fingerprint, searchPath, columns } = await this.#compare(side)
    if (this.#known?.identity !== fingerprint.identity) this.#draft = this.#known = undefined
    this.#draft ??= new CatalogueDraft(this.#database, side.major)
    const draft = this.#draft
    const known = this.#known
    const changed = new Set(PARTS.filter((part) => known?.sums[part] !== fingerprint.sums[part]))
    this.#midway = true
    const same = changed.size === 0 && columns.length === 0 && sameTexts(draft.searchPath, searchPath)
    draft.searchPath = searchPath
    await this.#read(side, draft, { changed, horizon: known?.horizon, columns })
    if (draft.renamed) {
      this.#draft = this.#known = undefined
      return this.#load(side)
    }
    const defined = await this.#define(side, draft)
    this.#known = fingerprint
    if (this.#snapshot === undefined || !same || defined) this.#snapshot = draft.snapshot()
    return this.#snapshot
  }

  async #compare(side: SideConnection) {
    const searchPath: string[] = []
    const columns: number[] = []
    let fingerprint: Fingerprint | undefined
    const known = this.#known
    const sql = known ? `${fingerprintQuery()};\n${changedColumnsQuery(known.horizon)}` : fingerprintQuery()
    await side.run(sql, (section, row) => {
      if (section === 0) searchPath.push(row.text(0))
      else if (section === 1) fingerprint = readFingerprint(row)
      else columns.push(row.integer(0))
    })
    if (!fingerprint) throw new SluiceError('protocol.target', 'no fingerprint of the catalogue')
    // Columns counted from another server's transactions mean nothing.
    return { fingerprint, searchPath, columns: fingerprint.identity === known?.identity ? columns : [] }
  }

  async #read(
    side: SideConnection,
    draft: CatalogueDraft,
    what: { changed: ReadonlySet<Part>; horizon: string | undefined; columns: readonly number[] },
  ): Promise<void> {
    const { sections, sql } = partsQuery(what.changed, what.horizon, what.columns)
    draft.begin(sections)
    await side.run(sql, (section, row) => draft.take(sections[section]!, row))
    const redefined = draft.finish(sections)
    if (redefined.length > 0 && !draft.renamed)
      await side.run(dependentViewsQuery(redefined), (_, row) => draft.forgetDefinition(row.integer(0)))
  }

  /** True when definitions came or went. A view that cannot be printed now stays without a definition, and is asked for again at the next load. */
  async #define(side: SideConnection, draft: CatalogueDraft): Promise<boolean> {
    const views = draft.undefinedViews()
    for (let i = 0; i < views.length; i += CATALOGUE_VIEWS) {
      const batch = views.slice(i, i + CATALOGUE_VIEWS)
      try {
        await side.run(definitionsQuery(batch), (_, row: Row) => draft.define(row.integer(0), row.text(1)))
      } catch (error) {
        if (!(error instanceof SluiceError) || error.code !== 'target.catalogue') throw error
        await side.run('ROLLBACK', () => {})
        for (const oid of batch) draft.forgetDefinition(oid)
      }
    }
    return views.length > 0
  }
}

function readFingerprint(row: Row): Fingerprint {
  const sums = Object.fromEntries(PARTS.map((part, i) => [part, row.text(i + 2)])) as Record<Part, string>
  return { identity: row.text(0), horizon: row.text(1), sums }
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, i) => text === other[i])
}
