import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Port of the gateway's PostgreSQL listener. */
  readonly port: number
  readonly apiPort: number
  /** Folder everything is kept in. */
  readonly dir: string
}

/** Of the PostgreSQL listener, where nothing else is asked for. */
export const USUAL_PORT = 15_432

const USAGE = `npm start -- [--port 15432] [--api-port 8420] [--dir .sluice]
Or by environment: SLUICE_PORT, SLUICE_API_PORT, SLUICE_DIR.`

/** Options of the command line, then of the environment, then the defaults. Throws with a sentence. */
export function demoOptions(args: readonly string[], env: NodeJS.ProcessEnv): DemoOptions {
  const options = {
    port: { type: 'string' },
    'api-port': { type: 'string' },
    dir: { type: 'string' },
    help: { type: 'boolean' },
  } as const
  let values: { port?: string; 'api-port'?: string; dir?: string; help?: boolean }
  try {
    values = parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`)
  }
  if (values.help) throw new Error(USAGE)
  return {
    port: portOf(values.port ?? env.SLUICE_PORT ?? String(USUAL_PORT)),
    apiPort: portOf(values['api-port'] ?? env.SLUICE_API_PORT ?? '8420'),
    dir: values.dir ?? env.SLUICE_DIR ?? '.sluice',
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`"${text}" is not a port: write a number from 1 to 65535.\n${USAGE}`)
  return port
}
