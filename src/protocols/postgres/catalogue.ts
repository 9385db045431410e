import { type Clock, systemClock } from '../../kit/clock.ts'
import { SluiceError, toSluiceError } from '../../kit/errors.ts'
import type { Catalogue } from '../../model/catalogue.ts'
import type { Upstream } from '../contract.ts'
import { CatalogueLoader } from './catalogue-loader.ts'
import {
  CATALOGUE_CHECK_MS,
  CATALOGUE_LINGER_MS,
  CATALOGUE_RETRY_MS,
  CATALOGUE_STALE_MS,
  CATALOGUES,
} from './limits.ts'
import { SideConnection } from './side-connection.ts'

/**
 * The catalogue of one database as one upstream user sees it, shared by all sessions there. Read over a connection of its own, opened when
 * first asked for and closed soon after the last session left. Until then it is compared with the target's every CATALOGUE_CHECK_MS, so that a
 * session that was silent for an hour finds it at hand.
 */
export class CatalogueSource {
  readonly #database: string
  readonly #clock: Clock
  readonly #loader: CatalogueLoader
  readonly #upstreams = new Set<Upstream>()
  #side: SideConnection | undefined
  #stop = new AbortController()
  #snapshot: Catalogue | undefined
  /** When the snapshot was last known to be what the target has. */
  #compared_ms = Number.NEGATIVE_INFINITY
  /** Since when the target is known to have something newer; undefined when it is not. */
  #outdated_ms: number | undefined
  /** Counts invalidations; a load covers those before its start. */
  #wanted = 0
  #covered = 0
  #loading: Promise<void> | undefined
  #failure: { readonly error: SluiceError; readonly at_ms: number } | undefined
  /** Somebody wants it: from then on it is kept fresh. */
  #asked = false
  #timer: NodeJS.Timeout | undefined

  constructor(database: string, clock: Clock = systemClock) {
    this.#database = database
    this.#clock = clock
    this.#loader = new CatalogueLoader(database)
  }

  /** A session lends its way to the target for as long as its own connection lives. Without any, nothing is loaded. */
  attach(upstream: Upstream): void {
    if (upstream.stream.destroyed) return
    this.#upstreams.add(upstream)
    upstream.stream.once('close', () => {
      this.#upstreams.delete(upstream)
      if (!this.attached) this.#schedule()
    })
    if (this.#upstreams.size === 1) this.#schedule()
  }

  get attached(): boolean {
    return this.#upstreams.size > 0
  }

  /** The latest catalogue at hand; undefined when there is none or it may be too old. Never waits. */
  current(): Catalogue | undefined {
    return this.#usable(this.#clock.monotonic_ms()) ? this.#snapshot : undefined
  }

  /** A catalogue that shows everything committed before this call's last `invalidate`. Rejects with SluiceError when it cannot be had: callers then treat names as unknown. */
  async get(): Promise<Catalogue> {
    const wanted = this.#wanted
    this.#asked = true
    for (;;) {
      const now = this.#clock.monotonic_ms()
      if (this.#snapshot && this.#covered >= wanted && now - this.#compared_ms < CATALOGUE_STALE_MS)
        return this.#snapshot
      if (this.#failure && this.#resting(now)) throw this.#failure.error
      await this.#load()
      if (this.#failure) throw this.#failure.error
    }
  }

  /** Something in the catalogue was changed and committed through the gateway. Others keep the old picture until the new one is here, CATALOGUE_CHECK_MS at most. */
  invalidate(): void {
    const now = this.#clock.monotonic_ms()
    this.#wanted += 1
    this.#outdated_ms ??= now
    if (this.#asked && this.attached && !this.#resting(now)) void this.#load()
  }

  /** Ends its connection now. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#stop.abort(new SluiceError('session.shutdown'))
    this.#stop = new AbortController()
    this.#side?.close()
    this.#side = undefined
  }

  #usable(now: number): boolean {
    if (now - this.#compared_ms >= CATALOGUE_STALE_MS) return false
    return this.#outdated_ms === undefined || now - this.#outdated_ms < CATALOGUE_CHECK_MS
  }

  /** A load failed a moment ago. */
  #resting(now: number): boolean {
    return this.#failure !== undefined && now - this.#failure.at_ms < CATALOGUE_RETRY_MS
  }

  /** Joins the load under way, or starts one. Never rejects: `#failure` tells. */
  #load(): Promise<void> {
    this.#loading ??= this.#loadOnce().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #loadOnce(): Promise<void> {
    const start = this.#clock.monotonic_ms()
    const covers = this.#wanted
    try {
      this.#snapshot = await this.#ask()
      this.#compared_ms = start
      this.#covered = covers
      this.#outdated_ms = covers === this.#wanted ? undefined : start
      this.#failure = undefined
    } catch (error) {
      this.#side?.close()
      this.#side = undefined
      this.#failure = { error: toSluiceError(error), at_ms: this.#clock.monotonic_ms() }
    }
  }

  async #ask(): Promise<Catalogue> {
    const reused = this.#side
    if (reused && !reused.closed) {
      try {
        return await this.#loader.load(reused)
      } catch (error) {
        // It may have been closed while nobody looked.
        if (toSluiceError(error).code !== 'target.left') throw error
      }
    }
    this.#side = undefined
    const upstream = [...this.#upstreams].at(-1)
    if (!upstream) throw new SluiceError('target.catalogue', 'no session lends a way to the target')
    this.#side = await SideConnection.open(upstream, this.#database, this.#stop.signal)
    return await this.#loader.load(this.#side)
  }

  #schedule(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tick(), this.attached ? CATALOGUE_CHECK_MS : CATALOGUE_LINGER_MS)
    this.#timer.unref()
  }

  #tick(): void {
    if (!this.attached) return this.close()
    if (this.#asked) void this.#load()
    this.#schedule()
  }
}

/** All catalogue sources of a gateway: one per resource, host, database and upstream user. */
export class CatalogueSources {
  readonly #sources = new Map<string, CatalogueSource>()

  /** The source for a session's database and account, with the session attached to it. Sessions share it. */
  of(resource: string, session: { readonly upstream: Upstream; readonly database: string }): CatalogueSource {
    const { upstream, database } = session
    const key = JSON.stringify([resource, upstream.host, database, upstream.user])
    const source = this.#sources.get(key) ?? new CatalogueSource(database)
    // The one used longest ago comes first.
    this.#sources.delete(key)
    this.#sources.set(key, source)
    source.attach(upstream)
    this.#trim()
    return source
  }

  /** Ends all side connections. */
  close(): void {
    for (const source of this.#sources.values()) source.close()
    this.#sources.clear()
  }

  #trim(): void {
    for (const [key, source] of this.#sources) {
      if (this.#sources.size <= CATALOGUES) return
      if (source.attached) continue
      source.close()
      this.#sources.delete(key)
    }
  }
}
