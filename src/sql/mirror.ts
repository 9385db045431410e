import { MIRROR_ENTRIES_MAX } from './limits.ts'
import type { Portal, PreparedStatement, ResolvedStatement, Transition } from './resolved.ts'
import { parsePath } from './settings.ts'

type SearchPath = readonly string[] | 'default' | 'uncertain'

function nameOf(path: SearchPath): string {
  return typeof path === 'string' ? path : JSON.stringify(path)
}

/** Numbers states so that cache keys of different sessions never collide. Not observable in results. */
let lastState = 0

/**
 * What one session's names mean, kept in step with the server: prepared statements (SQL and protocol in one namespace, A31), cursors and
 * portals (A33), search path (A57), relations created here (A58). The conversation applies a statement when the server has completed it.
 */
export class SessionMirror {
  #statements = new Map<string, PreparedStatement>()
  #portals = new Map<string, Portal>()
  #created = new Map<string, boolean>()
  #names = new Set<string>()
  /** What the path is reset to: the database's default, or what the client brought to the session's start (A40). */
  #start: SearchPath
  #path: SearchPath
  /** The path outside the transaction block, while one is open. */
  #pathBefore: SearchPath
  #pathTouched = false
  /** SET LOCAL hides this one until the block ends. */
  #pathSession: SearchPath | undefined
  #inBlock = false
  #failed = false
  #dirty = false
  #namespace: string
  // Never empty: a cached meaning with an empty name would hold for every session.
  #objects = 'none'

  /** `searchPath`: the value the session was started with, when it was. */
  constructor(searchPath?: string) {
    this.#start = searchPath === undefined ? 'default' : parsePath(searchPath)
    this.#path = this.#start
    this.#pathBefore = this.#start
    this.#namespace = nameOf(this.#start)
  }

  /** Names a state of everything relation and function names depend on: search path, created relations, redefinitions. */
  get namespace(): string {
    return this.#namespace
  }
  /** Names a state of the statements and cursors, unnamed ones excepted. */
  get objects(): string {
    return this.#objects
  }
  get searchPath(): SearchPath {
    return this.#path
  }
  /** A definition made here may not be in the catalogue yet. */
  get dirty(): boolean {
    return this.#dirty
  }

  /** True when this session created a relation of that name. `schema` undefined: in any schema. */
  isCreatedHere(name: string): boolean {
    return this.#created.has(name)
  }
  /** True when this session defined a function, operator or type of that name since the catalogue was read. */
  isDefinedHere(name: string): boolean {
    return this.#names.has(name)
  }

