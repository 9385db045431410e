import { sha256 } from '../../kit/digest.ts'
import { VARIABLES } from './channel-limits.ts'
import type { Terminal } from './terminal.ts'

/** What the program of one channel will find: its variables, its terminal, what the caller lent it. People who approve it approve that too. */
export class Surroundings {
  readonly #variables = new Map<string, string>()
  readonly #lent = new Set<string>()
  terminal: Terminal | undefined

  get full(): boolean {
    return this.#variables.size >= VARIABLES
  }

  set(name: string, value: string): void {
    this.#variables.set(name, value)
  }

  lend(what: string): void {
    this.#lent.add(what)
  }

  /** For the digest of an approval and for who gives it. Values are quoted: none of them can look like two. */
  state(): Record<string, string> {
    const state: Record<string, string> = {}
    for (const [name, value] of this.#variables) state[`variable ${name}`] = JSON.stringify(value)
    if (this.terminal) {
      const { term, modes } = this.terminal
      state.terminal = `${JSON.stringify(term)}, modes ${sha256(modes).slice(0, 16)}`
    }
    if (this.#lent.size > 0) state.lent = [...this.#lent].sort().join(', ')
    return state
  }
}
