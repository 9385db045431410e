import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseAst } from 'vitest/node'

const root = join(import.meta.dirname, '../..')

/** A node of the ESTree that vite's parser makes of TypeScript. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** One source file, read and parsed once. */
export interface Source {
  /** From the repository's root, with forward slashes. */
  readonly path: string
  readonly text: string
  readonly lines: number
  readonly nodes: readonly Node[]
  /** Module names as written in import and export-from statements, and in `import()`. */
  readonly imports: readonly { readonly from: string; readonly line: number }[]
  /** 1-based line of an offset. */
  line(offset: number): number
}

/** Every TypeScript file under the given folders, tests included. */
export function readSources(...folders: string[]): Source[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(root, folder, name)),
  )
  return paths.filter((path) => path.endsWith('.ts') && !path.includes('node_modules')).map(readSource)
}

function readSource(path: string): Source {
  const text = readFileSync(path, 'utf8')
  const nodes = [...walk(parseAst(text, { lang: 'ts' }) as unknown as Node)]
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  const line = (offset: number) => starts.findLastIndex((start) => start <= offset) + 1
  const imports = nodes.flatMap((node) => {
    const from = node.source as { value?: unknown } | null | undefined
    if (!/^(Import|Export)/.test(node.type)) return []
    return typeof from?.value === 'string' ? [{ from: from.value, line: line(node.start) }] : []
  })
  return { path: relative(root, path), text, lines: starts.length - 1, nodes, imports, line }
}

function* walk(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
}
