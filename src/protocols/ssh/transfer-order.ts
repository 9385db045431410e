import { plainLine } from '../../kit/plain-line.ts'
import { type EffectSet, effects } from '../../model/effects.ts'
import type { FileFacts } from '../../model/facts.ts'
import type { Operation } from '../../model/operation.ts'
import { namesFromHome, wholeOf } from '../../shell/path.ts'
import { fileOperation } from './operation.ts'
import { lineOf, pathNames, type Word, wordsOf } from './words.ts'

/**
 * Options of `rsync --server` that neither name another file nor start anything: what rsync itself sends for the options people use. A line
 * with any other is a command that is not known.
 */
const RSYNC_OPTION =
  /^--(?:server|sender|delete(?:-(?:before|during|after|delay|excluded))?|remove-source-files|partial|inplace|numeric-ids|size-only|ignore-(?:errors|existing|times|missing-args)|existing|force|from0|stats|append(?:-verify)?|preallocate|safe-links|copy-unsafe-links|munge-links|no-[a-z-]+|new-compress|old-compress|(?:max-delete|timeout|bwlimit|block-size|modify-window|checksum-seed|checksum-choice|compress-choice|compress-level|max-size|min-size|skip-compress|log-format|out-format|debug|info)=[A-Za-z0-9.,%_:/-]*)$/
/**
 * Single letters, then what the client understands: `-vlogDtpre.iLsfxCIvu`. Not among them: `e` alone would start a program, `B`, `f`, `M`,
 * `T` and `@` take the next word, `s` reads paths and options from within.
 */
const RSYNC_LETTERS = /^-([AbCcDdEFgHhIiJKklLmNnOoPpqRrStUuvWXxyz]*)(?:e\.[A-Za-z0-9]*)?$/

const GET = effects('read', 'export')
const PUT = effects('write', 'import')
const DELETE = effects('delete')
const UNKNOWN = effects('unknown')
/** Modes, owners, access lists, attributes and devices of what is put are the client's, setuid among them, and not seen here. */
const GRANT = effects('grant')
const GRANTING = /[pogAXD]/
/** Links are followed to wherever they lead: on the sending side, and on the receiving side into folders. */
const FOLLOWING = /[LkK]/
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
  if (texts[0] === 'rsync' && texts[1] === '--server') return rsync(line, words.slice(1))
  if (words.some(({ glob }) => glob)) return undefined
  const [first, second] = texts
  if (texts.length === 2) return git(line, first!, words[1]!)
  return texts.length === 3 && first === 'git' ? git(line, `git-${second}`, words[2]!) : undefined
}

/** git is given its path in quotes, and takes `~` for the home itself. */
function git(line: string, program: string, { text }: Word): Operation<FileFacts> | undefined {
  if (text.startsWith('-')) return undefined
  const { names, sure } = namesFromHome(text, true)
  const words = (verb: string, set: EffectSet, more: object) =>
    fileOperation({ transfer: 'git', verb, effects: sure ? set : set | UNKNOWN, text: plainLine(line), ...more })
  if (program === 'git-upload-pack') return words('git fetch', GET, { read: names })
  if (program === 'git-receive-pack') return words('git push', PUT | HOOKS, { written: names })
  return undefined
}

function rsync(line: string, words: readonly Word[]): Operation<FileFacts> | undefined {
  const first = words.findIndex(({ text }) => !text.startsWith('-'))
  // The options end at a dot that stands for nothing; the paths follow.
  if (first < 0 || words[first]!.text !== '.') return undefined
  const options = words.slice(0, first).map(({ text }) => text)
  const paths = words.slice(first + 1)
  if (paths.length === 0 || paths.some(({ text }) => text === '' || text.startsWith('-'))) return undefined
  if (!options.every((option) => RSYNC_OPTION.test(option) || RSYNC_LETTERS.test(option))) return undefined
  const letters = options.map((option) => RSYNC_LETTERS.exec(option)?.[1] ?? '').join('')
  const sends = options.includes('--sender')
  const deletes = options.some((option) => /^--(?:delete|remove-source)/.test(option))
  const grants = !sends && GRANTING.test(letters)
  const found = paths.map(pathNames)
  const names = [
    // What is sent from a folder, and what is put into one, is in it: a rule about what is below it is to see that.
    ...found.flatMap(({ names: each }) => (sends && !/[rd]/.test(letters) ? each : each.map(wholeOf))),
    ...(FOLLOWING.test(letters) || options.includes('--copy-unsafe-links') ? ['**'] : []),
  ]
  const sure = found.every((each) => each.sure)
  return fileOperation({
    transfer: 'rsync',
    verb: sends ? 'rsync get' : 'rsync put',
    effects: (sends ? GET : PUT) | (deletes ? DELETE : 0) | (grants ? GRANT : 0) | (sure ? 0 : UNKNOWN),
    text: plainLine(line),
    ...(sends ? { read: names } : { written: names }),
    ...(deletes && { deleted: names }),
  })
}
