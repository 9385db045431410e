import { effects } from '../../model/effects.ts'
import type { Argument } from '../argument.ts'
import type { Call } from '../call.ts'
import { isName } from '../expansion.ts'
import { isHarmlessInEnvironment, isMeaningfulToShells } from '../variables.ts'

const READ = effects('read')
const SESSION = effects('session')
/** Options of `set` that change no meaning: `-a` would export, `-k` take assignments from anywhere. */
const SET = /^([-+][euxfnvChHbmBE]+|--|-|[-+]o)$/
const SET_NAMES =
  /^(errexit|nounset|xtrace|pipefail|noglob|noexec|verbose|noclobber|errtrace|monitor|notify|braceexpand|hashall)$/

/** `export`, `declare`, `local`, `readonly`, `typeset`. */
export function readDeclare(call: Call): void {
  call.add(call.words.length === 0 || call.words[0]!.text === '-p' ? READ : SESSION)
  let exported = call.name === 'export'
  for (const word of call.words) {
    if (/^[-+]/.test(word.prefix)) {
      if (!word.literal || !/^[-+]([xrgplu]+|f|F)$/.test(word.text)) call.unknown(`${call.name} ${word.text}`)
      if (word.text.includes('f') && exported) call.unknown('a function that is exported')
      exported ||= word.text.includes('x')
      continue
    }
    declare(word, exported, call)
  }
}

function declare(word: Argument, exported: boolean, call: Call): void {
  const [, name = '', , value = ''] = /^([^=+]*)(\+?=)?([\s\S]*)$/.exec(word.text)!
  // The name, and the sign behind it, have to be known: an expansion could bring another one, or an index with code in it.
  if (!isName(name) || !(word.literal || word.prefix.startsWith(`${name}=`) || word.prefix.startsWith(`${name}+=`)))
    return call.unknown('a variable that is known only when it is set')
  // A value in parentheses is read again as words.
  if (value.startsWith('(') && word.literal) call.unknown('a list in quotes, which is read as code')
  if (!word.literal && /^\+?=$/.test(word.prefix.slice(name.length))) call.scope.reading.openDeclaration = true
  call.scope.reading.variables.add(name)
  if (exported ? !isHarmlessInEnvironment(name) : isMeaningfulToShells(name)) call.unknown(`the variable ${name}`)
}

/** `set`. */
export function readSet(call: Call): void {
  // Alone, it prints every variable.
  call.add(call.words.length === 0 ? READ : SESSION)
  for (const [at, word] of call.words.entries()) {
    if (!word.literal) {
      if (/^[-+]/.test(word.prefix) || word.prefix === '') call.unknown('options that are known only when they are set')
      return
    }
    if (word.text === '--') return
    if (!/^[-+]/.test(word.text)) return
    if (!SET.test(word.text) && !/^[-+][euxfnvCbmBE]*o$/.test(word.text)) return call.unknown(`set ${word.text}`)
    const name = call.words[at + 1]
    if (/o$/.test(word.text) && name !== undefined) {
      if (!name.literal || !SET_NAMES.test(name.text)) return call.unknown(`set -o ${name.text}`)
      const rest = call.words.slice(at + 2)
      return rest.length > 0 ? readSet({ ...call, words: rest }) : undefined
    }
  }
}

const SHOPT =
  /^(-s|-u|-q|-p|nullglob|failglob|globstar|dotglob|nocaseglob|nocasematch|lastpipe|inherit_errexit|checkwinsize)$/

export function readShopt(call: Call): void {
  call.add(SESSION)
  for (const word of call.words) if (!word.literal || !SHOPT.test(word.text)) call.unknown(`shopt ${word.text}`)
}

export function readUnset(call: Call): void {
  call.add(SESSION)
  for (const word of call.words) {
    if (word.literal && word.text === '-v') continue
    if (!word.literal || !isName(word.text) || isMeaningfulToShells(word.text) || call.scope.functions.has(word.text))
      call.unknown(`unset ${word.text}`)
  }
}

export function readAlias(call: Call): void {
  call.add(SESSION)
  if (call.words.some((word) => word.text !== '-p')) call.unknown('an alias')
}

const FILE_TESTS = /^-[abcdefghkprstuwxGLNOS]$/

/** `test` and `[`. */
export function readTestCommand(call: Call): void {
  call.add(SESSION)
  const { words } = call
  const closed = call.name === '[' ? words.slice(0, -1) : words
  if (call.name === '[' && words.at(-1)?.text !== ']') call.unknown('a test without its end')
  const open = closed.some((word) => !word.literal)
  for (const [at, word] of closed.entries()) {
    const operand = closed[at + 1]
    if (word.literal && /^-[vR]$/.test(word.text) && operand && !(operand.literal && isName(operand.text)))
      call.unknown('a variable name that may hold code')
    // A word that is not known may be -v, and what follows a name with code in its index.
    if (open && word.literal && /\[.*[$`]/s.test(word.text)) call.unknown('a variable name that may hold code')
    if (word.literal && FILE_TESTS.test(word.text) && operand) call.add(call.scope.reading.use(operand, 'read'))
  }
}
