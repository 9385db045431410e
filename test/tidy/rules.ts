import { isBuiltin } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { BORDERS, CROSSINGS, PARENTS, PURE_FOLDERS, ROOTS, WORLD_GLOBALS } from './borders.ts'
import type { Node, Source } from './source.ts'

const TEST = /\.test\.ts$/
const MAX_LINES = 400
/** One part of the attack list is one file, so that a number is found: these are tables of cases. */
const MAX_TABLE_LINES = 800
const MAX_FUNCTION_LINES = 70
/** The convention is three; what runs per message takes up to five, because an object for each would cost an allocation. */
const MAX_PARAMETERS = 5

/** Sentences, one per import that crosses a border of the table; `used` gathers the crossings that were needed. */
export function bordersCrossed(source: Source, used: Set<string>): string[] {
  const inside = source.path.replace(/^src\//, '')
  if (ROOTS.includes(inside) || TEST.test(inside)) return []
  const folder = folderOf(inside)
  const border = BORDERS[folder.startsWith('protocols/') ? 'protocols/*' : folder]
  if (inside === 'protocols/contract.ts') return crossed(source, used, BORDERS['protocols/*']!, ['kit', 'model'])
  if (!border)
    return [`${source.path} lies in no folder of the table in test/tidy/borders.ts: put it where its word belongs.`]
  const parent = PARENTS[folder.replace('protocols/', '')]
  return crossed(source, used, border, [folder, ...border.may, ...(parent ? [`protocols/${parent}/index.ts`] : [])])
}

function crossed(
  source: Source,
  used: Set<string>,
  border: { closed?: readonly string[] | 'all'; instead: string },
  may: readonly string[],
): string[] {
  return source.imports.flatMap(({ from, line }) => {
    const reached = from.startsWith('.') ? normalize(join(dirname(source.path), from)).replace(/^src\//, '') : from
    if (reached === 'protocols/contract.ts' && source.path === reached) return []
    const open = from.startsWith('.')
      ? may.some((place) => reached === place || reached.startsWith(`${place}/`))
      : !isClosed(from, border.closed)
    const key = `${source.path.replace(/^src\//, '')} -> ${from.startsWith('.') ? folderOf(reached) : from}`
    if (open) return []
    if (key in CROSSINGS) {
      used.add(key)
      return []
    }
    return [`${source.path}:${line} imports ${from}; ${border.instead}`]
  })
}

/** Harmless built-ins that even a folder without I/O may use: they compute. */
const COMPUTING = new Set(['node:buffer', 'node:crypto', 'node:util', 'node:assert', 'node:events'])

function isClosed(from: string, closed: readonly string[] | 'all' | undefined): boolean {
  if (!isBuiltin(from) || closed === undefined) return false
  return closed === 'all' ? !COMPUTING.has(from) : closed.includes(from)
}

function folderOf(inside: string): string {
  const [first = '', second = ''] = inside.split('/')
  return first === 'protocols' && !second.endsWith('.ts') ? `${first}/${second}` : first
}

/** A pure folder that asks for the time, chance or the network by a global. */
export function worldTouched(source: Source): string[] {
  if (TEST.test(source.path) || !PURE_FOLDERS.some((folder) => source.path.startsWith(`src/${folder}/`))) return []
  return source.text.split('\n').flatMap((text, i) => {
    const found = WORLD_GLOBALS.exec(text.replace(/\/\/.*|^\s*\*.*/, ''))
    return found
      ? [
          `${source.path}:${i + 1} uses ${found[0]}; this folder is pure: take the time, a number or a setting as an argument.`,
        ]
      : []
  })
}

export function tooLong(source: Source): string[] {
  const most = source.path.startsWith('test/attacks/') ? MAX_TABLE_LINES : MAX_LINES
  const file =
    source.lines > most
      ? [`${source.path} has ${source.lines} lines, ${most} at most: split it by the nouns in it.`]
      : []
  const bodies = source.nodes.filter((node) =>
    /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type),
  )
  const suites = describeCallbacks(source)
  return file.concat(
    bodies.flatMap((node) => {
      const lines = source.line(node.end) - source.line(node.start) + 1
      if (lines <= MAX_FUNCTION_LINES || suites.has(node)) return []
      return [
        `${source.path}:${source.line(node.start)} is a function of ${lines} lines, ${MAX_FUNCTION_LINES} at most: name its steps and call them.`,
      ]
    }),
  )
}

/** The callback of `describe` is a list of tests, not a function anybody reads as one. */
function describeCallbacks(source: Source): Set<Node> {
  const calls = source.nodes.filter(
    (node) => node.type === 'CallExpression' && source.text.startsWith('describe', node.start),
  )
  return new Set(calls.flatMap((call) => call.arguments as Node[]))
}

export function tooManyParameters(source: Source): string[] {
  if (TEST.test(source.path)) return []
  return source.nodes.flatMap((node) => {
    const parameters = /^(FunctionDeclaration|FunctionExpression)$/.test(node.type) ? (node.params as Node[]) : []
    if (parameters.length <= MAX_PARAMETERS) return []
    return [
      `${source.path}:${source.line(node.start)} takes ${parameters.length} parameters, ${MAX_PARAMETERS} at most: take one object.`,
    ]
  })
}

const BAD_NAME = /^(utils?|helpers?|manager|data|info|misc|common)$/i
const BAD_TYPE = /(Utils?|Helpers?|Manager|Info)$/

export function emptyNames(source: Source): string[] {
  const parts = source.path.replace(/\.ts$/, '').split('/')
  const bad = parts.filter((part) => part.split(/[-.]/).some((word) => BAD_NAME.test(word)))
  const files = bad.map((part) => `${source.path}: "${part}" says nothing: name the noun it holds (DESIGN, words).`)
  const declared = source.nodes.flatMap((node) => {
    const id = node.id as { name?: string; start: number } | null | undefined
    if (typeof id?.name !== 'string') return []
    const type = /^(Class|TSInterface|TSTypeAlias)/.test(node.type)
    if (!(type ? BAD_TYPE.test(id.name) : BAD_NAME.test(id.name))) return []
    return [`${source.path}:${source.line(id.start)} "${id.name}" says nothing: name what it holds.`]
  })
  return files.concat(declared)
}

export function bannedSyntax(source: Source): string[] {
  const say: Readonly<Record<string, string>> = {
    TSEnumDeclaration: 'an enum does not erase: use a union of strings, or a const array and its type.',
    TSModuleDeclaration: 'a namespace does not erase: use a module.',
    TSParameterProperty: 'a parameter property does not erase: declare the field and assign it.',
    Decorator: 'a decorator does not erase: call a function.',
    ExportDefaultDeclaration: 'export by name: the name is then the same everywhere.',
  }
  return source.nodes.flatMap((node) =>
    say[node.type] ? [`${source.path}:${source.line(node.start)} ${say[node.type]}`] : [],
  )
}

/** Files outside the engine that may listen to raw data, each with its reason. */
const LISTENERS: Readonly<Record<string, string>> = {
  'src/tunnel/connector/carry.ts': 'pauses its source by itself: a pipe would write each frame on its own',
}

export function bareListeners(source: Source, used: Set<string>): string[] {
  if (!source.path.startsWith('src/') || source.path.startsWith('src/engine/') || TEST.test(source.path)) return []
  return source.text.split('\n').flatMap((text, i) => {
    if (!/\.(on|once|addListener)\(\s*['"]data['"]/.test(text)) return []
    if (source.path in LISTENERS) {
      used.add(source.path)
      return []
    }
    return [
      `${source.path}:${i + 1} listens to 'data' without back-pressure: read with \`for await\`, or let engine/pump.ts carry the bytes.`,
    ]
  })
}

export const LISTENER_FILES: readonly string[] = Object.keys(LISTENERS)
