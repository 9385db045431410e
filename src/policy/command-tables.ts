import { type CommandTable, READ_BY_CODE } from '../model/commands.ts'
import type { Problem } from './problem.ts'
import type { Read } from './read.ts'

const USUAL_FOLDER = /^\/(?:usr\/(?:local\/)?)?s?bin\//

/** One table out of all documents; reports a program that is described twice, and one whose words no table can describe. */
export function compileCommandTables(tables: readonly Read<'CommandTable'>[], problems: Problem[]): CommandTable {
  const commands: Record<string, CommandTable[string]> = {}
  const taken = new Set<string>()
  for (const { body, source } of tables) {
    for (const [key, command] of Object.entries(body.commands)) {
      const report = (message: string, remedy: string) =>
        problems.push({ file: source.file, ...source.at(['commands', key], 'key'), message, remedy })
      for (const name of key.split(' ')) {
        if (taken.has(name)) report(`The command "${name}" is described twice.`, 'Describe it once.')
        if (READ_BY_CODE.has(name.replace(USUAL_FOLDER, '')))
          report(`"${name}" cannot be described by a table.`, 'Leave it out: what it runs is read from its words.')
        taken.add(name)
        commands[name] = command as CommandTable[string]
      }
    }
  }
  return Object.freeze(commands)
}
