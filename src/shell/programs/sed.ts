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

const ADDRESS = /(?:[0-9]+(?:~[0-9]+)?|\$|\+[0-9]+|~[0-9]+)/y
const COMMAND = /[=dDgGhHnNpPxzF]|[qQlL] ?[0-9]*|[btT] ?[A-Za-z0-9_]*(?=[;}\n\s]|$)|:[A-Za-z0-9_]+/y
const BLANK = /[\s;{}]*/y
/** A class whose end every sed sees in the same place. */
const CLASS = /\[\^?(?:\[:[a-z]+:\]|[^\][\\\n/|,#@!%:])+\]/y

/** A sed script while it is read. */
class Script {
  readonly text: string
  at = 0
  constructor(text: string) {
    this.text = text
  }
  get char(): string | undefined {
    return this.text[this.at]
  }
  take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)
    if (found === null) return false
    this.at += found[0].length
    return true
  }
  /** Past the next delimiter that is not escaped; `classes`: brackets are those of a pattern. */
  takeTo(delimiter: string, classes: boolean): boolean {
    while (this.char !== undefined) {
      const { char } = this
      if (char === '\\') this.at += 2
      else if (classes && char === '[') {
        if (!this.take(CLASS)) return false
      } else {
        this.at += 1
        if (char === delimiter) return true
        if (char === '\n' && classes) return false
      }
    }
    return false
  }
  takeAddress(): boolean {
    if (this.char !== '/') return this.take(ADDRESS)
    this.at += 1
    return this.takeTo('/', true) && this.take(/[IM]*/y)
  }
}

/** True for a script of which every command is one that only changes what is printed. What this reader does not know is not harmless. */
export function isHarmlessSed(text: string): boolean {
  const script = new Script(text)
  for (let steps = 0; steps <= text.length; steps++) {
    script.take(BLANK)
    if (script.char === undefined) return true
    if (script.char === '#') script.take(/[^\n]*/y)
    else if (!takeCommand(script)) return false
  }
  return false
}

function takeCommand(script: Script): boolean {
  if (/[/0-9$+~]/.test(script.char!)) {
    if (!script.takeAddress()) return false
    script.take(/[ \t]*/y)
    if (script.take(/,[ \t]*/y) && !script.takeAddress()) return false
    script.take(/[ \t]*!?[ \t]*/y)
    if (script.char === '{') return true
  }
  const command = script.char
  if (command === 's' || command === 'y') {
    script.at += 1
    const delimiter = script.char
    if (delimiter === undefined || /[\\\n\s\w[\]]/.test(delimiter)) return false
    script.at += 1
    if (!script.takeTo(delimiter, command === 's') || !script.takeTo(delimiter, false)) return false
    if (command === 's') script.take(/[gpiIM0-9]*/y)
  } else if (command === 'a' || command === 'i' || command === 'c') {
    // The text goes to the end of the line; behind a backslash it goes on on the next.
    script.take(/(?:[^\\\n]|\\[\s\S])*/y)
  } else if (!script.take(COMMAND)) return false
  script.take(/[ \t]*/y)
  return script.char === undefined || /[;}\n#]/.test(script.char)
}
