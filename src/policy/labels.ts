import { Lru } from '../kit/lru.ts'
import type { LabelIndex, PathLabels } from '../model/catalogue.ts'
import type { Resource } from '../model/resource.ts'
import { ask } from './candidates.ts'
import type { Condition } from './cel/condition.ts'
import { ResourceView } from './cel/views.ts'
import { memo } from './memo.ts'

/** Answers remembered per resource. */
const MEMO_LIMIT = 8_192

/** Whether a part of a name fits; both are compared without regard to case, so that a label covers `"Customers"` too. */
type PartTest = (part: string) => boolean

/** One entry of a Classification, compiled. */
export interface ColumnPattern {
  readonly schema: PartTest
  readonly relation: PartTest
  readonly column: PartTest
  readonly labels: readonly string[]
  /** Set for an entry that speaks of the inside of a json column. */
  readonly path: readonly string[] | undefined
}

export interface CompiledClassification {
  /** Undefined: all resources. */
  readonly resource: string | undefined
  readonly on: Condition | undefined
  readonly patterns: readonly ColumnPattern[]
}

/** Splits `public."odd.name".email` at its dots; quotes keep a dot inside a part. Undefined when a quote is not closed. */
export function splitName(written: string): readonly string[] | undefined {
  const parts: string[] = []
  let part = ''
  let quoted = false
  for (const character of written) {
    if (character === '"') quoted = !quoted
    else if (character === '.' && !quoted) {
      parts.push(part)
      part = ''
    } else part += character
  }
  return quoted ? undefined : [...parts, part]
}

/** Compiles one part with `*` for any characters, in linear time per part. */
export function compilePart(written: string): PartTest {
  const pattern = written.toLowerCase()
  if (!pattern.includes('*')) return (part) => part === pattern
  const pieces = pattern.split('*')
  const [first, last] = [pieces[0]!, pieces.at(-1)!]
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '')
  return (part) => {
    if (part.length < first.length + last.length || !part.startsWith(first) || !part.endsWith(last)) return false
    let from = first.length
    for (const piece of middle) {
      const at = part.indexOf(piece, from)
      if (at < 0 || at + piece.length > part.length - last.length) return false
      from = at + piece.length
    }
    return true
  }
}

/** Label indexes by resource. An index is made once per resource and keeps its identity for as long as this lives. */
export class Labels {
  readonly #classifications: readonly CompiledClassification[]
  readonly #byResource = new WeakMap<Resource, LabelIndex>()
  constructor(classifications: readonly CompiledClassification[]) {
    this.#classifications = classifications
  }
  of(resource: Resource): LabelIndex {
    return memo(this.#byResource, resource, () => this.#make(resource))
  }
  #make(resource: Resource): LabelIndex {
    const frame = { resource: new ResourceView(resource) }
    const patterns = this.#classifications
      .filter((each) => each.resource === undefined || each.resource === resource.name)
      // What cannot be evaluated labels: more is masked, never less.
      .filter((each) => each.on === undefined || ask(each.on, frame) !== undefined)
      .flatMap((each) => each.patterns)
    return new ColumnLabels(patterns)
  }
}

const NONE: readonly string[] = Object.freeze([])
const NO_PATHS: readonly PathLabels[] = Object.freeze([])

class ColumnLabels implements LabelIndex {
  readonly all: readonly string[]
  readonly #patterns: readonly ColumnPattern[]
  readonly #columns = new Lru<string, readonly string[]>(MEMO_LIMIT)
  readonly #relations = new Lru<string, readonly ColumnPattern[]>(MEMO_LIMIT)
  constructor(patterns: readonly ColumnPattern[]) {
    this.#patterns = patterns
    this.all = Object.freeze([...new Set(patterns.flatMap((pattern) => pattern.labels))].sort())
  }

  column(schema: string, relation: string, column: string): readonly string[] {
    const key = `${schema}\0${relation}\0${column}`
    return memo(this.#columns, key, () => union(this.#ofColumn(schema, relation, column)))
  }

  touches(schema: string, relation: string): boolean {
    return this.#ofRelation(schema, relation).length > 0
  }

  paths(schema: string, relation: string, column: string): readonly PathLabels[] {
    const found = this.#ofColumn(schema, relation, column)
    if (found.length === 0 || found.some((pattern) => pattern.path === undefined)) return NO_PATHS
    return found.map((pattern) => ({ path: pattern.path!, labels: pattern.labels }))
  }

  #ofColumn(schema: string, relation: string, column: string): readonly ColumnPattern[] {
    const name = column.toLowerCase()
    return this.#ofRelation(schema, relation).filter((pattern) => pattern.column(name))
  }

  #ofRelation(schema: string, relation: string): readonly ColumnPattern[] {
    const key = `${schema}\0${relation}`
    return memo(this.#relations, key, () => {
      const [inSchema, inRelation] = [schema.toLowerCase(), relation.toLowerCase()]
      return this.#patterns.filter((pattern) => pattern.schema(inSchema) && pattern.relation(inRelation))
    })
  }
}

function union(patterns: readonly ColumnPattern[]): readonly string[] {
  if (patterns.length === 0) return NONE
  return Object.freeze([...new Set(patterns.flatMap((pattern) => pattern.labels))].sort())
}
