import type { OptionWord } from '../model/commands.ts'
import { type Argument, literal, mayBeOption, unknownWord } from './argument.ts'
import type { Call } from './call.ts'
import { giveRole, isSeveral } from './role.ts'
import type { CommandSpec, OptionSpec } from './spec.ts'

const UNSEEN = 'a word that may be an option'

interface Found {
  readonly word: OptionWord
  readonly listed: boolean
}

/**
 * Takes the options out of a command's words, as getopt_long does: clusters, attached values, shortened long names. Where a program
 * could read a word either way, the reading with more effects is taken. Returns the operands.
 */
export function takeOptions(spec: CommandSpec, call: Call): readonly Argument[] {
  const operands: Argument[] = []
  const { words } = call
  const stops = spec.operands.includes('command') || spec.subcommands !== undefined
  let ended = false
  let afterUnlisted = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    const isOption = !ended && word.prefix.startsWith('-') && !(word.literal && word.text === '-')
    if (!isOption) {
      if (!ended && mayBeOption(word) && (spec.sensitive || stops)) call.unknown(UNSEEN)
      operands.push(word)
      if (stops && operands.length >= firstOpen(spec)) return [...operands, ...words.slice(at + 1)]
      afterUnlisted = false
      continue
    }
    if (word.literal && word.text === '--') {
      // It may have been the value of the option before, which the table does not know.
      ended = !afterUnlisted
      continue
    }
    const taken = word.prefix.startsWith('--') ? takeLong(spec, word, call) : takeShort(spec, word, call)
    afterUnlisted = !taken.listed
    if (taken.word === 'flag' || taken.word === 'maybe' || taken.word === 'unknown') continue
    const value = words[++at]
    if (value === undefined) {
      call.unknown('an option without its value')
      continue
    }
    // More words than one, or none: what follows is another option's, or another operand.
    if (isSeveral(value) && (spec.sensitive || stops)) call.unknown(UNSEEN)
    giveRole(taken.word, value, call)
  }
  return operands
}

/** Operands before the one from which on nothing is an option of this program any more. */
function firstOpen(spec: CommandSpec): number {
  return spec.subcommands ? 1 : spec.operands.indexOf('command') + 1
}

const NOTHING: Found = { word: 'flag', listed: true }

function takeLong(spec: CommandSpec, word: Argument, call: Call): Found {
  const equals = word.prefix.indexOf('=')
  if (!word.literal && (equals < 0 || word.several)) {
    if (spec.sensitive) call.unknown(UNSEEN)
    return { word: 'flag', listed: false }
  }
  const name = equals < 0 ? word.text : word.text.slice(0, equals)
  // A long name may be shortened: every option it could mean is meant.
  const exact = spec.options.get(name)
  const meant = exact ? [exact] : [...spec.options].filter(([each]) => each.startsWith(name)).map(([, each]) => each)
  if (meant.length === 0) return other(spec, name, call)
  for (const option of meant) call.add(option.effects)
  if (meant.some((option) => option.word === 'unknown')) call.unknown(`the option ${name}`)
  if (equals >= 0) {
    const value = word.literal ? literal(word.text.slice(equals + 1)) : unknownWord(word.text.slice(equals + 1), false)
    for (const option of meant) if (takesValue(option.word)) giveRole(option.word, value, call)
    return NOTHING
  }
  const taking = meant.find((option) => takesValue(option.word))
  if (taking && meant.length > 1 && !exact) call.unknown(`the option ${name} is not written out`)
  return { word: taking?.word ?? 'flag', listed: true }
}

function takeShort(spec: CommandSpec, word: Argument, call: Call): Found {
  // `-name` and `-name=value` of programs whose long options have one dash.
  const [name = ''] = word.prefix.split('=')
  const whole = name.length > 2 && (word.literal || name !== word.prefix) ? spec.options.get(name) : undefined
  if (whole) return takeWhole(whole, { word, name }, call)
  if (!word.literal && (word.several || word.splits) && spec.sensitive) call.unknown(UNSEEN)
  let listed = true
  const letters = [...word.prefix]
  for (let at = 1; at < letters.length; at++) {
    const name = `-${letters[at]}`
    const option = spec.options.get(name)
    if (option === undefined) {
      listed = other(spec, name, call).listed && listed
      continue
    }
    call.add(option.effects)
    if (option.word === 'unknown') call.unknown(`the option ${name}`)
    if (option.word === 'maybe') return NOTHING
    if (!takesValue(option.word)) continue
    const rest = letters.slice(at + 1).join('')
    if (word.literal && rest === '') return { word: option.word, listed: true }
    giveRole(option.word, word.literal ? literal(rest) : unknownWord(word.text, false), call)
    // After a letter the table does not know, this one may have been part of its value.
    return listed ? NOTHING : { word: 'flag', listed: false }
  }
  if (!word.literal && spec.sensitive) call.unknown(UNSEEN)
  return { word: 'flag', listed }
}

interface Whole {
  readonly word: Argument
  readonly name: string
}

function takeWhole(option: OptionSpec, { word, name }: Whole, call: Call): Found {
  call.add(option.effects)
  if (option.word === 'unknown') call.unknown(`the option ${name}`)
  if (!word.prefix.includes('=')) return { word: option.word, listed: true }
  const value = word.text.slice(name.length + 1)
  if (takesValue(option.word)) giveRole(option.word, word.literal ? literal(value) : unknownWord(value, false), call)
  return NOTHING
}

function takesValue(word: OptionWord): boolean {
  return word !== 'flag' && word !== 'maybe' && word !== 'unknown'
}

function other(spec: CommandSpec, name: string, call: Call): Found {
  if (spec.otherOptions === 'unknown') call.unknown(`the option ${name} is not in the table`)
  return { word: 'flag', listed: false }
}
