import type { Command } from 'commander'
import { answerOf, contextOf, named } from './context.ts'
import { idOf } from './exit.ts'

/** `sluice kill ID` */
export function registerKillCommand(program: Command): void {
  program
    .command('kill')
    .description('end a live session; what runs on the target is cancelled')
    .argument('<id>', 'the session')
    .option('-r, --reason <text>', 'for the record', '')
    .addHelpText('after', '\nExamples:\n  sluice kill ses_01h… --reason "runs away"\n')
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const context = contextOf(command)
      const answer = await named(
        answerOf(context.api.sessions[':id'].kill.$post({ param: { id: idOf(id) }, json: { reason } })),
        `live session ${id}`,
        'List them: sluice sessions --live',
      )
      if (context.json) return context.printJson(answer)
      context.print(`Ended ${id}.\n`)
    })
}
