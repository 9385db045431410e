import { plainLine } from '../../kit/plain-line.ts'
import { type EffectSet, effects } from '../../model/effects.ts'
import type { FileFacts } from '../../model/facts.ts'
import type { Operation } from '../../model/operation.ts'
import { fileOperation } from './operation.ts'
import { lineOf, wordsOf } from './words.ts'

/**
 * Options of `rsync --server` that neither name another file nor start anything: what rsync itself sends for the options people use. A line
 * with any other is a command that is not known.
 */
const RSYNC_OPTION =
  /^--(?:server|sender|delete(?:-(?:before|during|after|delay|excluded))?|remove-source-files|partial|inplace|numeric-ids|size-only|ignore-(?:errors|existing|times|missing-args)|existing|force|from0|stats|append(?:-verify)?|preallocate|safe-links|copy-unsafe-links|munge-links|no-[a-z-]+|new-compress|old-compress|(?:max-delete|timeout|bwlimit|block-size|modify-window|checksum-seed|checksum-choice|compress-choice|compress-level|max-size|min-size|skip-compress|log-format|out-format|debug|info)=[A-Za-z0-9.,%_:/-]*)$/
/** Single letters, then what the client understands: `-vlogDtpre.iLsfxCIvu`. `e` alone would start a program. */
const RSYNC_LETTERS = /^-[A-DF-Za-df-z]*(?:e\.[A-Za-z0-9]*)?$/

const GET = effects('read', 'export')
const PUT = effects('write', 'import')
const DELETE = effects('delete')
/** What a repository runs when something is pushed is its own. */
const HOOKS = effects('execute')

/**
 * `rsync --server …`, `git-upload-pack PATH`, `git-receive-pack PATH` as moving files, when every word means itself; undefined for any other
 * line. `rest` is the exec request's: string command. What moves within is a protocol of theirs, and passes as a whole.
 */
export function transferOperation(rest: Buffer): Operation<FileFacts> | undefined {
  const line = lineOf(rest)
  const words = wordsOf(line)
  if (!words || words.some(({ text }) => /\p{Cc}/u.test(text))) return undefined
  const texts = words.map(({ text }) => text)
  if (texts[0] === 'rsync' && texts[1] === '--server') return rsync(line, texts.slice(1))
  if (words.some(({ glob }) => glob)) return undefined
  const [first, second, third] = texts
  if (texts.length === 2) return git(line, first!, second!)
  return texts.length === 3 && first === 'git' ? git(line, `git-${second}`, third!) : undefined
}

function git(line: string, program: string, path: string): Operation<FileFacts> | undefined {
  if (path.startsWith('-')) return undefined
  const words = (verb: string, set: EffectSet, more: object) =>
    fileOperation({ transfer: 'git', verb, effects: set, text: plainLine(line), ...more })
  if (program === 'git-upload-pack') return words('git fetch', GET, { read: [path] })
  if (program === 'git-receive-pack') return words('git push', PUT | HOOKS, { written: [path] })
  return undefined
}

function rsync(line: string, words: readonly string[]): Operation<FileFacts> | undefined {
  const first = words.findIndex((text) => !text.startsWith('-'))
  // The options end at a dot that stands for nothing; the paths follow.
  if (first < 0 || words[first] !== '.') return undefined
  const options = words.slice(0, first)
  const paths = words.slice(first + 1)
  if (paths.length === 0 || paths.some((path) => path.startsWith('-'))) return undefined
  if (!options.every((option) => RSYNC_OPTION.test(option) || RSYNC_LETTERS.test(option))) return undefined
  const sends = options.includes('--sender')
  const deletes = options.some((option) => /^--(?:delete|remove-source)/.test(option))
  return fileOperation({
    transfer: 'rsync',
    verb: sends ? 'rsync get' : 'rsync put',
    effects: (sends ? GET : PUT) | (deletes ? DELETE : 0),
    text: plainLine(line),
    ...(sends ? { read: paths } : { written: paths }),
    ...(deletes && { deleted: paths }),
  })
}
