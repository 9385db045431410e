import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { PrincipalRow, PrincipalsRepository } from '../store/principals.ts'
import { LIMITS } from './limits.ts'

export interface LivesOptions {
  readonly store: { readonly principals: PrincipalsRepository }
  readonly clock: Clock
  readonly log: Log
}

/**
 * Every principal a document ever declared, and which of those who bore its name it is now. What stands under a name is one and the same as long as
 * some policy in force names it, however it is changed; when none does it is gone, and whoever has the name later is another, who holds nothing of
 * what the one before did. Credentials carry the life they were given to, so that nothing is missed; what is in the store is revoked beside.
 *
 * A file that is written anew is seen without its documents for a moment: who comes back within a minute exactly as they were is the same. So are
 * all who come back as they were after the documents named nobody at all: that is a folder that was not there, not everyone leaving.
 */
export interface Lives {
  /** Takes in what documents in force say: id to a digest of its document. Takes effect at once. */
  observe(said: ReadonlyMap<string, string>): void
  /** Undefined for one whose new life is not written down yet: it is nobody until then. */
  lifeOf(id: string): number | undefined
  /** Changes whenever `lifeOf` may. */
  readonly revision: number
  /** Reads what other processes wrote. */
  load(): Promise<void>
  /** Resolves when what was observed is written down. */
  written(): Promise<void>
}

/** In `gone_ms`: the documents named nobody. */
const WITH_ALL = 0

interface Known {
  readonly row: PrincipalRow
  /** False while a new life is not in the store. */
  readonly kept: boolean
}

export function createLives(options: LivesOptions): Lives {
  return new NamesAndLives(options)
}

class NamesAndLives implements Lives {
  readonly #options: LivesOptions
  readonly #known = new Map<string, Known>()
  #unwritten = new Set<string>()
  #writing: Promise<void> = Promise.resolve()
  revision = 0

  constructor(options: LivesOptions) {
    this.#options = options
  }

  observe(said: ReadonlyMap<string, string>): void {
    const now_ms = this.#options.clock.now_ms()
    for (const [id, text] of said) this.#present(id, text, now_ms)
    const gone_ms = said.size === 0 ? WITH_ALL : now_ms
    for (const [id, { row, kept }] of this.#known)
      if (row.gone_ms === null && !said.has(id)) this.#set({ row: { ...row, gone_ms }, kept })
    this.#write()
  }

  lifeOf(id: string): number | undefined {
    const known = this.#known.get(id)
    return known?.kept ? known.row.life : undefined
  }

  async load(): Promise<void> {
    for (const row of await this.#options.store.principals.all()) {
      const mine = this.#known.get(row.id)?.row
      if (mine && mine.life >= row.life) continue
      // Another process saw the one before go: ours is the one it saw come.
      this.#known.set(row.id, { row: mine ? { ...mine, life: row.life } : row, kept: true })
      this.revision++
    }
  }

  async written(): Promise<void> {
    await this.#writing
  }

  #present(id: string, said: string, now_ms: number): void {
    const known = this.#known.get(id)
    if (!known) return this.#set({ row: { id, life: 0, said, gone_ms: null }, kept: true })
    const { row, kept } = known
    if (row.gone_ms === null) {
      if (row.said !== said) this.#set({ row: { ...row, said }, kept })
      return
    }
    const away_ms = now_ms - row.gone_ms
    const soon = row.gone_ms === WITH_ALL || (away_ms >= 0 && away_ms <= LIMITS.same_principal_ms)
    if (soon && row.said === said) return this.#set({ row: { ...row, gone_ms: null }, kept })
    this.#set({ row: { id, life: row.life + 1, said, gone_ms: null }, kept: false })
  }

  #set(known: Known): void {
    this.#known.set(known.row.id, known)
    this.#unwritten.add(known.row.id)
    this.revision++
  }

  #write(): void {
    this.#writing = this.#writing.then(() => this.#writeOnce())
  }

  async #writeOnce(): Promise<void> {
    if (this.#unwritten.size === 0) return
    const ids = this.#unwritten
    this.#unwritten = new Set()
    const rows = [...ids].map((id) => this.#known.get(id)!.row)
    try {
      await this.#options.store.principals.put(rows, this.#options.clock.now_ms())
    } catch (error) {
      this.#options.log.error('who is declared could not be written down', { error: String(error) })
      for (const id of ids) this.#unwritten.add(id)
      setTimeout(() => this.#write(), LIMITS.sweep_ms).unref()
      return
    }
    for (const row of rows) {
      const known = this.#known.get(row.id)!
      if (!known.kept && known.row.life === row.life) this.#known.set(row.id, { ...known, kept: true })
    }
    this.revision++
  }
}
