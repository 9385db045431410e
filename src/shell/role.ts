import type { OptionWord } from '../model/commands.ts'
import { type EffectSet, effects } from '../model/effects.ts'
import { type Argument, literal, unknownWord } from './argument.ts'
import type { Call } from './call.ts'
import { isName } from './expansion.ts'
import { inside } from './scope.ts'
import { isMeaningfulToShells } from './variables.ts'

const CONNECT = effects('connect')
const EXPORT = effects('export')
const EXECUTE_UNKNOWN = effects('execute', 'unknown')
const GRANT = effects('grant')
const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//

/** What a word means to its command. */
export function giveRole(role: OptionWord, word: Argument, call: Call): void {
  const { reading } = call.scope
  switch (role) {
    case 'read':
    case 'write':
    case 'delete':
    case 'tree':
    case 'list':
      return call.add(reading.use(word, role))
    case 'index':
      reading.use(unknownWord(''), 'read')
      return call.add(reading.use(word, 'read'))
    case 'output':
      if (word.literal && word.text === '-') return
      return call.add(reading.use(word, 'write'))
    case 'execute':
      reading.use(word, 'execute')
      call.add(EXECUTE_UNKNOWN)
      return call.unknown('a program from a file')
    case 'url':
      return giveUrl(word, call)
    case 'host':
      call.add(CONNECT)
      if (!word.literal) call.add(EXPORT)
      return giveHost(word, call)
    case 'user':
      call.add(GRANT)
      return reading.user(word)
    case 'folder':
      return reading.enter(word)
    case 'shell':
      return giveShell(word, call)
    case 'code':
      call.add(effects('execute'))
      return call.unknown('code in another language')
    case 'variable':
      if (!word.literal || !isName(word.text)) call.unknown('a variable name that may hold code')
      else if (isMeaningfulToShells(word.text)) call.unknown(`the variable ${word.text}`)
      else reading.variables.add(word.text)
      return
    case 'command':
      return call.unknown('a command in an unusual place')
    default:
      return
  }
}

/** Operands by their roles; `roles` repeats its last one. */
export function giveRoles(roles: readonly OptionWord[], operands: readonly Argument[], call: Call): void {
  // Behind a word that may become several, or none, a word may stand anywhere.
  const shifts = operands.findIndex(isSeveral)
  for (const [at, operand] of operands.entries()) {
    const role = roles[at] ?? roles.at(-1) ?? 'text'
    if (role !== 'command') {
      const possible = shifts >= 0 && at >= shifts ? new Set(roles.slice(Math.min(shifts, roles.length - 1))) : [role]
      for (const each of possible) if (each !== 'command') giveRole(each, operand, call)
    } else {
      // A word before that falls apart could bring a command of its own.
      if (operands.slice(0, at).some(isSeveral)) call.unknown('words that may hold a command')
      return giveCommand(operands.slice(at), call)
    }
  }
}

/** A word that may become several, or none. */
export function isSeveral(word: Argument): boolean {
  return word.splits || word.several
}

export function giveCommand(words: readonly Argument[], call: Call): void {
  const scope = inside(call.scope, call.name)
  if (scope) scope.steps.words(words, scope)
}

function giveShell(word: Argument, call: Call): void {
  if (!word.literal) return call.unknown('a command line that is known only when it runs')
  const scope = inside(call.scope, call.name)
  if (scope) scope.steps.text(word.text, scope)
}

function giveHost(word: Argument, call: Call): void {
  const { reading } = call.scope
  if (!word.literal) return reading.host(word)
  // `+short` and `@server` of dig.
  if (word.text.startsWith('+')) return
  const bare = word.text.replace(/^[^@]*@/, '').replace(/^\[(.*)\](:\d+)?$/, '$1')
  reading.host(literal(/^[^:]*:\d+$/.test(bare) ? bare.slice(0, bare.indexOf(':')) : bare))
}

/** An address to read from. What is asked for may carry what was read before: it is sent, so a word that is not known exports. */
function giveUrl(word: Argument, call: Call): void {
  const { reading } = call.scope
  let set: EffectSet = CONNECT
  if (!word.literal) set |= EXPORT
  call.add(set)
  if (!word.literal) return reading.host(word)
  if (/^file:/i.test(word.text)) return call.add(reading.useText(word.text.replace(/^file:(\/\/[^/]*)?/i, ''), 'read'))
  // Braces and brackets are patterns to curl.
  if (/[{}[\]]/.test(word.text.replace(/\/\/\[[0-9a-fA-F:.]+\]/, ''))) return reading.host(literal(''))
  const authority = word.text.replace(SCHEME, '').split(/[/?#\\]/)[0]!
  giveHost(literal(authority), call)
}
