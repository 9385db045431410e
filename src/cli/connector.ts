import { hostname } from 'node:os'
import { type Command, Option } from 'commander'
import { SluiceError } from '../kit/errors.ts'
import { durationOf } from './duration.ts'

/** What `sluice connector` runs with. */
export interface ConnectorWish {
  readonly gateway: { readonly host: string; readonly port: number }
  readonly allow: readonly string[]
  /** Path of a file with one entry per line. */
  readonly allowFile: string | undefined
  /** A join token; needed once. */
  readonly token: string | undefined
  readonly tokenFile: string | undefined
  /** In a token's place: a workload's own, and the digest that names the gateway's authority. */
  readonly workload: { readonly tokenFile: string; readonly authority: string } | undefined
  readonly folder: string
  readonly websocket: boolean
  readonly proxy: URL | undefined
  readonly drain_ms: number
  readonly log: 'debug' | 'info' | 'warn' | 'error'
}

interface ConnectorOptions {
  readonly gateway?: string
  readonly allow: string[]
  readonly allowFile?: string
  readonly token?: string
  readonly tokenFile?: string
  readonly workloadTokenFile?: string
  readonly authority?: string
  readonly dir: string
  readonly websocket?: boolean
  readonly proxy?: string
  readonly drain: string
  readonly log: ConnectorWish['log']
}

const HELP = `
Examples:
  sluice connector --gateway gw.example:15443 --token slu_join_… --allow db.internal:5432
  sluice connector --gateway gw.example:15443 --allow 10.0.3.0/24:5432 --allow '*.db.internal:5432-5439'
  sluice connector --gateway gw.example:443 --websocket --proxy http://proxy.internal:3128 --allow-file /etc/sluice/allow

The token is needed once, on the first start; after that the folder holds the connector's certificate, which renews itself. An entry of the
allow-list is HOST:PORT: a name, *.DOMAIN, an address or a network, and a port, a range, or *. What no entry names is never dialled. SIGTERM
takes nothing new, lets open connections end for at most --drain, and stops.
`

/** `sluice connector`: one process near the targets. `run` is the connector itself. */
export function registerConnectorCommand(program: Command, run: (wish: ConnectorWish) => Promise<void>): void {
  program
    .command('connector')
    .description('run a connector: a process near the targets that only dials out')
    .addOption(new Option('-g, --gateway <address>', 'the gateway’s host:port for connectors').env('SLUICE_GATEWAY'))
    .option(
      '-a, --allow <entry>',
      'what it may reach; may be given several times',
      (entry, all: string[]) => [...all, entry],
      [],
    )
    .option('--allow-file <file>', 'a file with one such entry per line')
    .addOption(
      new Option('--token <token>', 'join token, for the first start (better: SLUICE_JOIN_TOKEN)').env(
        'SLUICE_JOIN_TOKEN',
      ),
    )
    .option('--token-file <file>', 'a file that holds it')
    .option('--workload-token-file <file>', 'in its place, a token that a trusted issuer gave this workload')
    .option('--authority <digest>', 'with that: what `sluice connectors add --workload` printed')
    .addOption(
      new Option('--dir <folder>', 'where it keeps its certificate')
        .default('.sluice-connector')
        .env('SLUICE_CONNECTOR_DIR'),
    )
    .option('--websocket', 'where only HTTPS passes: the same inside a WebSocket')
    .addOption(new Option('--proxy <url>', 'an HTTP proxy on the way').env('HTTPS_PROXY'))
    .option('--drain <duration>', 'how long a stop waits for open connections', '30s')
    .addOption(
      new Option('--log <level>', 'least level of the log').choices(['debug', 'info', 'warn', 'error']).default('info'),
    )
    .addHelpText('after', HELP)
    .action((options: ConnectorOptions) => run(wishOf(options)))
}

function wishOf(options: ConnectorOptions): ConnectorWish {
  const { gateway, proxy } = options
  if (gateway === undefined)
    throw new SluiceError(
      'config.invalid',
      `${hostname()} is told of no gateway; write --gateway HOST:PORT, or set SLUICE_GATEWAY`,
    )
  const match = /^(?:\[([^\]\s]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(gateway)
  const port = Number(match?.[3])
  if (!match || port < 1 || port > 65_535)
    throw new SluiceError('config.invalid', `"${gateway}" is no host:port of a gateway, like gw.example:15443`)
  return {
    gateway: { host: match[1] ?? match[2]!, port },
    allow: options.allow,
    allowFile: options.allowFile,
    token: options.token,
    tokenFile: options.tokenFile,
    workload: workloadOf(options),
    folder: options.dir,
    websocket: options.websocket === true,
    proxy: proxy && !goesStraight(match[1] ?? match[2]!, process.env.NO_PROXY) ? proxyOf(proxy) : undefined,
    drain_ms: durationOf(options.drain),
    log: options.log,
  }
}

function workloadOf({ workloadTokenFile: tokenFile, authority }: ConnectorOptions): ConnectorWish['workload'] {
  if (tokenFile === undefined && authority === undefined) return undefined
  if (tokenFile === undefined || !/^[0-9a-f]{64}$/.test(authority ?? ''))
    throw new SluiceError(
      'config.invalid',
      '--workload-token-file FILE and --authority DIGEST belong together; `sluice connectors add NAME --workload service:…` prints the digest',
    )
  return { tokenFile, authority: authority! }
}

/** Whether a host is reached without the proxy: this machine, and what NO_PROXY names, as curl reads it. */
function goesStraight(host: string, exceptions = ''): boolean {
  if (/^(localhost|127(\.\d+){3}|::1)$/.test(host)) return true
  const named = exceptions.split(',').map((each) => each.trim().replace(/^\*?\./, ''))
  return named.some((each) => each !== '' && (each === '*' || host === each || host.endsWith(`.${each}`)))
}

function proxyOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw new SluiceError(
      'config.invalid',
      'a proxy is written http://host:port, with user:password@ before the host if it asks',
    )
  return url
}
