import type { Node } from './ast.ts'
import type { Meaning } from './meaning.ts'

/** One statement of a message. */
export interface ParsedStatement {
  readonly node: Node
  /** Its own text, bounded. */
  readonly text: string
}

/** A parsed message: zero or more statements. Shared between calls whose literals do not matter. */
export interface ParsedMessage {
  /** The first text of this shape, bounded. */
  readonly text: string
  readonly statements: readonly ParsedStatement[]
  /** Highest number of a `$n`, 0 when there is none. */
  readonly parameters: number
  /** Node types the table does not know. Not empty: the message is opaque. */
  readonly unknown: readonly string[]
  /** What it meant in the contexts it was last resolved in. Written by `resolve` only. */
  readonly meanings: Meaning[]
}
