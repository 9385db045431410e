import type { Command } from 'commander'
import { answerOf, type Context, contextOf, named } from './context.ts'
import { instantOf } from './duration.ts'
import { CommandFailure, EXIT, idOf } from './exit.ts'
import { formatTable } from './table.ts'

interface Aim {
  readonly agent?: string
  readonly human?: string
  readonly service?: string
  readonly resource?: string
  readonly all?: boolean
}

type Kind = 'token' | 'principal' | 'resource' | 'all'

/** `sluice kill`, `sluice unblock`, `sluice blocks` */
export function registerKillCommand(program: Command): void {
  aimed(
    program
      .command('kill')
      .description('end a live session; or shut an agent, a person, a resource or everything out, and end all it runs')
      .argument('[id]', 'the session (ses_…), or the token (tok_…), which is revoked'),
  )
    .option('-r, --reason <text>', 'for the record', '')
    .option('--unseen', 'shut a name out before anything has it')
    .addHelpText(
      'after',
      `
Examples:
  sluice kill ses_01h… --reason "runs away"
  sluice kill tok_01h… --reason "leaked"
  sluice kill --agent triage-bot --reason "writes to the wrong table"
  sluice kill --resource orders
  sluice kill --all

What is shut out stays so until \`sluice unblock\`; \`sluice blocks\` lists it. Sessions end, and what runs on their targets is cancelled.
`,
    )
    .action(kill)
  aimed(program.command('unblock').description('let in again what `sluice kill` shut out'))
    .addHelpText('after', '\nExamples:\n  sluice unblock --agent triage-bot\n  sluice unblock --all\n')
    .action(unblock)
  program
    .command('blocks')
    .description('what `sluice kill` keeps shut')
    .addHelpText('after', '\nExample:\n  sluice blocks\n')
    .action(blocks)
}

function aimed(command: Command): Command {
  return command
    .option('--agent <name>', 'this agent, whomever it acts for')
    .option('--human <name>', 'this person, and every agent that acts for them')
    .option('--service <name>', 'this service')
    .option('--resource <name>', 'this resource, for everyone')
    .option('--all', 'every resource, for everyone; the API stays open')
}

async function kill(
  id: string | undefined,
  options: Aim & { reason: string; unseen?: boolean },
  command: Command,
): Promise<void> {
  const context = contextOf(command)
  const { reason, unseen = false } = options
  // `--token` is whose word this is: what is revoked is told by its id.
  const token = id !== undefined && /^tok_/.test(id) ? { kind: 'token' as const, subject: idOf(id) } : undefined
  const shut = aimOf(options)
  if ((id === undefined) === (shut === undefined))
    throw new CommandFailure(
      'Say what to end.',
      EXIT.usage,
      'Give the id of a session or token, or one of --agent, --human, --service, --resource, --all.',
    )
  const aim = token ?? shut
  if (aim === undefined) return await killSession(context, id!, reason)
  const gone = [`token ${aim.subject} that still holds`, 'List them: sluice token list'] as const
  const killed = await named(answerOf(context.api.kill.$post({ json: { ...aim, reason, unseen } })), ...gone)
  if (context.json) return context.printJson({ ...aim, ...killed })
  const what = aim.kind === 'all' ? 'Everything' : aim.subject
  const state = aim.kind === 'token' ? 'revoked' : 'shut out'
  if (aim.kind === 'token' && !killed.changed)
    throw new CommandFailure(`There is no ${gone[0]}.`, EXIT.notFound, gone[1])
  context.print(`${what} is ${killed.changed ? state : `${state} already`}; ${killed.sessions} live sessions end.\n`)
}

async function killSession(context: Context, id: string, reason: string): Promise<void> {
  const answer = await named(
    answerOf(context.api.sessions[':id'].kill.$post({ param: { id: idOf(id) }, json: { reason } })),
    `live session ${id}`,
    'List them: sluice sessions --live',
  )
  if (context.json) return context.printJson(answer)
  if (answer.state === 'ended') return context.print(`Ended ${id}.\n`)
  throw new CommandFailure(
    `${id} was told to end and is not over yet; nothing more passes in it.`,
    EXIT.failure,
    'Look again: sluice sessions --live',
  )
}

async function unblock(options: Aim, command: Command): Promise<void> {
  const context = contextOf(command)
  const aim = aimOf(options)
  if (aim === undefined)
    throw new CommandFailure(
      'Say what to let in.',
      EXIT.usage,
      'Give one of --agent, --human, --service, --resource, --all.',
    )
  const { changed } = await answerOf(context.api.unblock.$post({ json: { kind: aim.kind, subject: aim.subject } }))
  if (!changed) throw new CommandFailure('It is not shut out.', EXIT.notFound, 'List what is: sluice blocks')
  if (context.json) return context.printJson({ ...aim, changed })
  context.print(`${aim.kind === 'all' ? 'Everything' : aim.subject} is let in again.\n`)
}

async function blocks(_options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const found = (await answerOf(context.api.blocks.$get())).blocks
  if (context.json) return context.printJson(found)
  if (found.length === 0) return context.complain('Nothing is shut out.\n')
  context.print(
    formatTable(found, [
      { title: 'what', value: ({ kind, subject }) => (kind === 'all' ? 'everything' : subject) },
      { title: 'since', value: ({ created_ms }) => instantOf(created_ms) },
      { title: 'by', value: ({ by }) => by },
      { title: 'why', value: ({ why }) => why, most: 60 },
    ]),
  )
}

/** The one thing the options name; undefined when they name none. */
function aimOf({
  agent,
  human,
  service,
  resource,
  all,
}: Aim): { kind: Exclude<Kind, 'token'>; subject: string } | undefined {
  const principal = (kind: string, name: string) => ({
    kind: 'principal' as const,
    subject: name.startsWith(`${kind}:`) ? name : `${kind}:${name}`,
  })
  const aims: { kind: Exclude<Kind, 'token'>; subject: string }[] = [
    ...(agent === undefined ? [] : [principal('agent', agent)]),
    ...(human === undefined ? [] : [principal('human', human)]),
    ...(service === undefined ? [] : [principal('service', service)]),
    ...(resource === undefined ? [] : [{ kind: 'resource' as const, subject: resource }]),
    ...(all ? [{ kind: 'all' as const, subject: '*' }] : []),
  ]
  if (aims.length > 1) throw new CommandFailure('Name one thing at a time.', EXIT.usage, '')
  return aims[0]
}
