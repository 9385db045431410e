import { type EffectSet, effects } from '../model/effects.ts'
import type { ShellCommand } from '../model/facts.ts'
import { type Argument, literal } from './argument.ts'
import { COMMANDS_MAX, FOLDERS_MAX, NODES_MAX, PATHS_MAX, READ_MAX } from './limits.ts'
import { aboveLinks, isDevice, joinPath, namesOf, normalPath, wholeOf } from './path.ts'

const UNKNOWN = effects('unknown')
const READ = effects('read')
const WRITE = effects('write')
const DELETE = effects('delete')
const EXECUTE = effects('execute')

/** `tree`: read with all that is in it; `list`: only names, kinds and sizes are read. */
export type PathUse = 'read' | 'tree' | 'list' | 'write' | 'delete' | 'execute'
const USE_EFFECT: Readonly<Record<PathUse, EffectSet>> = {
  read: READ,
  tree: READ,
  list: READ,
  write: WRITE,
  delete: DELETE,
  execute: EXECUTE,
}

/** Everything gathered while one command line is read. */
export class Reading {
  effects: EffectSet = 0
  readonly commands: ShellCommand[] = []
  readonly paths = new Map<string, EffectSet>()
  /** Of these only names, kinds and sizes are read. */
  readonly listed = new Set<string>()
  readonly hosts = new Set<string>()
  readonly users = new Set<string>()
  readonly variables = new Set<string>()
  readonly constructs = new Set<string>()
  readonly reasons = new Set<string>()
  /** Where relative names may start: '' is where the session starts, undefined anywhere. */
  readonly folders = new Set<string | undefined>([''])
  /** The line makes a list, and declares a variable with a value nobody sees: of a list, that would be read as code. */
  lists = false
  openDeclaration = false
  /** Variables that only ever hold numbers. */
  numbers: ReadonlySet<string> = new Set()
  /** It runs on a terminal. */
  terminal = false
  /** True when some word is known only when it runs. */
  partial = false
  #left = READ_MAX
  #nodes = 0
  readonly #relative: (readonly [path: string, use: PathUse])[] = []

  /** Counts a node of the tree; false when there are too many, or too many commands: the rest is not read. */
  step(): boolean {
    this.#nodes += 1
    if (this.#nodes <= NODES_MAX && this.commands.length < COMMANDS_MAX) return true
    this.unknown('too many commands')
    return false
  }

  /** Counts text about to be read; false when the line as a whole has become too much. */
  spend(characters: number): boolean {
    this.#left -= characters + 16
    return this.#left >= 0
  }

  add(set: EffectSet): void {
    this.effects |= set
  }

  /** Something is not understood: the line is unknown. */
  unknown(reason: string): void {
    this.effects |= UNKNOWN
    if (this.reasons.size < 32) this.reasons.add(reason)
  }

  /** Lists a simple command. */
  list(command: ShellCommand): void {
    this.effects |= command.effects
    if (command.unknown !== '') this.unknown(command.unknown)
    if (!command.literal) this.partial = true
    if (this.commands.length < COMMANDS_MAX) this.commands.push(command)
    else this.unknown('too many commands')
  }

  /** A later relative name may start in this folder, too. */
  enter(folder: Argument): void {
    const back = /^([-+][0-9]*|)$/.test(folder.text)
    const to = folder.literal && !back ? normalPath(folder.text) : undefined
    if (to === undefined || this.folders.size >= FOLDERS_MAX) this.folders.add(undefined)
    else if (to.startsWith('/') || to.startsWith('~')) this.folders.add(to)
    else for (const from of [...this.folders]) this.folders.add(from === undefined ? undefined : joinPath(from, to))
  }

  /** Notes what is done to a file and returns the effect, none for terminals and the like. */
  use(file: Argument, use: PathUse): EffectSet {
    const effect = USE_EFFECT[use]
    if (file.pipe) return 0
    if (file.literal && isDevice(file.text)) return 0
    // The standard input.
    if (effect === READ && file.literal && file.text === '-') return 0
    const names = file.files ?? (file.literal ? [file.text] : file.pattern ? namesOf(file.text) : undefined)
    if (names === undefined) this.#note('?', use)
    else for (const name of names) this.#useName(name, use, file.files !== undefined)
    return effect
  }

  #useName(name: string, use: PathUse, found: boolean): void {
    const path = normalPath(name, found)
    if (path === undefined) return this.#note('?', use)
    const behind = aboveLinks(name)
    if (behind !== undefined) this.#note(behind, use)
    if (path.startsWith('/') || path.startsWith('~')) return this.#note(path, use)
    this.#relative.push([path, use])
    this.#noteRelative(path, use)
  }

  /** What runs again, in a loop or a function, may run after a folder was changed further on. */
  settle(): void {
    if (this.lists && this.openDeclaration) this.unknown('a list in a value that is not seen, which is read as code')
    if (!this.constructs.has('loop') && !this.constructs.has('function')) return
    for (const [path, use] of this.#relative) this.#noteRelative(path, use)
  }

  #noteRelative(path: string, use: PathUse): void {
    for (const from of this.folders) {
      this.#note(from === undefined ? '?' : joinPath(from, path), use)
      const behind = from === '' ? undefined : aboveLinks(`x/${path}`)
      if (behind !== undefined) this.#note(behind, use)
    }
  }

  useText(file: string, use: PathUse): EffectSet {
    return this.use(literal(file), use)
  }

  /** A file that is read without being named, as rules see it. */
  read(file: string): void {
    this.#note(file, 'read')
  }

  #note(path: string, use: PathUse): void {
    if (this.paths.size + this.listed.size >= PATHS_MAX && !this.paths.has(path)) return this.unknown('too many files')
    if (use === 'list') this.listed.add(path)
    else this.#noteEffect(use === 'tree' ? wholeOf(path) : path, USE_EFFECT[use])
  }

  #noteEffect(path: string, effect: EffectSet): void {
    this.paths.set(path, (this.paths.get(path) ?? 0) | effect)
  }

  host(name: Argument): void {
    this.hosts.add(name.literal && name.text !== '' ? name.text : '?')
  }

  user(name: Argument): void {
    this.users.add(name.literal && name.text !== '' ? name.text : '?')
  }
}
