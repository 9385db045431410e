import type { Command } from 'commander'
import { contextOf, eventsOf } from './context.ts'
import { EventTeller, type TranscriptEvent } from './events.ts'
import { eventsOfSession, headOf } from './replay.ts'
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
      const teller = new EventTeller(context.paint)
      const tell = (event: TranscriptEvent) =>
        context.print(context.json ? `${JSON.stringify(event)}\n` : teller.tell(event))
      // Listening begins before what was is read, so that nothing falls in between; what comes twice is told once.
      const coming = context.api.sessions[':id'].watch.$get({ param: { id: session.id } })
      const told = new Set<string>()
      if (!context.json) context.print(headOf(session, context))
      for await (const event of eventsOfSession(context, session.id)) {
        told.add(keyOf(event))
        tell(event)
      }
      for await (const { data } of eventsOf(coming))
        if (!told.has(keyOf(data as TranscriptEvent))) tell(data as TranscriptEvent)
    })
}

function keyOf(event: TranscriptEvent): string {
  const bytes = 'base64' in event ? event.base64.slice(0, 64) : ''
  return `${event.at} ${event.kind} ${'op' in event ? event.op : ''} ${bytes}`
}
