import { type Effect, type EffectSet, effects } from '../model/effects.ts'
import type { Call } from './call.ts'

/**
 * What a word of a command is. `text` means nothing to us; `read`, `write`, `delete` and `execute` name files; `url` and `host` are
 * connected to; `user` is an account it becomes; `folder` is where relative names start from then on; `command` is a command from here
 * to the end; `shell` is text a shell reads; `code` is a program in another language; `variable` a name of a variable.
 */
export const ROLES = [
  'text',
  'read',
  'write',
  'delete',
  'execute',
  'url',
  'host',
  'user',
  'folder',
  'command',
  'shell',
  'code',
  'variable',
] as const
export type Role = (typeof ROLES)[number]

/** `flag`: no value. `maybe`: a value only where attached. A role: it takes a value of that role. `unknown`: not decided. */
export type OptionWord = 'flag' | 'maybe' | 'unknown' | Role
export type OptionDocument =
  | OptionWord
  | { readonly takes?: OptionWord | undefined; readonly effects?: readonly Effect[] | undefined }

/** What a program does, as the built-in table and policy documents write it. */
export interface CommandDocument {
  /** What it does whatever its options. */
  readonly effects?: readonly Effect[] | undefined
  /** Names that mean the same, separated by blanks, such as `-o --output`, to what they do. */
  readonly options?: Readonly<Record<string, OptionDocument>> | undefined
  /** What options are that are not listed. Default `unknown`. */
  readonly otherOptions?: 'harmless' | 'unknown' | undefined
  /** What operands are; the last role holds for all that follow. Default `text`. */
  readonly operands?: Role | readonly Role[] | undefined
  /** What the last operand is, where there are several: `cp a b`. */
  readonly last?: Role | undefined
  /** What it does without operands, instead. */
  readonly bare?: readonly Effect[] | undefined
  /** By the first operand; one that is not listed is unknown. */
  readonly subcommands?: Readonly<Record<string, CommandDocument>> | undefined
}

interface OptionSpec {
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
    sensitive: otherOptions === 'unknown' || [...options.values()].some((option) => isSensitive(option)),
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

function optionSpec(option: OptionDocument): OptionSpec {
  if (typeof option === 'string') return { word: option, effects: 0 }
  return { word: option.takes ?? 'flag', effects: effects(...(option.effects ?? [])) }
}

const QUIET: readonly OptionWord[] = ['flag', 'maybe', 'text', 'variable']

function isSensitive(option: OptionSpec): boolean {
  return option.effects !== 0 || !QUIET.includes(option.word)
}
