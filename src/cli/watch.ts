import type { Command } from 'commander'
import { contextOf, eventsOf } from './context.ts'
import { EventTeller, type TranscriptEvent } from './events.ts'
import { headOf } from './replay.ts'
import { sessionOr } from './sessions.ts'

/** `sluice watch [ID]` */
export function registerWatchCommand(program: Command): void {
  program
    .command('watch')
    .description('follow a live session until it ends')
    .argument('[id]', 'the session (default: the newest live one)')
    .addHelpText('after', '\nExamples:\n  sluice watch\n  sluice watch ses_01h… --json    one JSON object per line\n')
    .action(async (id: string | undefined, _options: object, command: Command) => {
      const context = contextOf(command)
      const session = await sessionOr(context, id, 'live')
      if (!context.json) context.print(headOf(session, context))
      const teller = new EventTeller(context.paint)
      for await (const { data } of eventsOf(context.api.sessions[':id'].watch.$get({ param: { id: session.id } }))) {
        context.print(context.json ? `${JSON.stringify(data)}\n` : teller.tell(data as TranscriptEvent))
      }
    })
}
