import type { Command } from 'commander'
import { answerOf, type Context, contextOf } from './context.ts'
import { instantOf } from './duration.ts'
import { EventTeller, type TranscriptEvent } from './events.ts'
import { visible } from './paint.ts'
import { type ListedSession, sessionOr, whoOf } from './sessions.ts'

const PAGE = 500
/** Longest a pause of the session is played. */
const PAUSE_MS = 3_000

/** `sluice replay [ID]` */
export function registerReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('what happened in a session: statements, decisions, rules, and rows as the client saw them')
    .argument('[id]', 'the session (default: the newest)')
    .option('--play', 'at the speed it happened, pauses shortened')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice replay\n  sluice replay ses_01h… --play\n  sluice replay ses_01h… --json\n',
    )
    .action(async (id: string | undefined, { play }: { play?: boolean }, command: Command) => {
      const context = contextOf(command)
      const session = await sessionOr(context, id, 'all')
      if (context.json) {
        const events: TranscriptEvent[] = []
        for await (const event of eventsOfSession(context, session.id)) events.push(event)
        return context.printJson({ session, events })
      }
      context.print(headOf(session, context))
      const teller = new EventTeller(context.paint)
      let at = 0
      for await (const event of eventsOfSession(context, session.id)) {
        if (play) await pause(Math.min(PAUSE_MS, event.at - at))
        at = event.at
        context.print(teller.tell(event))
      }
    })
}

/** Everything recorded of a session so far, in order. */
export async function* eventsOfSession({ api }: Context, id: string): AsyncGenerator<TranscriptEvent> {
  for (let from: number | undefined = 0; from !== undefined; ) {
    const query = { from: String(from), limit: String(PAGE) }
    const page: { events: TranscriptEvent[]; next?: number | undefined } = await answerOf(
      api.sessions[':id'].events.$get({ param: { id }, query }),
    )
    yield* page.events
    from = page.events.length === 0 ? undefined : page.next
  }
}

/** One line that says whose session it was. */
export function headOf(session: ListedSession, { paint }: Context): string {
  const as = session.upstreamUser ? ` as ${session.upstreamUser}` : ''
  const why = session.endedWhy ? ` (${visible(session.endedWhy)})` : ''
  return `${paint.bold(session.id)}  ${whoOf(session)} on ${session.resource}${as}, ${instantOf(session.opened_ms)}, from ${session.from}, ${session.state}${why}\n`
}

function pause(duration_ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, duration_ms)))
}
