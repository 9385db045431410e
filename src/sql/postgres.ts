import { SluiceError } from '../kit/errors.ts'
import type { Catalogue, LabelIndex } from '../model/catalogue.ts'
import { type Analysed, analyse, innerMessage } from './analyse.ts'
import type { Environment } from './analysis.ts'
import { eachChild, type Node, normalise } from './ast.ts'
import { TextCache } from './cache.ts'
import { Grammar } from './grammar.ts'
import { LargeParser } from './large.ts'
import { INLINE_TEXT_MAX, MEANINGS_MAX, NODES_MAX } from './limits.ts'
import type { ParsedMessage } from './message.ts'
import { resolvedOf } from './operation.ts'
import { messageOf } from './parsed.ts'
import type { NameContext, Resolved } from './resolved.ts'
import { ShapeCache } from './shape.ts'
import { Snapshot } from './snapshot.ts'
import { columnsOf, readView } from './views.ts'

export type { ParsedMessage } from './message.ts'
export { SessionMirror } from './mirror.ts'
export { RUNS } from './operation.ts'
export type * from './resolved.ts'

const NO_CATALOGUE = Object.freeze({})
const loaded = new Map<number, PostgresSql>()

/** Understands SQL of one major version of PostgreSQL, with that version's own grammar. Shared by all sessions on servers of that version. */
export class PostgresSql {
  readonly major: number
  readonly #grammar: Grammar
  readonly #texts = new TextCache()
  readonly #shapes = new ShapeCache()
  readonly #large: LargeParser
  readonly #snapshots = new WeakMap<object, WeakMap<LabelIndex, Snapshot>>()
  readonly #inner = new WeakMap<Node, ParsedMessage>()

  private constructor(major: number) {
    this.#grammar = new Grammar(major)
    this.#large = new LargeParser(major)
    this.major = major
  }

  /** The analyser for servers of a major version, 13 to 18. Rejects with `protocol.unsupported` for others. */
  static async load(major: number): Promise<PostgresSql> {
    const known = loaded.get(major)
    if (known) return known
    const made = new PostgresSql(major)
    loaded.set(major, made)
    return made
  }

  /** Parses one message. Throws `sql.syntax`, or `sql.too_large` for a text over 64 KiB, which is `parseLarge`'s. */
  parse(text: string): ParsedMessage {
    const known = this.#texts.get(text)
    if (known) return known
    const similar = this.#shapes.find(text)
    if (similar) return similar
    if (text.length > INLINE_TEXT_MAX) throw new SluiceError('sql.too_large', `${text.length} characters`)
    const json = this.#grammar.parse(text)
    const statements = JSON.parse(json).stmts
    const { unknown, parameters } = normalise(statements, NODES_MAX)
    const parsed = messageOf(text, { statements, unknown, parameters })
    this.#texts.set(text, parsed, json.length)
    if (statements.length === 1 && unknown.length === 0) {
      guardStack(() => this.#shapes.learn(text, parsed.statements[0]!.node, parsed))
    }
    return parsed
  }

  /**
   * Parses a text of any size up to 16 MiB off the event loop. Rejects with `sql.syntax`, `sql.too_large` (also after a deadline), or
   * `limit.buffer` when too many wait.
   */
  async parseLarge(text: string): Promise<ParsedMessage> {
    if (text.length <= INLINE_TEXT_MAX) return this.parse(text)
    const tree = await this.#large.parse(text)
    return messageOf(text, tree)
  }

  /**
   * What a message does, given what its names mean. The same object for equal meanings. Throws `sql.setting`, `sql.unknown_statement`,
   * `sql.too_large`.
   */
  resolve(parsed: ParsedMessage, context: NameContext): Resolved {
    const { mirror, database } = context
    const snapshot = this.#snapshot(context.catalogue, context.labels)
    for (const meaning of parsed.meanings) {
      if (meaning.snapshot !== snapshot.id || meaning.namespace !== mirror.namespace) continue
      if (meaning.database !== database || (meaning.objects !== '' && meaning.objects !== mirror.objects)) continue
      return meaning.resolved
    }
    let usesObjects = false
    const resolved = this.#resolve(parsed, context, snapshot, () => {
      usesObjects = true
    })
    const objects = usesObjects ? mirror.objects : ''
    parsed.meanings.unshift({ snapshot: snapshot.id, database, namespace: mirror.namespace, objects, resolved })
    if (parsed.meanings.length > MEANINGS_MAX) parsed.meanings.pop()
    return resolved
  }

  #resolve(parsed: ParsedMessage, context: NameContext, snapshot: Snapshot, usesObjects: () => void): Resolved {
    let mirror = context.mirror
    const parts: Analysed[] = []
    guardStack(() => {
      for (const [i, statement] of parsed.statements.entries()) {
        const environment: Environment = {
          major: this.major,
          snapshot,
          unknown: parsed.unknown.length > 0,
          mirror,
          parse: (text) => this.parse(text),
          inner: (query) => this.#innerOf(query, statement.text),
          resolve: (inner) => this.resolve(inner, { ...context, mirror }),
          usesObjects,
        }
        const analysed = analyse(environment, statement.node)
        parts.push(analysed)
        if (analysed.statement.transitions.length === 0 || i + 1 === parsed.statements.length) continue
        // The rest of the message runs after this one.
        if (mirror === context.mirror) mirror = mirror.fork()
        mirror.apply(analysed.statement)
      }
    })
    return resolvedOf(parts, {
      text: parsed.text,
      database: context.database,
      catalogued: context.catalogue !== undefined,
    })
  }

  #innerOf(query: Node, text: string): ParsedMessage {
    let parsed = this.#inner.get(query)
    if (!parsed) {
      parsed = innerMessage(query, text, highestParameter(query))
      this.#inner.set(query, parsed)
    }
    return parsed
  }

  /** What "cannot be traced" carries here: every label, or none when no relation of this database carries one. */
  everything(context: Pick<NameContext, 'catalogue' | 'labels'>): readonly string[] {
    return this.#snapshot(context.catalogue, context.labels).everything
  }

  #snapshot(catalogue: Catalogue | undefined, labels: LabelIndex): Snapshot {
    const key = catalogue ?? NO_CATALOGUE
    let byLabels = this.#snapshots.get(key)
    if (!byLabels) {
      byLabels = new WeakMap()
      this.#snapshots.set(key, byLabels)
    }
    let snapshot = byLabels.get(labels)
    if (!snapshot) {
      const parse = (text: string) => this.parse(text)
      snapshot = new Snapshot(catalogue, labels, {
        view: (view, depth, one) => readView(view, depth, one, parse),
        columnsOf: (expression) => columnsOf(expression, parse),
      })
      byLabels.set(labels, snapshot)
    }
    return snapshot
  }
}

/** Depth is bounded so that the walkers fit the stack; should a caller leave them less of it, that is a refusal, not a crash. */
function guardStack(walk: () => void): void {
  try {
    walk()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new SluiceError('sql.too_large', 'nested too deep to analyse', { cause: error })
  }
}

function highestParameter(node: Node): number {
  let highest = node.nodeType === 'ParamRef' && typeof node.number === 'number' ? node.number : 0
  eachChild(node, (one) => {
    highest = Math.max(highest, highestParameter(one))
  })
  return highest
}
