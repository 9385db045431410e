import { plainLine } from '../../kit/plain-line.ts'
import { effects } from '../../model/effects.ts'
import type { Operation } from '../../model/operation.ts'
import type { HomeNames } from '../../shell/path.ts'
import { fileOperation } from './operation.ts'
import { parted } from './sftp-paths.ts'
import { lineOf, pathNames, type Word, wordsOf } from './words.ts'

/** What `scp` is started for on the target: the legacy protocol of `scp -O`. */
export interface ScpOrder {
  readonly direction: 'get' | 'put'
  readonly recursive: boolean
  /** Modes are set as they are said (`-p`): no umask takes from them. */
  readonly exact: boolean
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
    exact: flags.includes('p'),
    folder: flags.includes('d'),
    paths,
    operation,
  }
}

/**
 * Where a file of this name may lie, by the order's paths and the folders passed on the way: every place that can be meant, from `/` or from
 * the account's home, `~`. Not `sure` where `..` leads nobody knows where.
 */
export function placesOf(order: ScpOrder, folders: readonly string[], name: string): HomeNames {
  const below = [...folders, name]
  const places = order.paths.map((word) => {
    const { text } = word
    const under = (path: string, parts: readonly string[]) => {
      const { names, sure } = pathNames({ ...word, text: path })
      return { names: names.map((each) => beneath(each, parts)), sure }
    }
    // The home's own name is known to its host alone.
    if (order.direction === 'get' && /^~\/*$/.test(text) && !word.tilde) return { names: ['?'], sure: false }
    if (order.direction === 'get') return under(parted(text).folder, below)
    // The target is the file, or a folder the file is put into; only the target knows.
    const [inside, itself] = [under(text, below), under(text, below.slice(1))]
    return order.folder || text.endsWith('/') ? inside : { ...inside, names: [...itself.names, ...inside.names] }
  })
  return { names: [...new Set(places.flatMap(({ names }) => names))], sure: places.every(({ sure }) => sure) }
}

function beneath(folder: string, parts: readonly string[]): string {
  return folder === '?' || parts.length === 0 ? folder : [folder === '/' ? '' : folder, ...parts].join('/')
}
