import { plainLine } from '../../kit/plain-line.ts'
import { effects } from '../../model/effects.ts'
import type { Operation } from '../../model/operation.ts'
import { fileOperation } from './operation.ts'
import { lineOf, type Word, wordsOf } from './words.ts'

/** What `scp` is started for on the target: the legacy protocol of `scp -O`. */
export interface ScpOrder {
  readonly direction: 'get' | 'put'
  readonly recursive: boolean
  /** The path is a folder (`-d`). */
  readonly folder: boolean
  readonly paths: readonly Word[]
  /** Starting it moves nothing: every file it moves is an operation of its own. */
  readonly operation: Operation
}

/**
 * The order in a command line `scp [-dpqrv] -t|-f [--] path…` of words that mean themselves; undefined for every other line: that is a
 * command, and judged as one. `rest` is the exec request's: string command.
 */
export function scpOrder(rest: Buffer): ScpOrder | undefined {
  const line = lineOf(rest)
  const words = wordsOf(line)
  const program = words?.[0]
  if (!words || program?.text !== 'scp' || program.glob) return undefined
  const first = words.findIndex(({ text }, i) => i > 0 && !/^-[dpqrvtf]+$/.test(text))
  if (first < 0) return undefined
  const flags = words
    .slice(1, first)
    .map(({ text }) => text.slice(1))
    .join('')
  const paths = words.slice(words[first]!.text === '--' ? first + 1 : first)
  const [puts, gets] = [flags.includes('t'), flags.includes('f')]
  if (puts === gets || paths.length === 0 || (puts && paths.length > 1)) return undefined
  if (paths.some(({ text }) => text === '' || /\p{Cc}/u.test(text))) return undefined
  if (words[first]!.text !== '--' && paths.some(({ text }) => text.startsWith('-'))) return undefined
  const operation = fileOperation({
    transfer: 'scp',
    verb: 'scp',
    effects: effects('session'),
    text: plainLine(line),
  })
  return {
    direction: puts ? 'put' : 'get',
    recursive: flags.includes('r'),
    folder: flags.includes('d'),
    paths,
    operation,
  }
}

/**
 * Where a file of this name may lie, by the order's paths and the folders passed on the way: every place that can be meant. A relative
 * path is relative to the account's home, `~`.
 */
export function placesOf(order: ScpOrder, folders: readonly string[], name: string): readonly string[] {
  const below = [...folders, name]
  const places = order.paths.flatMap(({ text }) => {
    const beside = `${text}/../`
    if (order.direction === 'get') return [`${beside}${below.join('/')}`]
    // The target is the file, or a folder the file is put into; only the target knows.
    const inside = [text, ...below].join('/')
    const itself = [text, ...below.slice(1)].join('/')
    return order.folder || text.endsWith('/') ? [inside] : [itself, inside]
  })
  return [...new Set(places.map(settled))]
}

/** Without `.`, `..` and doubled slashes; from `/` or from `~`. */
function settled(path: string): string {
  const root = path.startsWith('/') ? '' : '~'
  const parts: string[] = []
  for (const part of path.replace(/^~\//, '').split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop()
    else if (root === '~') parts.push('..')
  }
  return `${root}/${parts.join('/')}`
}
