import type { Command } from 'commander'
import { castLines } from './cast.ts'
import { answerOf, type Context, contextOf } from './context.ts'
import { instantOf } from './duration.ts'
import { EventTeller, type TranscriptEvent } from './events.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { visible } from './paint.ts'
import { type ListedSession, sessionOr, whoOf } from './sessions.ts'

const PAGE = 500
/** Longest a pause of the session is played. */
const PAUSE_MS = 3_000

interface ReplayOptions {
  readonly play?: boolean
  readonly cast?: boolean
  readonly op?: string
}

/** `sluice replay [ID]` */
export function registerReplayCommand(program: Command): void {
  program
    .command('replay')
    .description('what happened in a session: statements, decisions, rules, and rows as the client saw them')
    .argument('[id]', 'the session (default: the newest)')
    .option('--play', 'at the speed it happened, pauses shortened')
    .option('--cast', 'the terminal of the session as asciicast v2, for asciinema and other players')
    .option('--op <number>', 'with --cast: the terminal of this operation (default: the first)')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice replay\n  sluice replay ses_01h… --play\n  sluice replay ses_01h… --cast > session.cast\n  sluice replay ses_01h… --json\n',
    )
    .action(async (id: string | undefined, { play, cast, op }: ReplayOptions, command: Command) => {
      const context = contextOf(command)
      const session = await sessionOr(context, id, 'all')
      if (cast) return printCast(context, session, op)
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

/** What a player is given is never shown here: it acts on the terminal it is played on. */
async function printCast(context: Context, session: ListedSession, op: string | undefined): Promise<void> {
  if (process.stdout.isTTY)
    throw new CommandFailure(
      'A recording is not printed to a terminal.',
      EXIT.usage,
      'Write it to a file: sluice replay --cast > FILE',
    )
  if (op !== undefined && !/^\d+$/.test(op)) throw new CommandFailure(`"${op}" is not a number.`, EXIT.usage, '')
  const head = { opened_ms: session.opened_ms, title: `${whoOf(session)} on ${session.resource}` }
  const number = op === undefined ? undefined : Number(op)
  for await (const line of castLines(eventsOfSession(context, session.id), head, number)) context.print(line)
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
