import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { answerOf, contextOf } from './context.ts'
import { instantOf } from './duration.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { formatTable } from './table.ts'

/** `sluice secret set|list|delete` */
export function registerSecretCommands(program: Command): void {
  const secret = program
    .command('secret')
    .description('credentials of targets, kept encrypted; a resource names them by `vault:`')
  secret
    .command('set')
    .description('store or replace one; its value is read from stdin')
    .argument('<name>')
    .addHelpText('after', '\nExamples:\n  sluice secret set orders < password.txt\n')
    .action(async (name: string, _options: object, command: Command) => {
      if (process.stdin.isTTY)
        throw new CommandFailure(
          'The value is read from stdin, not typed.',
          EXIT.usage,
          `Write: sluice secret set ${name} < FILE`,
        )
      const context = contextOf(command)
      const value = (await text(process.stdin)).replace(/\r?\n$/, '')
      if (value === '')
        throw new CommandFailure(
          'Nothing came on stdin: there is no value to store.',
          EXIT.usage,
          `Write: sluice secret set ${name} < FILE`,
        )
      const answer = await answerOf(context.api.secrets[':name'].$put({ param: { name }, json: { value } }))
      if (context.json) return context.printJson(answer)
      context.print(`Stored ${name}.\n`)
    })
  secret
    .command('list')
    .description('names; never values')
    .addHelpText('after', '\nExample:\n  sluice secret list\n')
    .action(async (_options: object, command: Command) => {
      const context = contextOf(command)
      const { secrets } = await answerOf(context.api.secrets.$get())
      if (context.json) return context.printJson(secrets)
      if (secrets.length === 0) return context.complain('There are no secrets.\n')
      context.print(
        formatTable(secrets, [
          { title: 'name', value: (each) => each.name },
          { title: 'set by', value: (each) => each.updatedBy },
          { title: 'set at', value: (each) => instantOf(each.updated_ms) },
        ]),
      )
    })
  secret
    .command('delete')
    .description('delete one')
    .argument('<name>')
    .addHelpText('after', '\nExample:\n  sluice secret delete orders\n')
    .action(async (name: string, _options: object, command: Command) => {
      const context = contextOf(command)
      const answer = await answerOf(context.api.secrets[':name'].$delete({ param: { name } }))
      if (context.json) return context.printJson(answer)
      context.print(`Deleted ${name}.\n`)
    })
}
