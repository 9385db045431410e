import { effects } from '../../model/effects.ts'
import { type Argument, literal, mayBeOption, unknownFile, unknownWord } from '../argument.ts'
import type { Call } from '../call.ts'
import { ROOTS_MAX } from '../limits.ts'
import { giveCommand, giveRole, isSeveral } from '../role.ts'
import { isHarmlessInEnvironment } from '../variables.ts'
import { giveJoined } from './shells.ts'

const READ = effects('read')
const WRITE = effects('write')
const DELETE = effects('delete')
const GRANT = effects('grant')
const SESSION = effects('session')
const UNSEEN = 'a word that may be an option'

interface Flags {
  /** Letters without a value. */
  readonly alone: string
  /** Letters with a value. */
  readonly valued: string
  /** Long options without a value, and with one. */
  readonly long: readonly string[]
  readonly longValued: readonly string[]
}

interface Taken {
  /** Options found, with their values where they have one. */
  readonly options: ReadonlyMap<string, Argument | undefined>
  /** The same, in order: an option may be given more than once. */
  readonly each: readonly (readonly [name: string, value: Argument | undefined])[]
  readonly rest: readonly Argument[]
}

/** Options up to the first operand, as programs that run others take them; undefined when one is not known. */
export function takeLeading(words: readonly Argument[], flags: Flags, call: Call): Taken | undefined {
  const options = new Map<string, Argument | undefined>()
  const each: (readonly [name: string, value: Argument | undefined])[] = []
  const set = (name: string, value: Argument | undefined) => {
    if (value !== undefined && isSeveral(value)) call.unknown(UNSEEN)
    options.set(name, value)
    each.push([name, value])
  }
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at]!
    if (mayBeOption(word)) return void call.unknown(UNSEEN)
    if (!word.text.startsWith('-') || word.text === '-') break
    if (!word.literal) return void call.unknown(UNSEEN)
    if (word.text === '--') {
      at += 1
      break
    }
    if (word.text.startsWith('--')) {
      const [, name = '', value] = /^(--[^=]*)(?:=([\s\S]*))?$/.exec(word.text)!
      if (flags.longValued.includes(name)) set(name, value === undefined ? words[++at] : literal(value))
      else if (flags.long.includes(name)) set(name, undefined)
      else return void call.unknown(`the option ${name}`)
      continue
    }
    const letters = word.text.slice(1)
    for (let i = 0; i < letters.length; i++) {
      const name = `-${letters[i]}`
      if (flags.valued.includes(letters[i]!)) {
        const attached = letters.slice(i + 1)
        set(name, attached === '' ? words[++at] : literal(attached))
        break
      }
      if (!flags.alone.includes(letters[i]!)) return void call.unknown(`the option ${name}`)
      set(name, undefined)
    }
  }
  return { options, each, rest: words.slice(at) }
}

/** Assignments before a command; returns what follows. */
function takeAssignments(words: readonly Argument[], call: Call): readonly Argument[] {
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at]!
    const name = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(word.prefix)?.[1]
    if (name === undefined) {
      if (!word.literal && word.text.includes('=')) call.unknown(UNSEEN)
      break
    }
    call.scope.reading.variables.add(name)
    if (!isHarmlessInEnvironment(name)) call.unknown(`the variable ${name} in a program's environment`)
    if (word.splits) call.unknown('words that may hold a command')
  }
  return words.slice(at)
}

const ENV: Flags = {
  alone: 'i0v',
  valued: 'uC',
  long: ['--ignore-environment', '--null', '--debug'],
  longValued: ['--unset', '--chdir'],
}

export function readEnv(call: Call): void {
  call.add(SESSION)
  const taken = takeLeading(call.words, ENV, call)
  if (taken === undefined) return
  for (const name of ['-C', '--chdir']) if (taken.options.has(name)) call.scope.reading.enter(taken.options.get(name)!)
  const command = takeAssignments(taken.rest[0]?.text === '-' ? taken.rest.slice(1) : taken.rest, call)
  // Without a command it prints what the environment holds.
  if (command.length === 0) return call.add(READ)
  giveCommand(command, call)
}

