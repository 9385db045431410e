import { type CommandTable, NO_COMMANDS } from '../model/commands.ts'
import type { ShellFacts } from '../model/facts.ts'
import type { Operation } from '../model/operation.ts'
import { literal } from './argument.ts'
import { programName, readCommandWords } from './command.ts'
import { CACHE_CHARACTERS, CACHE_ENTRIES, LINE_MAX } from './limits.ts'
import { numberVariables } from './numbers.ts'
import { commandLine } from './operation.ts'
import { parseScript } from './parse.ts'
import { PROGRAMS } from './programs/index.ts'
import { Reading } from './reading.ts'
import type { Lookup, Scope, Steps } from './scope.ts'
import { specsByName } from './spec.ts'
import { TABLE } from './table/index.ts'
import { decodeLine, hiddenIn } from './text.ts'
import { readScript } from './walk.ts'

/** A command line that was read: an operation, and the simple commands found in it (`facts.commands`). */
export type CommandLine = Operation<ShellFacts>

/** Reads command lines under one table of commands. Keeps what it read, so make one per policy and keep it. */
export class Shell {
  readonly #lookup: Lookup
  readonly #kept = new Map<string, CommandLine>()
  #characters = 0

  /** `commands`: what the policy's documents describe; what programs run by code are, they cannot change. */
  constructor(commands: CommandTable = NO_COMMANDS) {
    const own = specsByName(commands)
    this.#lookup = (name) => PROGRAMS.get(programName(name)) ?? own.get(name) ?? TABLE.get(name)
  }

  /**
   * What a command line would do when a POSIX shell or bash runs it. `line`: the text, or the bytes a client sent (bytes that are not
   * UTF-8 make it unknown). `verb`: the protocol's word for running it. Never throws; what is not fully understood has the effect
   * `unknown` and the confidence `opaque`. `terminal`: it runs on one, where pagers take commands from whoever types. The same line gives the same object, so decisions cache on it.
   */
  read(line: string | Uint8Array, verb = 'exec', terminal = false): CommandLine {
    const text = typeof line === 'string' ? line : decodeLine(line)
    if (text === undefined) return unreadable(Buffer.from(line).toString('latin1'), verb, 'bytes that are not UTF-8')
    const key = `${terminal ? 'on a terminal' : ''}\0${verb}\0${text}`
    const step = (scope: Scope) => {
      scope.reading.terminal = terminal
      readText(text, scope)
    }
    return this.#once(key, () => readLine(text, verb, step, this.#lookup))
  }

  /** The same for a command given word by word, which no shell reads before it runs: `kubectl exec pod -- rm x`. */
  readWords(words: readonly string[], verb = 'exec'): CommandLine {
    const text = words.map(quoted).join(' ')
    const step = (scope: Scope) => readCommandWords(words.map(literal), scope)
    return this.#once(`${verb}\0words\0${text}`, () => readLine(text, verb, step, this.#lookup))
  }

  #once(key: string, read: () => CommandLine): CommandLine {
    const known = this.#kept.get(key)
    if (known) return known
    const line = read()
    this.#keep(key, line)
    return line
  }

  /** Bounded in lines and in characters; when either is full, it starts anew. */
  #keep(key: string, line: CommandLine): void {
    this.#characters += key.length
    if (this.#kept.size >= CACHE_ENTRIES || this.#characters > CACHE_CHARACTERS) {
      this.#kept.clear()
      this.#characters = key.length
    }
    this.#kept.set(key, line)
  }
}

function unreadable(text: string, verb: string, reason: string): CommandLine {
  const reading = new Reading()
  reading.unknown(reason)
  return commandLine(text, verb, reading)
}

/** A word as a shell would take it for one. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

function readLine(text: string, verb: string, step: (scope: Scope) => void, lookup: Lookup): CommandLine {
  if (text.length > LINE_MAX) return unreadable(text, verb, `more than ${LINE_MAX} characters`)
  const reading = new Reading()
  const hidden = hiddenIn(text)
  if (hidden !== '') reading.unknown(hidden)
  try {
    const scope: Scope = { source: text, reading, lookup, depth: 0, within: [], functions: new Set(), steps: STEPS }
    step(scope)
  } catch {
    // A mistake of ours must not let anything through.
    reading.unknown('reading it failed')
  }
  reading.settle()
  return commandLine(text, verb, reading)
}

/** Text for a shell of its own: nothing the line around it defined is there, unless it was exported, which is unknown. */
function readText(text: string, scope: Scope): void {
  const { reading } = scope
  if (!reading.spend(text.length)) return reading.unknown('too much text in text')
  if (text.trim() === '') return
  const script = parseScript(text)
  if (typeof script === 'string') return reading.unknown(script)
  const around = reading.numbers
  reading.numbers = numberVariables(script)
  readScript(script, { ...scope, source: text, functions: new Set() })
  reading.numbers = around
}

const STEPS: Steps = { script: readScript, text: readText, words: readCommandWords }

const SHELLS = new WeakMap<CommandTable, Shell>()

/** The reader for a policy's table of commands: one per table, so that what was read stays read. */
export function shellFor(commands: CommandTable = NO_COMMANDS): Shell {
  const known = SHELLS.get(commands)
  if (known) return known
  const shell = new Shell(commands)
  SHELLS.set(commands, shell)
  return shell
}
