import type { CommandDocument, OptionDocument, OptionWord, Role } from '../model/commands.ts'
import { type EffectSet, effects } from '../model/effects.ts'
import type { Call } from './call.ts'

export interface OptionSpec {
  readonly word: OptionWord
  readonly effects: EffectSet
}

export interface CommandSpec {
  readonly effects: EffectSet
  readonly options: ReadonlyMap<string, OptionSpec>
  readonly otherOptions: 'harmless' | 'unknown'
  readonly operands: readonly Role[]
  readonly last: Role | undefined
  readonly bare: EffectSet | undefined
  readonly subcommands: ReadonlyMap<string, CommandSpec> | undefined
  /** A program of the usual ones: asked for its version or its help alone, it does nothing else. */
  readonly usual?: boolean
  /** Files it reads without being told so. */
  readonly reads: readonly string[]
  /** Options with which folders are read with all that is in them. */
  readonly recursive: readonly string[]
  /** Options that stand in place of the first operand. */
  readonly instead: readonly string[]
  /** An option that is not seen could make it do more than it does without. */
  readonly sensitive: boolean
  /** Reads its words by itself. */
  readonly read?: ((call: Call) => void) | undefined
}

/** A document made ready. `read`: for a program whose words no table can describe. */
export function commandSpec(document: CommandDocument, read?: (call: Call) => void): CommandSpec {
  const { operands = 'text', otherOptions = 'unknown', last, bare, subcommands } = document
  const options = new Map<string, OptionSpec>()
  for (const [names, option] of Object.entries(document.options ?? {}))
    for (const name of names.split(' ')) options.set(name, optionSpec(option))
  const own = effects(...(document.effects ?? []))
  return {
    effects: own,
    options,
    otherOptions,
    operands: typeof operands === 'string' ? [operands] : operands,
    last,
    bare: bare && effects(...bare),
    subcommands: subcommands && specsByName(subcommands),
    sensitive: otherOptions === 'unknown' || [...options.values()].some((option) => isSensitive(option, own)),
    reads: document.reads ?? [],
    recursive: namesOf(document, (option) => typeof option === 'object' && option.recurses === true),
    instead: namesOf(document, (option) => typeof option === 'object' && option.instead === true),
    read,
  }
}

/** Specs by each of the names their keys hold. */
export function specsByName(documents: Readonly<Record<string, CommandDocument>>): Map<string, CommandSpec> {
  const specs = new Map<string, CommandSpec>()
  for (const [names, document] of Object.entries(documents)) {
    const spec = commandSpec(document)
    for (const name of names.split(' ')) specs.set(name, spec)
  }
  return specs
}

function namesOf(document: CommandDocument, wanted: (option: OptionDocument) => boolean): readonly string[] {
  return Object.entries(document.options ?? {}).flatMap(([names, option]) => (wanted(option) ? names.split(' ') : []))
}

function optionSpec(option: OptionDocument): OptionSpec {
  if (typeof option === 'string') return { word: option, effects: 0 }
  return { word: option.takes ?? 'flag', effects: effects(...(option.effects ?? [])) }
}

/** What a value of each role makes a command do; what is not here is more than that. */
const ROLE_EFFECTS: Readonly<Partial<Record<OptionWord, EffectSet>>> = {
  flag: 0,
  maybe: 0,
  text: 0,
  read: effects('read'),
  tree: effects('read'),
  list: effects('read'),
  index: effects('read'),
  write: effects('write'),
  output: effects('write'),
  delete: effects('delete'),
}

function isSensitive(option: OptionSpec, own: EffectSet): boolean {
  const role = ROLE_EFFECTS[option.word]
  return role === undefined || ((option.effects | role) & ~own) !== 0
}
