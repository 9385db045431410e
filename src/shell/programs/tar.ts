import { type EffectSet, effects } from '../../model/effects.ts'
import { type Argument, literal, mayBeOption } from '../argument.ts'
import type { Call } from '../call.ts'
import { isSeveral } from '../role.ts'

const READ = effects('read')
const WRITE = effects('write')
const DELETE = effects('delete')
const FLAGS = 'vzjJaZpPkhlmoOSWwUi'
const VALUED = 'fCTXbHKNV'
const MODES = 'ctxruAd'
const LONG_MODES: Readonly<Record<string, string>> = {
  '--create': 'c',
  '--list': 't',
  '--extract': 'x',
  '--get': 'x',
  '--append': 'r',
  '--update': 'u',
  '--concatenate': 'A',
  '--catenate': 'A',
  '--diff': 'd',
  '--compare': 'd',
  '--delete': 'D',
}
const LONG =
  /^--(verbose|gzip|gunzip|bzip2|xz|lzma|zstd|auto-compress|preserve-permissions|same-permissions|keep-old-files|skip-old-files|overwrite|dereference|one-file-system|touch|no-same-owner|no-same-permissions|numeric-owner|same-owner|sparse|to-stdout|wildcards|no-wildcards|anchored|no-recursion|absolute-names|ignore-failed-read|force-local|totals|full-time|exclude-vcs|strip-components=[0-9]+|exclude=[\s\S]*|transform=s[,|/][^eE]*|warning=[a-z-]+|mtime=[\s\S]*|owner=[\w:]+|group=[\w:]+|mode=[\w,+=-]+|sort=\w+)$/
const LONG_VALUED = /^--(file|directory|files-from|exclude|exclude-from)(=[\s\S]*)?$/

/** `tar`: what it does hangs on its mode; what runs programs (`--to-command`, `--checkpoint-action`, `-I`) is unknown. */
export function readTar(call: Call): void {
  const modes = new Set<string>()
  const values: [letter: string, value: Argument][] = []
  const members: Argument[] = []
  const { words } = call
  let remove = false
  let stdout = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (mayBeOption(word)) return call.unknown('a word that may be an option')
    const bundle = at === 0 && !word.text.startsWith('-')
    if (!bundle && !word.text.startsWith('-')) {
      members.push(word)
      continue
    }
    if (!word.literal) return call.unknown('a word that may be an option')
    if (word.text.startsWith('--')) {
      const mode = LONG_MODES[word.text]
      const [, name, value] = LONG_VALUED.exec(word.text) ?? []
      if (mode) modes.add(mode)
      else if (word.text === '--remove-files') remove = true
      else if (name)
        values.push([LETTER[name]!, value === undefined ? (words[++at] ?? literal('')) : literal(value.slice(1))])
      else if (!LONG.test(word.text)) return call.unknown(`tar ${word.text}`)
      stdout ||= word.text === '--to-stdout'
      continue
    }
    const letters = bundle ? word.text : word.text.slice(1)
    for (const [i, letter] of [...letters].entries()) {
      if (MODES.includes(letter)) modes.add(letter)
      else if (VALUED.includes(letter)) {
        const attached = bundle ? '' : letters.slice(i + 1)
        values.push([letter, attached === '' ? (words[++at] ?? literal('')) : literal(attached)])
        if (attached !== '') break
      } else if (!FLAGS.includes(letter)) return call.unknown(`tar -${letter}`)
      stdout ||= letter === 'O'
    }
  }
  if (values.some(([, value]) => isSeveral(value))) call.unknown('a word that may be an option')
  for (const [letter, value] of values) if (letter === 'C') call.scope.reading.enter(value)
  if (modes.size !== 1) return call.unknown('tar without one mode')
  act([...modes][0]!, { call, values, members, stdout, remove })
}

const LETTER: Readonly<Record<string, string>> = {
  file: 'f',
  directory: 'C',
  'files-from': 'T',
  exclude: 'x',
  'exclude-from': 'X',
}

interface Task {
  readonly call: Call
  readonly values: readonly (readonly [string, Argument])[]
  readonly members: readonly Argument[]
  readonly stdout: boolean
  readonly remove: boolean
}

function act(mode: string, { call, values, members, stdout, remove }: Task): void {
  const { reading } = call.scope
  const archives = values.filter(([letter]) => letter === 'f').map(([, value]) => value)
  // `host:file` is an archive on another machine, reached by a remote shell.
  if (archives.some((file) => !file.literal || file.text.includes(':')))
    call.unknown('an archive that may be elsewhere')
  for (const [letter, value] of values) {
    if (letter === 'T' || letter === 'X') call.add(reading.use(value, 'read'))
    // A list of files may hold options.
    if (letter === 'T') call.unknown('tar with a list of files')
  }
  const files = archives.filter((file) => file.text !== '-')
  const touch = (list: readonly Argument[], use: 'read' | 'tree' | 'write' | 'delete'): EffectSet =>
    list.reduce((set, file) => set | reading.use(file, use), 0)
  call.add(READ)
  if ('cruA'.includes(mode)) {
    call.add(touch(files, 'write'))
    touch(members, 'tree')
  } else touch(files, 'read')
  if (mode === 'D') call.add(DELETE | touch(files, 'write'))
  if (mode === 'x' && !stdout) {
    call.add(WRITE)
    reading.use(values.find(([letter]) => letter === 'C')?.[1] ?? literal('.'), 'write')
  }
  if (remove) call.add(DELETE | touch(members, 'delete'))
}