const SUDO: Flags = {
  alone: 'nEHkKbSPislvV',
  valued: 'ugpChDRrtTU',
  long: [
    '--non-interactive',
    '--preserve-env',
    '--set-home',
    '--stdin',
    '--list',
    '--login',
    '--shell',
    '--validate',
    '--reset-timestamp',
    '--background',
  ],
  longValued: ['--user', '--group', '--prompt', '--chdir', '--host'],
}

/** `sudo` and `doas`: another account, which is a grant, and what it then runs. */
export function readSudo(call: Call): void {
  call.add(GRANT)
  const taken = takeLeading(call.words, SUDO, call)
  if (taken === undefined) return
  const { options } = taken
  const users = taken.each.filter(([name]) => name === '-u' || name === '--user')
  for (const [, user] of users.length > 0 ? users : [['', literal('root')] as const])
    call.scope.reading.user(user ?? unknownWord(''))
  if (options.has('-R') || options.has('-r') || options.has('-t')) call.unknown('the option -R')
  for (const name of ['-D', '--chdir'])
    if (options.has(name)) call.scope.reading.enter(options.get(name) ?? unknownWord(''))
  const command = takeAssignments(taken.rest, call)
  if (command.length === 0) {
    if (/-l|-v|-V|-k|-K|--list|--validate|--reset/.test([...options.keys()].join(' '))) return call.add(READ)
    return call.unknown('a shell of another account')
  }
  if (['-s', '-i', '--shell', '--login'].some((name) => options.has(name))) return giveJoined(command, call)
  giveCommand(command, call)
}

const SU: Flags = {
  alone: 'lmpPf',
  valued: 'cgGuw',
  long: ['--login', '--preserve-environment', '--pty'],
  longValued: ['--command', '--user', '--group'],
}

/** `su` and `runuser`: options may follow the account. */
export function readSu(call: Call): void {
  call.add(GRANT)
  const { reading } = call.scope
  let words = call.words
  let user: Argument | undefined
  let text: Argument | undefined
  for (;;) {
    const taken = takeLeading(words, SU, call)
    if (taken === undefined) return
    text ??= taken.options.get('-c') ?? taken.options.get('--command')
    user ??= taken.options.get('-u') ?? taken.options.get('--user')
    const [next, ...rest] = taken.rest
    if (next === undefined) break
    if (taken.options.has('-u') && call.name === 'runuser') return giveAs(user, taken.rest, call)
    if (next.text !== '-' && user === undefined) user = next
    else if (next.text !== '-') return call.unknown(`${call.name} with more words than an account`)
    words = rest
  }
  reading.user(user ?? literal('root'))
  if (text === undefined) return call.unknown('a shell of another account')
  giveRole('shell', text, call)
}

function giveAs(user: Argument | undefined, command: readonly Argument[], call: Call): void {
  call.scope.reading.user(user ?? literal('root'))
  giveCommand(command, call)
}

const XARGS: Flags = {
  alone: '0rtpxo',
  valued: 'nPLIdsEa',
  long: ['--null', '--no-run-if-empty', '--verbose', '--exit', '--open-tty'],
  longValued: ['--max-args', '--max-procs', '--max-lines', '--replace', '--delimiter', '--max-chars', '--arg-file'],
}

/** `xargs`: its command gets words nobody has seen yet. */
export function readXargs(call: Call): void {
  call.add(SESSION)
  const taken = takeLeading(call.words, XARGS, call)
  if (taken === undefined) return
  const { options, rest } = taken
  const file = options.get('-a') ?? options.get('--arg-file')
  if (file) call.add(call.scope.reading.use(file, 'read'))
  if (rest.length === 0) return
  const mark = options.get('-I') ?? options.get('--replace')
  if (mark === undefined) return giveCommand([...rest, unknownWord('…')], call)
  if (!mark.literal || mark.text === '') return call.unknown('the option -I')
  giveCommand(
    rest.map((word) => replaced(word, mark.text)),
    call,
  )
}

/** A word in which a mark is replaced by something that is not known. */
function replaced(word: Argument, mark: string): Argument {
  const at = word.text.indexOf(mark)
  if (at < 0) return word
  return { ...unknownWord(word.text, false), prefix: word.prefix.slice(0, Math.min(at, word.prefix.length)) }
}

