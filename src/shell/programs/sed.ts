import { effects } from '../../model/effects.ts'
import { type Argument, literal, mayBeOption } from '../argument.ts'
import type { Call } from '../call.ts'

const READ = effects('read')
const WRITE = effects('write')

/** `sed`: its script may write files (`w`) and run commands (`e`), and `-i` writes what it reads. */
export function readSed(call: Call): void {
  call.add(READ)
  const scripts: Argument[] = []
  const operands: Argument[] = []
  let inPlace = false
  let sandbox = false
  const { words } = call
  let ended = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (ended || !word.prefix.startsWith('-') || word.text === '-') {
      if (!ended && mayBeOption(word)) call.unknown('a word that may be an option')
      operands.push(word)
      continue
    }
    if (!word.literal) return call.unknown('a word that may be an option')
    const { text } = word
    if (text === '--') ended = true
    else if (/^-[nErsuzl]*i/.test(text) || /^--in-p/.test(text)) inPlace = true
    else if (
      /^-[nErsuz]+$/.test(text) ||
      /^--(quiet|silent|regexp-extended|separate|unbuffered|null-data|posix|debug|follow-symlinks|version|help)$/.test(
        text,
      )
    )
      continue
    else if (text === '--sandbox') sandbox = true
    else if (/^-[nErsuz]*e$/.test(text) || text === '--expression') scripts.push(words[++at] ?? literal(''))
    else if (/^-[nErsuz]*e./.test(text)) scripts.push(literal(text.replace(/^-[nErsuz]*e/, '')))
    else if (/^--expression=/.test(text)) scripts.push(literal(text.slice('--expression='.length)))
    else return call.unknown(`the option ${text} of sed`)
  }
  if (scripts.length === 0) {
    const [script, ...files] = operands
    if (script) scripts.push(script)
    operands.splice(0, operands.length, ...files)
  }
  // Scripts are joined by line ends, so a text in one may go on in the next.
  if (!scripts.every((script) => script.literal)) call.unknown('a sed script that is known only when it runs')
  else if (!sandbox && !isHarmlessSed(scripts.map((script) => script.text).join('\n')))
    call.unknown('a sed script that may write or run something')
  if (inPlace) call.add(WRITE)
  for (const file of operands) {
    call.scope.reading.use(file, 'read')
    if (inPlace) call.scope.reading.use(file, 'write')
  }
}

const ADDRESS = /(?:[0-9]+(?:~[0-9]+)?|\$|\/(?:[^/\\\n]|\\.)*\/[IM]*|\+[0-9]+|~[0-9]+)/y
const COMMAND = /[=dDgGhHnNpPxzF]|[qQlL] ?[0-9]*|[btT] ?[A-Za-z0-9_]*(?=[;}\n\s]|$)|:[A-Za-z0-9_]+/y
const BLANK = /[\s;{}]*/y

/** True for a script of which every command is one that only changes what is printed. What this reader does not know is not harmless. */
export function isHarmlessSed(script: string): boolean {
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(script)
    if (found === null) return false
    at += found[0].length
    return true
  }
  for (let steps = 0; steps <= script.length; steps++) {
    take(BLANK)
    if (at >= script.length) return true
    if (script[at] === '#') {
      while (at < script.length && script[at] !== '\n') at += 1
      continue
    }
    if (take(ADDRESS)) {
      take(/[ \t]*/y)
      if (script[at] === ',') {
        at += 1
        take(/[ \t]*/y)
        if (!take(ADDRESS)) return false
      }
      take(/[ \t]*!?[ \t]*/y)
      if (script[at] === '{') continue
    }
    const command = script[at]
    if (command === 's' || command === 'y') {
      const end = afterDelimited(script, at + 1)
      if (end < 0) return false
      at = end
      if (command === 's') take(/[gpiIM0-9]*/y)
    } else if (command === 'a' || command === 'i' || command === 'c') {
      // The text goes to the end of the line; a backslash goes on on the next.
      while (at < script.length && script[at] !== '\n') at += script[at] === '\\' ? 2 : 1
    } else if (!take(COMMAND)) return false
    take(/[ \t]*/y)
    if (at < script.length && !/[;}\n#]/.test(script[at]!)) return false
  }
  return false
}

/** Where `/a/b/` ends that starts at `from`, or -1. Brackets do not hide a delimiter here: then it is not harmless. */
function afterDelimited(script: string, from: number): number {
  const delimiter = script[from]
  if (delimiter === undefined || /[\\\n\s\w]/.test(delimiter)) return -1
  let at = from + 1
  for (let parts = 0; parts < 2; at++) {
    const char = script[at]
    if (char === undefined) return -1
    if (char === '\\') at += 1
    else if (char === '[' && parts === 0) {
      const close = script.indexOf(']', at + 2)
      if (close < 0 || script.slice(at, close).includes(delimiter)) return -1
    } else if (char === delimiter) parts += 1
  }
  return at
}
