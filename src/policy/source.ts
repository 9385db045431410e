import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
} from 'yaml'
import type { Position, Problem } from './problem.ts'

/** A file of policy documents as the loader read it. */
export interface PolicyFile {
  readonly path: string
  readonly text: string
}

export type Path = readonly PropertyKey[]

/** Bounds of what is read: a policy is written by people. */
const LIMITS = { fileBytes: 4 << 20, documents: 20_000, aliases: 1_000 }

/** One YAML document with the means to point into its source. */
export interface SourceDocument {
  readonly file: string
  readonly value: unknown
  /** Where the value at `path` stands; of the nearest enclosing value where there is none. `key` asks for the key instead. */
  at(path: Path, key?: 'key'): Position
  /** Where character `offset` of the string at `path` stands. */
  inside(path: Path, offset: number): Position
}

/** Splits a file into its documents. What is not YAML is reported into `problems`; a document with an error is left out. */
export function readDocuments(file: PolicyFile, problems: Problem[]): SourceDocument[] {
  const report = (at: Position, message: string, remedy: string) =>
    problems.push({ file: file.path, ...at, message, remedy })
  if (file.text.length > LIMITS.fileBytes) {
    report({ line: 1, column: 1 }, 'The file is too large.', `Write files of at most ${LIMITS.fileBytes >> 20} MB.`)
    return []
  }
  const lines = new LineCounter()
  const documents = parseAllDocuments(file.text, {
    lineCounter: lines,
    prettyErrors: false,
    version: '1.2',
    schema: 'core',
  })
  if (!Array.isArray(documents)) return []
  if (documents.length > LIMITS.documents) {
    report(
      { line: 1, column: 1 },
      'The file holds too many documents.',
      `Write at most ${LIMITS.documents} documents per file.`,
    )
    return []
  }
  const found: SourceDocument[] = []
  for (const document of documents) {
    const faults = [...document.errors, ...document.warnings]
    for (const fault of faults) report(position(lines, fault.pos[0]), sentence(fault.message), yamlRemedy(fault.code))
    if (faults.length > 0 || document.contents === null) continue
    try {
      const value: unknown = document.toJS({ maxAliasCount: LIMITS.aliases })
      if (value !== null && value !== undefined) found.push(new YamlDocument(file, document, lines, value))
    } catch (thrown) {
      const at = position(lines, document.contents.range?.[0] ?? 0)
      report(at, sentence(String(thrown instanceof Error ? thrown.message : thrown)), 'Write the values out.')
    }
  }
  return found
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

function sentence(text: string): string {
  const first = text.split('\n')[0]!.trim()
  return `${first}${/[.!?]$/.test(first) ? '' : '.'}`
}

function yamlRemedy(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'Write each key once.'
  if (code === 'TAG_RESOLVE_FAILED') return 'Write the value without a tag.'
  if (code === 'UNEXPECTED_TOKEN') return `Write the whole value in quotes: \`who: '"dba" in principal.groups'\`.`
  return 'Write valid YAML; quote a text that contains `: ` or starts with a special character.'
}

class YamlDocument implements SourceDocument {
  readonly file: string
  readonly value: unknown
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #text: string
  constructor(file: PolicyFile, document: Document, lines: LineCounter, value: unknown) {
    this.file = file.path
    this.value = value
    this.#document = document
    this.#lines = lines
    this.#text = file.text
  }

  at(path: Path, key?: 'key'): Position {
    let node = this.#document.contents as Node | null
    let offset = node?.range?.[0] ?? 0
    for (const [depth, step] of path.entries()) {
      const child = this.#child(node, step)
      if (child === undefined) break
      const wanted =
        key === 'key' && depth === path.length - 1 ? (child.key ?? child.value) : (child.value ?? child.key)
      node = child.value
      offset = wanted?.range?.[0] ?? offset
    }
    return position(this.#lines, offset)
  }

  inside(path: Path, offset: number): Position {
    const node = this.#node(path)
    const range = node?.range
    if (!range || !isScalar(node) || typeof node.value !== 'string') return this.at(path)
    const source = this.#text.slice(range[0], range[1])
    if (node.type === 'BLOCK_LITERAL') return this.#insideBlock(node.value, range[0], offset)
    // Plain and quoted scalars on one line keep their characters in place, unless an escape shortens them.
    const quote = node.type === 'QUOTE_DOUBLE' || node.type === 'QUOTE_SINGLE' ? 1 : 0
    if (source.length - 2 * quote !== node.value.length) return position(this.#lines, range[0])
    return position(this.#lines, range[0] + quote + offset)
  }

  /** A literal block keeps its lines: the header's line comes first, and every line is indented alike. */
  #insideBlock(value: string, start: number, offset: number): Position {
    const before = value.slice(0, offset).split('\n')
    const header = this.#lines.linePos(start).line
    const line = header + before.length
    const text = this.#text.split('\n')[line - 1] ?? ''
    const whole = value.split('\n')[before.length - 1] ?? ''
    return { line, column: Math.max(0, text.replace(/\r$/, '').length - whole.length) + before.at(-1)!.length + 1 }
  }

  #node(path: Path): Node | null {
    let node = this.#document.contents as Node | null
    for (const step of path) node = this.#child(node, step)?.value ?? null
    return isAlias(node) ? ((node.resolve(this.#document) as Node | undefined) ?? null) : node
  }

  #child(parent: Node | null, step: PropertyKey): { key: Node | null; value: Node | null } | undefined {
    const node = isAlias(parent) ? parent.resolve(this.#document) : parent
    if (isSeq(node)) return { key: null, value: (node.items[Number(step)] as Node | undefined) ?? null }
    if (!isMap(node)) return undefined
    const pair = (node.items as Pair<Node, Node | null>[]).find((item) => isScalar(item.key) && item.key.value === step)
    return pair && { key: pair.key, value: pair.value }
  }
}