  setStatement(name: string, statement: PreparedStatement): void {
    bounded(this.#statements)
    this.#statements.set(keyOf(name), statement)
    if (name !== '') this.#objectsChanged()
  }
  getStatement(name: string): PreparedStatement | undefined {
    return this.#statements.get(keyOf(name))
  }
  closeStatement(name: string): void {
    if (this.#statements.delete(keyOf(name)) && name !== '') this.#objectsChanged()
  }
  setPortal(name: string, portal: Portal): void {
    bounded(this.#portals)
    this.#portals.set(keyOf(name), portal)
    if (name !== '') this.#objectsChanged()
  }
  getPortal(name: string): Portal | undefined {
    return this.#portals.get(keyOf(name))
  }
  closePortal(name: string): void {
    if (this.#portals.delete(keyOf(name)) && name !== '') this.#objectsChanged()
  }

  /** The status byte of ReadyForQuery. Portals end with their transaction, SET LOCAL too. */
  transactionStatus(status: 'I' | 'T' | 'E'): void {
    if (status === 'E') this.#failed = true
    if (status === 'I') {
      // A block that ended without its COMMIT or ROLLBACK being applied (a failed COMMIT, a procedure's): nobody knows what it kept.
      const lost = this.#inBlock && this.#pathTouched
      this.#endBlock(false)
      if (lost) this.#setPath('uncertain')
    } else this.#openBlock()
  }

  /** A statement failed: outside a block, settings of the same implicit transaction may have been undone. */
  statementFailed(): void {
    this.#failed = true
    if (!this.#inBlock && this.#pathTouched) this.#setPath('uncertain')
  }

  /** The catalogue was read again after everything this session committed. */
  caughtUp(): void {
    if (!this.#dirty && this.#created.size === 0 && this.#names.size === 0) return
    this.#dirty = false
    this.#names.clear()
    for (const [name, temporary] of this.#created) if (!temporary) this.#created.delete(name)
    this.#namespaceChanged()
  }

  /** Takes over what a completed statement changed. */
  apply(statement: ResolvedStatement): void {
    for (const transition of statement.transitions) this.#applyOne(transition)
  }

  /** A copy to resolve the rest of a message against, as if its first statements had run. */
  fork(): SessionMirror {
    const copy = new SessionMirror()
    copy.#start = this.#start
    copy.#statements = new Map(this.#statements)
    copy.#portals = new Map(this.#portals)
    copy.#created = new Map(this.#created)
    copy.#names = new Set(this.#names)
    copy.#path = this.#path
    copy.#pathBefore = this.#pathBefore
    copy.#pathTouched = this.#pathTouched
    copy.#pathSession = this.#pathSession
    copy.#inBlock = this.#inBlock
    copy.#failed = this.#failed
    copy.#dirty = this.#dirty
    copy.#namespace = this.#namespace
    copy.#objects = this.#objects
    return copy
  }

  #applyOne(transition: Transition): void {
    switch (transition.kind) {
      case 'prepare':
        return this.setStatement(transition.name, transition.prepared)
      case 'deallocate':
        return transition.name === undefined ? this.#clearStatements() : this.closeStatement(transition.name)
      case 'declare':
        return this.setPortal(transition.name, transition.portal)
      case 'close':
        return transition.name === undefined ? this.#clearPortals() : this.closePortal(transition.name)
      case 'searchPath':
        return this.#applyPath(transition.path, transition.local)
      case 'transaction':
        return this.#applyTransaction(transition.verb)
      case 'discard':
        return this.#applyDiscard(transition.what)
      case 'created':
        bounded(this.#created)
        this.#created.set(transition.relation, transition.temporary)
        return this.#namespaceChanged()
      case 'redefined':
        this.#dirty = true
        for (const name of transition.names) this.#names.add(name)
        return this.#namespaceChanged()
    }
  }

  #applyPath(path: SearchPath, local: boolean): void {
    // SET LOCAL outside a block has no effect but a warning; inside an implicit transaction it holds until its end: in doubt, uncertain.
    if (local && !this.#inBlock) return this.#setPath('uncertain')
    if (local) this.#pathSession ??= this.#path
    else this.#pathSession = undefined
    this.#pathTouched = true
    this.#setPath(path)
  }

  #applyTransaction(verb: string): void {
    if (verb === 'begin') this.#openBlock()
    else if (verb === 'commit') this.#endBlock(this.#failed)
    else if (verb === 'rollback' || verb === 'prepare') this.#endBlock(verb === 'rollback' || this.#failed)
    else if (verb === 'rollback to') {
      this.#failed = false
      if (this.#pathTouched) this.#setPath('uncertain')
    }
  }

  #applyDiscard(what: string): void {
    if (what === 'all') {
      this.#clearStatements()
      this.#clearPortals()
      this.#setPath('default')
    }
    if (what !== 'all' && what !== 'temp') return
    for (const [name, temporary] of this.#created) if (temporary) this.#created.delete(name)
    this.#namespaceChanged()
  }

  #openBlock(): void {
    if (this.#inBlock) return
    this.#inBlock = true
    // An implicit transaction that becomes a block keeps what it set so far.
    if (!this.#pathTouched) this.#pathBefore = this.#path
  }

  #endBlock(undone: boolean): void {
    let closed = false
    for (const [key, portal] of this.#portals) {
      if (portal.holdable) continue
      this.#portals.delete(key)
      closed ||= key !== ''
    }
    if (closed) this.#objectsChanged()
    if (this.#pathSession !== undefined) this.#setPath(this.#pathSession)
    if (this.#inBlock && undone && this.#pathTouched) this.#setPath(this.#pathBefore)
    this.#pathSession = undefined
    this.#pathTouched = false
    this.#inBlock = false
    this.#failed = false
    this.#pathBefore = this.#path
  }

  /** The server does not count the unnamed one among those it deallocates. */
  #clearStatements(): void {
    const unnamed = this.#statements.get('')
    this.#statements.clear()
    if (unnamed) this.#statements.set('', unnamed)
    this.#objectsChanged()
  }

  #clearPortals(): void {
    this.#portals.clear()
    this.#objectsChanged()
  }

  #setPath(wanted: SearchPath): void {
    const path = wanted === 'default' ? this.#start : wanted
    if (path === this.#path) return
    this.#path = path
    this.#namespaceChanged()
  }

  #namespaceChanged(): void {
    if (this.#dirty || this.#created.size > 0 || this.#names.size > 0) this.#namespace = `#${++lastState}`
    else this.#namespace = nameOf(this.#path)
  }

  #objectsChanged(): void {
    this.#objects = `#${++lastState}`
  }
}

const NAME_BYTES = 63

/** The server tells names of statements and portals apart by their first 63 bytes, also those of the protocol. */
function keyOf(name: string): string {
  // No character takes more than three bytes per code unit.
  if (name.length * 3 < NAME_BYTES) return name
  const bytes = Buffer.from(name)
  return bytes.length < NAME_BYTES ? name : `\0${bytes.toString('hex', 0, NAME_BYTES)}`
}

/** Forgetting the oldest is safe: an unknown name is refused, an unknown relation carries every label. */
function bounded(map: Map<string, unknown>): void {
  if (map.size < MIRROR_ENTRIES_MAX) return
  for (const oldest of map.keys()) {
    map.delete(oldest)
    return
  }
}
