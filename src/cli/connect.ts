import type { Command } from 'commander'
import { contextOf } from './context.ts'
import { CommandFailure, EXIT } from './exit.ts'
import { databaseOf, openPostgres } from './launch/surroundings.ts'
import { resourceOf } from './resources.ts'

interface ConnectOptions {
  readonly user?: string
  readonly database?: string
}

interface PortOptions {
  readonly port: string
}

/** `sluice connect RESOURCE`, `sluice connect-info RESOURCE` */
export function registerConnectCommand(program: Command): void {
  program
    .command('connect')
    .description('open a port on this machine that leads to a resource, until Ctrl-C; the token is the password')
    .argument('<resource>', 'name of the resource')
    .option('--port <number>', 'the port (default: any free one)', '0')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice connect orders --port 5432\n  PGPASSWORD="$SLUICE_TOKEN" psql -h 127.0.0.1 -p 5432 -U orders\n\nTo a gateway on another machine it speaks TLS and verifies its certificate, also for programs that cannot.\n',
    )
    .action(connect)
  program
    .command('connect-info')
    .description('how a stock client reaches a resource; the token is the password')
    .argument('<resource>', 'name of the resource')
    .option('-U, --user <account>', 'account on the target, where the resource offers several')
    .option('-d, --database <name>', 'database (default: the resource’s)')
    .addHelpText(
      'after',
      '\nExamples:\n  sluice connect-info orders\n  eval "$(sluice connect-info orders | grep ^export)"; PGPASSWORD=$SLUICE_TOKEN psql\n',
    )
    .action(async (name: string, options: ConnectOptions, command: Command) => {
      const context = contextOf(command)
      const resource = await resourceOf(context, name)
      const url = new URL(resource.url)
      const user = options.user ? `${options.user}+${name}` : name
      const database = options.database ?? decodeURIComponent(url.pathname.slice(1))
      const found = {
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port),
        user,
        database,
        accounts: resource.users,
      }
      if (context.json) return context.printJson({ resource: name, protocol: resource.protocol, ...found })
      if (resource.protocol === 'ssh') {
        context.print(`ssh -p ${found.port} ${user}@${found.host}\n`)
        context.print(`# sign in for ten minutes: sluice ssh cert; or give your token as the password\n`)
        if (resource.users.length > 1) context.print(`# accounts: ${resource.users.join(', ')} (--user NAME)\n`)
        return
      }
      const shell = (text: string) => (/^[\w.:+-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
      const lines = [
        `PGHOST=${shell(found.host)}`,
        `PGPORT=${found.port}`,
        `PGUSER=${shell(user)}`,
        ...(database ? [`PGDATABASE=${shell(database)}`] : []),
      ]
      context.print(lines.map((line) => `export ${line}\n`).join(''))
      context.print(`# the password is your token: PGPASSWORD="$SLUICE_TOKEN" psql\n`)
      if (resource.users.length > 1) context.print(`# accounts: ${resource.users.join(', ')} (--user NAME)\n`)
    })
}

async function connect(name: string, { port: written }: PortOptions, command: Command): Promise<void> {
  const context = contextOf(command)
  const wanted = Number(written)
  if (!/^\d{1,5}$/.test(written) || wanted > 65_535)
    throw new CommandFailure(`"${written}" is not a port.`, EXIT.usage, 'Write a number from 0 (any) to 65535.')
  const resource = await resourceOf(context, name)
  if (resource.protocol !== 'postgres')
    throw new CommandFailure(
      `${name} speaks ${resource.protocol}, which needs no local port.`,
      EXIT.usage,
      `Reach it at ${resource.url}`,
    )
  const { host, port, close } = await openPostgres(context, resource, wanted, (why) =>
    context.complain(`sluice: ${why}\n`),
  )
  const database = databaseOf(resource)
  if (context.json) context.printJson({ resource: name, host, port, user: name, database })
  else {
    context.print(`PGHOST=${host} PGPORT=${port} PGUSER=${name}${database ? ` PGDATABASE=${database}` : ''}\n`)
    context.complain('Open until Ctrl-C. The password is your token.\n')
  }
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve())
  })
  await close()
}
