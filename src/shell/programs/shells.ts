import { effects } from '../../model/effects.ts'
import { type Argument, mayBeOption } from '../argument.ts'
import type { Call } from '../call.ts'
import { giveRole, giveRoles, isSeveral } from '../role.ts'
import { inside } from '../scope.ts'

const EXECUTE = effects('execute')
const SESSION = effects('session')
/** `-o name` and `-O name` take a word; the rest of what is let through changes no reading. */
const LETTERS = /^[-+][celuxfnoO]+$/
const LONG = new Set(['--login', '--norc', '--noprofile', '--posix', '--'])

/** Files that whoever may write to the account's home has written (D4). */
const PROFILE = "a shell that runs the account's profile first"

/** `sh -c TEXT`, a shell that reads its input, or a script file. */
export function readShell(call: Call): void {
  const { words } = call
  let command = false
  let at = 0
  for (; at < words.length; at++) {
    const word = words[at]!
    if (mayBeOption(word)) return call.unknown('a word that may be an option')
    if (!/^[-+]./.test(word.text)) break
    if (word.text === '--login' || /^-[a-zA-Z]*l/.test(word.text)) call.unknown(PROFILE)
    if (LONG.has(word.text)) continue
    if (!LETTERS.test(word.text)) return call.unknown(`the option ${word.text} of a shell`)
    if (word.text.includes('c')) command = true
    if (!/[oO]/.test(word.text)) continue
    at += 1
    if (words[at] && !words[at]!.literal) return call.unknown('a word that may be an option')
  }
  const operand = words[at]
  call.add(SESSION)
  // Unlike other shells, zsh reads a file of the account whatever it is told to run.
  if (call.name === 'zsh') call.unknown(PROFILE)
  if (command) return operand ? giveRole('shell', operand, call) : call.unknown('a shell without its command')
  if (operand !== undefined && operand.text !== '-') return giveRole('execute', operand, call)
  readInputScript(call)
}

/** A shell that runs what it reads: known only from a here-document or a here-string that is spelled out. */
function readInputScript(call: Call): void {
  if (call.input.kind !== 'text') {
    call.add(EXECUTE)
    return call.unknown('a shell that runs what it reads')
  }
  const scope = inside(call.scope, `${call.name} <<`)
  if (scope) scope.steps.text(call.input.text, scope)
}

/** `eval`: its words joined are read again; it stays unknown, but what can be seen in it counts. */
export function readEval(call: Call): void {
  call.add(EXECUTE)
  const scope = inside(call.scope, 'eval')
  if (scope && call.words.every((word) => word.literal))
    scope.steps.text(call.words.map((word) => word.text).join(' '), scope)
  call.unknown('eval')
}

/** `trap 'text' EXIT`. */
export function readTrap(call: Call): void {
  call.add(SESSION)
  const [first, ...rest] = call.words
  if (first === undefined || (first.literal && /^(-|-p|-l|-P|[0-9]*)$/.test(first.text))) return
  if (rest.length === 0 && first.literal && /^[A-Z]+[0-9+-]*$/.test(first.text)) return
  giveRole('shell', first.literal && first.text === '--' ? (rest[0] ?? first) : first, call)
}

/** `exec` with a command, or with redirections alone. */
export function readExec(call: Call): void {
  call.add(SESSION)
  let at = 0
  while (call.words[at]?.literal && /^-[cl]*a?$|^--$/.test(call.words[at]!.text))
    at += call.words[at]!.text.endsWith('a') ? 2 : 1
  if (call.words.slice(0, at).some(isSeveral)) call.unknown('words that may hold a command')
  if (at < call.words.length) giveRoles(['command'], call.words.slice(at), call)
}

/** `command -v` asks; otherwise what follows runs. */
export function readCommandBuiltin(call: Call): void {
  call.add(SESSION)
  const { words } = call
  if (words.length > 0 && words[0]!.literal && /^-[vV]$/.test(words[0]!.text)) return call.add(effects('read'))
  let at = 0
  while (words[at]?.literal && (words[at]!.text === '-p' || words[at]!.text === '--')) at += 1
  if (at < words.length) giveRoles(['command'], words.slice(at), call)
}

/** `watch` joins its words for a shell. */
export function readWatch(call: Call): void {
  const { words } = call
  let at = 0
  while (at < words.length && words[at]!.prefix.startsWith('-')) {
    if (!words[at]!.literal || !/^(-[dtbegcw]+|-[npq][0-9.]*|-[npq])$/.test(words[at]!.text))
      return call.unknown(`the option ${words[at]!.text}`)
    const valued = /^-[nq]$/.test(words[at]!.text)
    if (valued && words[at + 1] && isSeveral(words[at + 1]!)) return call.unknown('a word that may be an option')
    at += valued ? 2 : 1
  }
  call.add(SESSION)
  giveJoined(words.slice(at), call)
}

/** Words that a program joins with blanks and hands to a shell. */
export function giveJoined(words: readonly Argument[], call: Call): void {
  if (words.length === 0) return call.unknown('no command')
  if (!words.every((word) => word.literal)) return call.unknown('a command line that is known only when it runs')
  const scope = inside(call.scope, call.name)
  if (scope) scope.steps.text(words.map((word) => word.text).join(' '), scope)
}

/** `busybox rm x`: the applet is the command. */
export function readApplet(call: Call): void {
  if (call.words.length === 0 || call.words[0]!.prefix.startsWith('-')) return call.add(effects('read'))
  giveRoles(['command'], call.words, call)
}

/** Programs that say their version at `-v`; others speak more, or wait for a program. */
const SMALL_V = /^(node|nodejs|npm|php|perl|ruby)$/

/** These run what the folder they are in names, or make files of their own, before they say anything. */
const RUNS_FIRST = /^(yarn|pnpm|npx|cargo|go|bundle|ansible|ansible-playbook|gcloud|az|aws)$/

function asksVersion({ name, words }: Call): boolean {
  const text = words.length === 1 && words[0]!.literal ? words[0]!.text : ''
  if (RUNS_FIRST.test(name)) return false
  if (text === '-v') return SMALL_V.test(name)
  if (text === '-V') return /^(python[23]?|psql|mysql|mariadb|tmux|pip3?|gem)$/.test(name)
  return text === '--version' || (text === '-version' && name === 'java')
}

/** A program that runs code in a language that is not read here; asked for its version only, it does nothing. */
export function readInterpreter(call: Call): void {
  if (asksVersion(call)) return call.add(SESSION)
  call.add(EXECUTE)
  call.unknown(`${call.name} runs code that is not read here`)
}

/** A program that can do anything once it runs: an editor, a pager, a client with a language of its own. */
export function readOpaque(call: Call): void {
  if (asksVersion(call)) return call.add(SESSION)
  call.add(EXECUTE)
  call.unknown(`what ${call.name} does is not in its words`)
}

/** `source FILE`: code from a file. */
export function readSource(call: Call): void {
  const [file] = call.words
  if (file) giveRole('execute', file, call)
  call.unknown('code from a file')
}
