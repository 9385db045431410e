import type { Command } from 'commander'
import { contextOf } from './context.ts'
import { resourceOf } from './resources.ts'

interface ConnectOptions {
  readonly user?: string
  readonly database?: string
}

/** `sluice connect-info RESOURCE` */
export function registerConnectCommand(program: Command): void {
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
