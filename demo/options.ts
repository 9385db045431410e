import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Port of the gateway's PostgreSQL listener. */
  readonly port: number
  readonly apiPort: number
  /** Port of the SSH listener; unset: the usual one where that is free. */
  readonly sshPort?: number
  /** Folder everything is kept in. */
  readonly dir: string
}

/** Of the PostgreSQL listener, where nothing else is asked for. */
export const USUAL_PORT = 15_432

/** What `npm start -- --help` prints. */
export const USAGE = `Usage: npm start -- [options]

Starts a gateway with a PostgreSQL and an SSH host behind it, and prints commands to paste.

  --port <port>      where PostgreSQL clients connect (default: 15432, or SLUICE_PORT)
  --api-port <port>  the API and the pages (default: 8420, or SLUICE_API_PORT)
  --ssh-port <port>  where SSH clients connect (default: 15422 where it is free, or SLUICE_SSH_PORT)
  --dir <folder>     where everything is kept (default: .sluice, or SLUICE_DIR)
  --help             this text

Examples:
  npm start
  npm start -- --port 15433 --api-port 8421 --ssh-port 15423 --dir .sluice-2`

const MORE = 'All options: npm start -- --help'

/** Options of the command line, then of the environment, then the defaults; `help` when that is asked for. Throws with a sentence. */
export function demoOptions(args: readonly string[], env: NodeJS.ProcessEnv): DemoOptions | 'help' {
  const options = {
    port: { type: 'string' },
    'api-port': { type: 'string' },
    'ssh-port': { type: 'string' },
    dir: { type: 'string' },
    help: { type: 'boolean' },
  } as const
  let values: { port?: string; 'api-port'?: string; 'ssh-port'?: string; dir?: string; help?: boolean }
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${MORE}`)
  }
  if (values.help) return 'help'
  const ssh = values['ssh-port'] ?? env.SLUICE_SSH_PORT
  return {
    port: portOf(values.port ?? env.SLUICE_PORT ?? String(USUAL_PORT)),
    apiPort: portOf(values['api-port'] ?? env.SLUICE_API_PORT ?? '8420'),
    ...(ssh !== undefined && { sshPort: portOf(ssh) }),
    dir: values.dir ?? env.SLUICE_DIR ?? '.sluice',
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`"${text}" is not a port: write a number from 1 to 65535.\n${MORE}`)
  return port
}
