import type { Command } from 'commander'
import { answerOf, type Context, contextOf, named } from './context.ts'
import { briefly } from './duration.ts'
import { CommandFailure, EXIT, idOf } from './exit.ts'
import { formatTable } from './table.ts'

/** A session as the API lists it. */
export type ListedSession = Awaited<ReturnType<typeof listSessions>>[number]

interface SessionsOptions {
  readonly live?: boolean
  readonly past?: boolean
  readonly limit: string
}

/** `sluice sessions` */
export function registerSessionsCommand(program: Command): void {
  program
    .command('sessions')
    .description('live and past sessions, newest first')
    .option('--live', 'only those open now')
    .option('--past', 'only those that ended')
    .option('-n, --limit <count>', 'how many', '20')
    .addHelpText('after', '\nExamples:\n  sluice sessions\n  sluice sessions --live --json\n')
    .action(async ({ live, past, limit }: SessionsOptions, command: Command) => {
      const context = contextOf(command)
      const sessions = await listSessions(context, { state: live ? 'live' : past ? 'past' : 'all', limit })
      if (context.json) return context.printJson(sessions)
      if (sessions.length === 0) return context.complain('There are no sessions.\n')
      context.print(tableOf(sessions, context))
    })
}

/** Sessions the caller may see, newest first. */
export async function listSessions({ api }: Context, query: { state: 'live' | 'past' | 'all'; limit: string }) {
  return (await answerOf(api.sessions.$get({ query }))).sessions
}

/** The session named, or the newest of the wanted state. Throws CommandFailure when there is none. */
export async function sessionOr(
  context: Context,
  id: string | undefined,
  state: 'live' | 'all',
): Promise<ListedSession> {
  if (id !== undefined)
    return named(
      answerOf(context.api.sessions[':id'].$get({ param: { id: idOf(id) } })),
      `session ${id}`,
      'List them: sluice sessions',
    )
  const found = await listSessions(context, { state, limit: '20' })
  const newest = found.toSorted((a, b) => b.opened_ms - a.opened_ms || (a.id < b.id ? 1 : -1))[0]
  if (!newest)
    throw new CommandFailure(
      `There is no ${state === 'live' ? 'live ' : ''}session.`,
      EXIT.notFound,
      'List them: sluice sessions',
    )
  return newest
}

/** `agent:triage-bot for human:ada` */
export function whoOf(session: ListedSession): string {
  return session.principal.chain.map((party) => party.id).join(' for ')
}

function tableOf(sessions: readonly ListedSession[], { paint }: Context): string {
  const now_ms = Date.now()
  return formatTable(sessions, [
    { title: 'id', value: (session) => session.id },
    {
      title: 'state',
      value: (session) => session.state,
      paint: (text, { state }) =>
        state === 'held' ? paint.yellow(text) : state === 'closed' ? paint.dim(text) : paint.green(text),
    },
    { title: 'who', value: whoOf, most: 40 },
    { title: 'resource', value: (session) => session.resource },
    { title: 'opened', value: (session) => `${briefly(now_ms - session.opened_ms)} ago`, right: true },
    { title: 'ops', value: (session) => String(session.operations), right: true },
    { title: 'rows', value: (session) => String(session.rows), right: true },
    { title: 'client', value: (session) => session.client || session.from, most: 30 },
    ...(sessions.some(({ endedWhy }) => endedWhy)
      ? [{ title: 'ended', value: (session: ListedSession) => session.endedWhy ?? '' }]
      : []),
  ])
}