const TESTS_ALONE = new Set(
  '-depth -daystart -noleaf -mount -xdev -follow -warn -nowarn -print -print0 -ls -prune -quit -true -false -empty -executable -readable -writable -nouser -nogroup -o -a -or -and -not ! ( ) , -H -L -P -E -X -s -x -d'.split(
    ' ',
  ),
)
const TESTS_VALUED = new Set(
  '-name -iname -path -ipath -wholename -iwholename -lname -ilname -regex -iregex -regextype -type -xtype -size -user -group -uid -gid -perm -links -inum -mtime -mmin -atime -amin -ctime -cmin -maxdepth -mindepth -newer -anewer -cnewer -samefile -fstype -used -context -printf -D -newermt -newerat -newerct -since'.split(
    ' ',
  ),
)

/** `find`: its expression may delete, write and run. */
export function readFind(call: Call): void {
  const { words, scope } = call
  const { reading } = scope
  call.add(READ)
  const roots: Argument[] = []
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at]!
    if (mayBeOption(word)) return call.unknown(UNSEEN)
    if (word.literal && /^-([HLP]|O[0-9])$/.test(word.text)) continue
    if (/^[-(!,]/.test(word.prefix)) break
    roots.push(word)
  }
  const found = roots.length > 0 ? roots : [literal('.')]
  for (const root of found) reading.use(root, 'list')
  while (at < words.length) {
    const word = words[at]!
    if (!word.literal) return call.unknown(UNSEEN)
    const name = word.text
    if (TESTS_ALONE.has(name)) at += 1
    else if (TESTS_VALUED.has(name)) {
      if (words[at + 1]?.splits || words[at + 1]?.several) return call.unknown(UNSEEN)
      at += 2
    } else if (name === '-delete') {
      call.add(DELETE)
      for (const root of found) reading.use(root, 'delete')
      at += 1
    } else if (/^-(exec|execdir|ok|okdir)$/.test(name)) at = readFindCommand(at + 1, call, filesBelow(found, words))
    else if (/^-f(print|print0|ls|printf)$/.test(name)) {
      const file = words[at + 1] ?? unknownWord('')
      if (file.splits || file.several) return call.unknown(UNSEEN)
      call.add(WRITE)
      reading.use(file, 'write')
      at += name === '-fprintf' ? 3 : 2
    } else return call.unknown(`find ${name}`)
  }
}

/** What `{}` may be: any file below the roots, or of one name where that is the one test of names there is. */
function filesBelow(roots: readonly Argument[], words: readonly Argument[]): readonly string[] | undefined {
  if (!roots.every((root) => root.literal) || roots.length > ROOTS_MAX) return undefined
  const names = words.flatMap((word, at) => (word.text === '-name' ? [words[at + 1]!] : []))
  const [name] = names
  const plain = !words.some((word) => /^(-o|-or|!|-not|,|\(|-follow|-L|-H)$/.test(word.text))
  const known =
    plain && names.length === 1 && name?.literal && /^[\w.*-]+$/.test(name.text) && !/^\.+\**$/.test(name.text)
  // Unlike a shell's, a leading star of find's takes hidden files, too.
  const last = known ? [name.text, ...(name.text.startsWith('*') ? [`.${name.text}`] : [])] : ['']
  return roots.flatMap((root) => last.map((each) => `${root.text.replace(/\/*$/, '')}/**${each && `/${each}`}`))
}

/** The command of `-exec`, to its `;` or `+`; `{}` is a file that was found. Returns where the expression goes on. */
function readFindCommand(from: number, call: Call, files: readonly string[] | undefined): number {
  const { words } = call
  let end = from
  while (end < words.length) {
    const word = words[end]!
    if (!word.literal && (word.splits || word.several)) {
      call.unknown('words that may hold a command')
      return words.length
    }
    if (word.text === ';' || (word.text === '+' && words[end - 1]?.text === '{}')) break
    end += 1
  }
  if (end >= words.length) call.unknown('find -exec without its end')
  const command = words
    .slice(from, end)
    .map((word) => (word.text === '{}' ? unknownFile('{}', files) : replaced(word, '{}')))
  // With -execdir it runs in the folder of the file that was found.
  const { folders } = call.scope.reading
  const moves = !folders.has(undefined) && /dir$/.test(words[from - 1]!.text)
  if (moves) folders.add(undefined)
  giveCommand(command, call)
  if (moves) folders.delete(undefined)
  return end + 1
}
