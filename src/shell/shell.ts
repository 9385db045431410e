import { effects } from '../model/effects.ts'
import type { ShellCommand, ShellFacts } from '../model/facts.ts'
import type { Operation } from '../model/operation.ts'
import { TEXT_MAX } from './limits.ts'

/** A command line that was read: an operation, and the simple commands found in it (`facts.commands`). */
export type CommandLine = Operation<ShellFacts>

/** Reads command lines under one table of commands. Keeps what it read, so make one per policy and keep it. */
export class Shell {
  /**
   * What a command line would do when a POSIX shell or bash runs it. `line`: the text, or the bytes a client sent (bytes that are not
   * UTF-8 make it unknown). `verb`: the protocol's word for running it. Never throws; what is not fully understood has the effect
   * `unknown` and the confidence `opaque`. The same line gives the same object, so decisions cache on it.
   */
  read(line: string | Uint8Array, verb = 'exec'): CommandLine {
    const text = typeof line === 'string' ? line : Buffer.from(line).toString('utf8')
    return unknownLine(text, verb, 'not read yet')
  }
}

function unknownLine(text: string, verb: string, reason: string): CommandLine {
  const commands: readonly ShellCommand[] = []
  return {
    verb,
    effects: effects('unknown'),
    objects: [],
    text: text.slice(0, TEXT_MAX),
    facts: {
      kind: 'shell',
      statements: 1,
      commands,
      programs: [''],
      arguments: [],
      paths: { read: [], written: [], deleted: [], executed: [] },
      hosts: [],
      users: [],
      variables: [],
      constructs: [],
      reasons: [reason],
      labels: [],
    },
    shape: 'stream',
    confidence: 'opaque',
  }
}
