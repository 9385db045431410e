/** `npm start`: a gateway with a real PostgreSQL and a real SSH host behind it, one person, one agent, and commands to paste. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, relative } from 'node:path'
import { paintFor } from '../src/cli/paint.ts'
import { createLog } from '../src/kit/log.ts'
import { type RunningGateway, startGateway } from '../src/serve.ts'
import { parseSettings } from '../src/setup/config.ts'
import { startDemoConnector } from './connector.ts'
import { demoFolder, preparePolicy, takeFolder, writePrivate } from './folder.ts'
import { sshPort, startDemoHost } from './host.ts'
import { startIdentityProvider } from './identity.ts'
import { formatLogLine } from './log-line.ts'
import { type DemoOptions, demoOptions, USAGE, USUAL_PORT } from './options.ts'
import { startDemoPostgres } from './postgres.ts'
import { ensureTokens } from './tokens.ts'
import { hasPsql, type TourStep, tourOf } from './tour.ts'

const HOST = '127.0.0.1'
/** The signals that mean "stop", and how long a stop may take before a further one ends the process at once. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const PATIENCE_MS = 5_000

const say = (line: string) => void process.stderr.write(`${line}\n`)
const tell = (line: string) => say(formatLogLine(line))

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** What must be stopped, last started first. */
const stops: (() => unknown)[] = []
let stopping: Promise<void> | undefined

function stop(): Promise<void> {
  stopping ??= (async () => {
    for (const each of stops.reverse()) await each()
  })()
  return stopping
}

async function main(): Promise<void> {
  const options = demoOptions(process.argv.slice(2), process.env)
  if (options === 'help') return void process.stdout.write(`${USAGE}\n`)
  const folder = demoFolder(options.dir)
  for (const [port, flag] of [
    [options.port, '--port'],
    [options.apiPort, '--api-port'],
    [options.sshPort, '--ssh-port'],
  ] as const)
    if (port !== undefined) await claimable(port, flag)
  stops.push(takeFolder(folder))
  const postgres = await startDemoPostgres(folder.demo, say)
  stops.push(() => postgres.stop())
  const people = await startIdentityProvider(folder.demo, `http://${HOST}:${options.apiPort}`)
  stops.push(() => people.close())
  const host = await startDemoHost(folder.demo)
  if (typeof host === 'string') say(host)
  else stops.push(() => host.stop())
  const reached = typeof host === 'string' ? undefined : host
  preparePolicy(folder, { postgresPort: postgres.port, issuer: people.issuer, host: reached, say })
  const ssh = reached && (options.sshPort ?? (await sshPort(options.port === USUAL_PORT, HOST)))
  const gateway = await startGateway(settingsOf(options, ssh), { version, log: createLog('info', tell) })
  stops.push(() => gateway.stop())
  void postgres.ended.then(
    () => stopping ?? giveUp(new Error('The demo’s PostgreSQL ended by itself; see .sluice/demo/postgres.log.')),
  )
  const connector = await startDemoConnector(gateway, { folder: folder.demo, postgresPort: postgres.port })
  stops.push(() => connector.stop())
  const tokens = await ensureTokens(folder.tokens, gateway.identity)
  const tour = tourOf({
    host: HOST,
    port: options.port,
    sluice: options.dir === '.sluice' ? 'npx sluice' : `SLUICE_DIR=${options.dir} npx sluice`,
    tokenFile: hasPsql() ? here(join(folder.tokens, 'triage-bot')) : undefined,
    ssh: reached !== undefined,
  })
  const profile = { api: gateway.api, postgres: gateway.postgres, as: 'ada', ca: 'tls/cert.pem' }
  writePrivate(join(folder.root, 'profile.json'), json(profile))
  writePrivate(join(folder.root, 'demo.json'), json(description(gateway, tokens.agent, tour)))
  stops.push(() => say('Stopping …'))
  process.stdout.write(welcome(gateway, tour, Math.round(performance.now() / 100) / 10))
}

/** Says at once, before anything is started, that a port is taken. */
async function claimable(port: number, flag: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const other = port < 65_000 ? port + 1 : port - 1
      if (error.code !== 'EADDRINUSE')
        return reject(
          new Error(`Port ${port} cannot be used (${error.code}). Choose another one: npm start -- ${flag} ${other}`),
        )
      reject(
        new Error(
          `Port ${port} is already in use, perhaps by another \`npm start\`. Stop that one, or choose another port: npm start -- ${flag} ${other}`,
        ),
      )
    })
    server.listen(port, HOST, resolve)
  })
  await new Promise((resolve) => server.close(resolve))
}

function settingsOf(options: DemoOptions, ssh: number | undefined) {
  const listen = {
    postgres: `${HOST}:${options.port}`,
    api: `${HOST}:${options.apiPort}`,
    tunnel: `${HOST}:0`,
    ...(ssh !== undefined && { ssh: `${HOST}:${ssh}` }),
  }
  const yaml = JSON.stringify({ dataDir: options.dir, origin: 'demo.sluice.local/ledger', listen, drainSeconds: 1 })
  return parseSettings(yaml, { file: 'demo settings', base: process.cwd() })
}

function description(gateway: RunningGateway, token: string, tour: readonly TourStep[]) {
  const url = `postgresql://orders:${token}@${gateway.postgres}/shop`
  return { console: `${gateway.api}/`, api: gateway.api, resources: { orders: { url } }, tour }
}

function welcome(gateway: RunningGateway, tour: readonly TourStep[], seconds: number): string {
  const { bold, dim, green } = paintFor(process.stdout)
  const steps = tour.map(({ promise, run }, i) => `${bold(`${i + 1}.`)} ${promise}\n   ${green(run)}\n`)
  return `
${bold('Sluice is ready')} ${dim(`(${seconds} s)`)}  PostgreSQL ${gateway.postgres},${gateway.ssh ? ` SSH ${gateway.ssh},` : ''} API ${gateway.api}
You are ada, a DBA. triage-bot is an agent. Paste these into another terminal in this folder:

${steps.join('\n')}
The rules are in ${here(gateway.policies.dir)}/: edit them, and they come into force by themselves. Ctrl-C stops everything.
`
}

/** A path as it is typed in the clone. */
function here(path: string): string {
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}

async function giveUp(error: unknown): Promise<void> {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
  await stop().catch((again: Error) => say(again.message))
  process.exit()
}

for (const signal of SIGNALS) {
  let first_ms = 0
  process.on(signal, () => {
    // A terminal's Ctrl-C reaches us twice: by itself, and passed on by `npm start`.
    first_ms ||= performance.now()
    if (performance.now() - first_ms > PATIENCE_MS) process.exit(1)
    if (!stopping) void stop().then(() => process.exit(), giveUp)
  })
}

// What a stop cut short is no failure to tell of: whoever asked for it sees to the end.
await main().catch((error) => (stopping ? undefined : giveUp(error)))
