import type { ArrayValue, Assignment, Command } from 'unbash'
import type { Role } from '../model/commands.ts'
import { type EffectSet, effects } from '../model/effects.ts'
import type { ShellCommand } from '../model/facts.ts'
import { type Argument, literal, mayBeOption } from './argument.ts'
import type { Call } from './call.ts'
import { readIndex } from './expansion.ts'
import { takeOptions } from './options.ts'
import { type Input, readRedirects } from './redirect.ts'
import { giveRole, giveRoles, isSeveral } from './role.ts'
import type { Scope } from './scope.ts'
import type { CommandSpec } from './spec.ts'
import { isHarmlessInEnvironment, isMeaningfulToShells } from './variables.ts'
import { readWord } from './word.ts'

const SESSION = effects('session')
const EXECUTE = effects('execute')
const NO_INPUT: Input = { kind: 'none', text: '' }

/** Programs that take commands, or start a pager that does, when they find a terminal. */
const ON_TERMINALS: ReadonlySet<string> = new Set(
  'less more man git systemctl journalctl loginctl timedatectl hostnamectl top dpkg dpkg-query apt apt-cache zypper rpm'.split(
    ' ',
  ),
)

/** Folders whose programs are the ones the table speaks of; a name with another folder is another program. */
const FOLDERS = /^\/(?:usr\/(?:local\/)?)?s?bin\//

/** The name of a program without the folder every machine keeps its programs in. */
export function programName(name: string): string {
  return name.replace(FOLDERS, '')
}

/** Reads a simple command: its assignments, redirections and words. */
export function readCommand(node: Command, scope: Scope): void {
  const assignments = node.prefix.filter((each) => each.type === 'Assignment')
  for (const each of assignments) readAssignment(each, scope, node.name !== undefined)
  const name = node.name && readWord(node.name, scope)
  const words = node.args.map((each) => (each.type === 'Word' ? readWord(each, scope) : assigned(each, scope)))
  const input = readRedirects(node.redirects, scope)
  if (name === undefined) {
    // Assignments or redirections alone.
    scope.reading.add(SESSION)
    return
  }
  const calls = name.literal && scope.functions.has(name.text)
  if (calls && name.text === scope.body) scope.reading.unknown('a function that calls itself')
  else if (calls) callFunction(name, words, scope)
  else readProgram({ name, words, input }, scope)
}

function callFunction(name: Argument, words: readonly Argument[], scope: Scope): void {
  // Its body was read where it was defined.
  scope.reading.list(listed(name.text, name, words, { scope, effects: SESSION, unknown: '' }))
}

/** `a=b` before a command is in its environment; alone, it is the shell's own. */
function readAssignment(node: Assignment, scope: Scope, environment: boolean): void {
  const { reading } = scope
  reading.constructs.add('assignment')
  reading.variables.add(node.name)
  readValue(node, scope)
  if (environment && !isHarmlessInEnvironment(node.name))
    reading.unknown(`the variable ${node.name} in a program's environment`)
  else if (isMeaningfulToShells(node.name)) reading.unknown(`the variable ${node.name}`)
}

