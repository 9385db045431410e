import type { Command } from 'commander'
import { answerOf, type Context, contextOf, named } from './context.ts'
import { briefly, durationOf, instantOf } from './duration.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { formatTable } from './table.ts'

/** `sluice connectors [list|add|revoke]` */
export function registerConnectorsCommand(program: Command): void {
  const connectors = program
    .command('connectors')
    .description('tunnels into private networks')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice connectors\n  sluice connectors add vpc-1\n  sluice connectors add vpc-1 --ttl 1h --json\n  sluice connectors revoke con_01k…\n  sluice connectors revoke vpc-1\n',
    )
  connectors
    .command('list', { isDefault: true })
    .description('which are there, and how they do')
    .addHelpText('after', '\nExample:\n  sluice connectors list --json\n')
    .action(list)
  connectors
    .command('add')
    .description('make a token that one connector joins with, once')
    .argument('<name>', 'what resources call it: `via: connector:NAME`; those of one name stand in for each other')
    .option('--ttl <duration>', 'how long the token waits to be used', '10m')
    .option(
      '--workload <service>',
      'no token: a service that a TrustedIssuer vouches for joins by its own, again and again',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  sluice connectors add vpc-1\n  sluice connectors add vpc-1 --workload service:vpc-1\n',
    )
    .action(add)
  connectors
    .command('revoke')
    .description('end a connector and its tunnel, or all of a name, with the tokens not used yet')
    .argument('<id or name>')
    .addHelpText('after', '\nExamples:\n  sluice connectors revoke vpc-1\n  sluice connectors revoke con_01h…\n')
    .action(revoke)
}

async function listed({ api }: Context) {
  return (await answerOf(api.connectors.$get())).connectors
}
type Listed = Awaited<ReturnType<typeof listed>>[number]

async function list(_options: object, command: Command): Promise<void> {
  const context = contextOf(command)
  const connectors = await listed(context)
  if (context.json) return context.printJson(connectors)
  if (connectors.length === 0)
    return context.complain('No connector has joined. Make a token for one: sluice connectors add NAME\n')
  context.print(tableOf(connectors, context))
}

function tableOf(connectors: readonly Listed[], { paint }: Context): string {
  const now_ms = Date.now()
  const live = (each: Listed) => each.since_ms !== undefined
  const number = (value: number | undefined) => (value === undefined ? '' : String(value))
  return formatTable(connectors, [
    { title: 'name', value: (each) => each.name },
    { title: 'id', value: (each) => each.id },
    {
      title: 'state',
      value: (each) => (each.state === 'revoked' ? `revoked by ${each.revokedBy}` : each.state),
      paint: (text, each) =>
        each.state === 'ready' ? paint.green(text) : live(each) ? paint.yellow(text) : paint.dim(text),
    },
    { title: 'version', value: (each) => each.version },
    { title: 'from', value: (each) => each.from },
    {
      title: 'since',
      value: (each) =>
        each.since_ms === undefined ? `gone ${briefly(now_ms - each.seen_ms)}` : briefly(now_ms - each.since_ms),
    },
    { title: 'streams', right: true, value: (each) => number(each.streams) },
    { title: 'bytes', right: true, value: (each) => (each.bytes === undefined ? '' : sizeOf(each.bytes)) },
    { title: 'rtt', right: true, value: (each) => (each.rtt_ms === undefined ? '' : `${each.rtt_ms} ms`) },
    { title: 'certificate', value: (each) => `good for ${briefly(each.expires_ms - now_ms)}` },
  ])
}

function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`
}

interface AddOptions {
  readonly ttl: string
  readonly workload?: string
}

async function add(name: string, { ttl, workload }: AddOptions, command: Command): Promise<void> {
  const context = contextOf(command)
  const json = { name, ttl_ms: durationOf(ttl), workload }
  const invited = await answerOf(context.api.connectors.$post({ json }))
  if (context.json) return context.printJson(invited)
  if (invited.token === undefined)
    return context.print(
      `sluice connector --gateway ${invited.gateway} --authority ${invited.authority} --workload-token-file FILE --allow HOST:PORT\n`,
    )
  context.complain(
    `A connector joins as ${invited.name} with this token, once, until ${instantOf(invited.expires_ms!)}. It is not shown again. Near the targets:\n\n` +
      `  sluice connector --gateway ${invited.gateway} --allow HOST:PORT --token …\n\n`,
  )
  // The text alone on stdout, so that a script can take it.
  context.print(`${invited.token}\n`)
}

async function revoke(which: string, _options: object, command: Command): Promise<void> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(which))
    throw new CommandFailure(`"${which}" is neither an id nor a name.`, EXIT.usage, 'List them: sluice connectors')
  const context = contextOf(command)
  const answer = await named(
    answerOf(context.api.connectors[':which'].revoke.$post({ param: { which } })),
    `connector or unused token ${which}`,
    'List them: sluice connectors',
  )
  if (context.json) return context.printJson(answer)
  context.print(`Revoked ${answer.revoked.join(', ') || `what was not used yet of ${which}`}.\n`)
}
