import type { ParsedScript } from 'unbash'
import type { Argument } from './argument.ts'
import { DEPTH_MAX } from './limits.ts'
import type { Reading } from './reading.ts'
import type { CommandSpec } from './spec.ts'

/** Looks up what a program does, by the name it is called by. */
export type Lookup = (name: string) => CommandSpec | undefined

/** Where in the line reading stands. */
export interface Scope {
  /** The text positions in the tree speak of. */
  readonly source: string
  readonly reading: Reading
  readonly lookup: Lookup
  readonly depth: number
  /** Commands and constructs around this place, outermost first. */
  readonly within: readonly string[]
  /** The function whose body this is. */
  readonly body?: string
  /** Functions the line has defined for this place. */
  readonly functions: Set<string>
  readonly steps: Steps
}

/** The steps that call each other across files: reading is one recursion. */
export interface Steps {
  script(script: ParsedScript, scope: Scope): void
  /** Text that a shell will read: `sh -c`, `trap`, `ssh host`. */
  text(text: string, scope: Scope): void
  /** A command given word by word: `sudo rm x`, `find -exec rm {}`. */
  words(words: readonly Argument[], scope: Scope): void
}

/** The scope inside of something that runs commands, or undefined when it lies too deep: then the line is unknown. */
export function inside(scope: Scope, name: string): Scope | undefined {
  if (scope.depth >= DEPTH_MAX) {
    scope.reading.unknown('nested too deep')
    return undefined
  }
  return { ...scope, depth: scope.depth + 1, within: [...scope.within, name], functions: new Set(scope.functions) }
}