function readValue(node: Assignment, scope: Scope): Argument {
  if (node.index !== undefined) {
    scope.reading.lists = true
    readIndex(node.index, scope)
  }
  if (node.value.type === 'Word') return readWord(node.value, scope)
  scope.reading.lists = true
  for (const element of (node.value as ArrayValue).elements) {
    // `[index]=value` within: arithmetic the parser keeps in the word.
    if (/^\[/.test(element.text) && !/^\[[0-9]+\]/.test(element.text))
      scope.reading.unknown('an index that may hold code')
    readWord(element, scope)
  }
  return literal('')
}

/** `export a=b`: a word with an assignment in it. */
function assigned(node: Assignment, scope: Scope): Argument {
  const value = readValue(node, scope)
  const start = `${node.name}${node.append ? '+=' : '='}`
  const plain = node.value.type === 'Word' && node.index === undefined
  return {
    ...value,
    text: plain ? start + value.text : node.text,
    prefix: start + value.prefix,
    literal: plain && value.literal,
  }
}

export interface Words {
  readonly name: Argument
  readonly words: readonly Argument[]
  readonly input: Input
}

/** A command that starts in the middle of another one's words. */
export function readCommandWords(words: readonly Argument[], scope: Scope): void {
  const [name, ...rest] = words
  if (name === undefined) scope.reading.unknown('a command without a name')
  else readProgram({ name, words: rest, input: NO_INPUT }, scope)
}

/** Judges one program and its words by the table. */
export function readProgram({ name, words, input }: Words, scope: Scope): void {
  const { reading } = scope
  let set: EffectSet = 0
  let unknown = ''
  const plain = name.literal ? programName(name.text) : name.text
  const call: Call = {
    name: plain,
    words,
    input,
    scope,
    add: (more) => {
      set |= more
    },
    unknown: (reason) => {
      unknown ||= reason
    },
  }
  if (name.literal && name.text.includes('/')) reading.use(name, 'execute')
  const spec = name.literal ? (scope.lookup(name.text) ?? scope.lookup(plain)) : undefined
  if (spec === undefined) {
    set |= EXECUTE
    unknown = name.literal
      ? `${JSON.stringify(plain)} is not a known command`
      : 'a command whose name is known only when it runs'
    if (!name.literal && words.length === 0 && name.text === '') unknown = 'a command without a name'
  } else judge(spec, call)
  if (reading.terminal && ON_TERMINALS.has(plain)) call.unknown(`${plain} on a terminal runs what is typed`)
  const program = name.literal ? plain.slice(plain.lastIndexOf('/') + 1) : ''
  reading.list(listed(program, name, words, { scope, effects: set, unknown }))
}

/** What a program does, by its entry in the table. */
export function judge(spec: CommandSpec, call: Call): void {
  if (spec.read) {
    call.add(spec.effects)
    return spec.read(call)
  }
  if (spec.usual && call.words.length === 1 && asksVersion(call.words[0]!)) return call.add(SESSION)
  for (const file of spec.reads) call.scope.reading.read(file)
  const operands = takeOptions(spec, call)
  if (operands.length === 0 && spec.bare !== undefined) return call.add(spec.bare)
  call.add(spec.effects)
  if (spec.subcommands) return judgeSubcommand(spec.subcommands, operands, call)
  const { last } = spec
  const roles = rolesOf(spec, call.words)
  const several = operands.some(isSeveral)
  // Told to read folders whole, and given none, a program reads the one it is in.
  if (hasAny(spec.recursive, call.words) && operands.length < roles.length)
    call.add(call.scope.reading.useText('.', 'tree'))
  if (last === undefined || (operands.length < 2 && !several)) return giveRoles(roles, operands, call)
  giveRoles(roles, several ? operands : operands.slice(0, -1), call)
  giveRole(last, operands.at(-1)!, call)
}

function asksVersion(word: Argument): boolean {
  return word.literal && /^--(version|help)$/.test(word.text)
}

/** What operands are with the options given: some options shift them, with some folders are read whole. */
function rolesOf({ operands, instead, recursive }: CommandSpec, words: readonly Argument[]): readonly Role[] {
  const rest = hasAny(instead, words) && operands.length > 1 ? operands.slice(1) : operands
  return hasAny(recursive, words) ? rest.map((role) => (role === 'read' ? 'tree' : role)) : rest
}

/** Whether one of the options is among the words, or may be. */
function hasAny(options: readonly string[], words: readonly Argument[]): boolean {
  if (options.length === 0) return false
  const names = (text: string) => (name: string) =>
    text.startsWith('--') ? name.startsWith(text.split('=')[0]!) : name.length === 2 && text.includes(name[1]!)
  return words.some((word) => mayBeOption(word) || (/^-./.test(word.prefix) && options.some(names(word.prefix))))
}

function judgeSubcommand(
  subcommands: ReadonlyMap<string, CommandSpec>,
  operands: readonly Argument[],
  call: Call,
): void {
  const [name, ...words] = operands
  if (name === undefined) return
  const spec = name.literal ? subcommands.get(name.text) : undefined
  if (spec) return judge(spec, { ...call, words })
  call.unknown(name.literal ? `${call.name} ${name.text} is not in the table` : 'a subcommand known only when it runs')
}

interface Judged {
  readonly scope: Scope
  readonly effects: EffectSet
  readonly unknown: string
}

function listed(program: string, name: Argument, words: readonly Argument[], judged: Judged): ShellCommand {
  const { scope, effects: set, unknown } = judged
  return {
    program,
    name: name.text,
    arguments: words.map((word) => word.text),
    literal: name.literal && words.every((word) => word.literal),
    effects: unknown === '' ? set : set | effects('unknown'),
    within: scope.within,
    unknown,
  }
}
