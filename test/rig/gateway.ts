import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ended, spawnMortal } from './child.ts'
import { type ConnectorProcess, startConnectorProcess } from './connector.ts'
import type { Login } from './postgres.ts'
import { tempFolder } from './temp.ts'

/** What the gateway's process is told, and what it answers. */
export interface GatewayOrder {
  readonly settings: Readonly<Record<string, unknown>>
  readonly principals: readonly string[]
  /** Join tokens wanted: how many of each name. */
  readonly connectors?: Readonly<Record<string, number>>
}
export interface GatewayLine {
  readonly port: number
  /** Of the SSH listener, if `settings.listen.ssh` asks for one. */
  readonly ssh?: number
  /** Of the listener for connectors, likewise. */
  readonly tunnel?: number
  readonly api: string
  readonly tokens: Readonly<Record<string, string>>
  readonly joinTokens: Readonly<Record<string, readonly string[]>>
}

/** A resource in front of the target. */
export interface TestResource {
  readonly name: string
  readonly labels?: Readonly<Record<string, string>>
  /** Accounts on the target; the first is the default. Without it: the target's own. */
  readonly users?: readonly { readonly name: string; readonly password?: string }[]
  /** Default: in the clear. */
  readonly tls?: { readonly mode: string }
}

export interface TestGatewayOptions {
  /** Where the server is, and the account the gateway logs in with. */
  readonly target: Login
  /** Policy documents in YAML without resources. Everyone it names as Human, Agent or Service gets a token. */
  readonly policy: string
  /** Default: one, named `target`, labelled env: prod. */
  readonly resources?: readonly TestResource[]
  /** Switches of node for the gateway's process: `--cpu-prof`. */
  readonly node?: readonly string[]
  /** A folder of the test's own for ledger, store and transcripts. Default: a fresh one, gone after stop. */
  readonly dataDir?: string
  /** Overrides of sluice.yaml. */
  readonly settings?: Readonly<Record<string, unknown>>
  /**
   * The way to the targets. `connector`: every resource gets `via: connector:rig`, and a connector runs beside the gateway. Default: what
   * SLUICE_THROUGH says, so that any suite can be run either way.
   */
  readonly through?: 'direct' | 'connector'
  /** Switches of the connector: `--websocket`. */
  readonly connector?: readonly string[]
  /** Join tokens wanted beside: how many of each name. */
  readonly joinTokens?: Readonly<Record<string, number>>
  /** In front of the gateway's command: `['ip', 'netns', 'exec', 'near']`. */
  readonly before?: readonly string[]
}

/** A process between client and target. */
export interface Between extends AsyncDisposable {
  readonly port: number
  readonly pid: number
  /** How `principal` (`human:ada`) logs in to a resource: the token is the password. */
  login(principal: string, wanted?: { resource?: string; user?: string; database?: string }): Login
  stop(): Promise<void>
}

export interface TestGateway extends Between {
  /** Port of the SSH listener; throws when the settings ask for none. */
  readonly ssh: number
  /** Port of the listener for connectors; throws when there is none. */
  readonly tunnel: number
  readonly joinTokens: Readonly<Record<string, readonly string[]>>
  /** The connector of `through: 'connector'`. */
  readonly connector: ConnectorProcess | undefined
  /** Base URL of the API. */
  readonly api: string
  /** Holds ledger, store, transcripts. */
  readonly dataDir: string
  /** Holds the policy; what is written there comes into force. */
  readonly policyDir: string
  token(principal: string): string
  /** What the gateway wrote to its log. */
  log(): string
  /** SIGKILL: nothing is flushed. */
  kill(): Promise<void>
  /** Starts again on the same folder after a stop or kill; tokens stay good. */
  restart(): Promise<void>
}

const RESOURCE: TestResource = { name: 'target', labels: { env: 'prod' } }

/** Starts a gateway as a process of its own in front of `target`. It dies with this one. */
export async function startTestGateway(options: TestGatewayOptions): Promise<TestGateway> {
  const { target, policy, resources = [RESOURCE] } = options
  const through = options.through ?? (process.env.SLUICE_THROUGH === 'connector' ? 'connector' : 'direct')
  const folder = tempFolder('gateway')
  const dataDir = options.dataDir ?? join(folder.path, 'state')
  const policyDir = join(folder.path, 'policy')
  for (const each of [dataDir, policyDir]) mkdirSync(each, { recursive: true, mode: 0o700 })
  const documents = [policy, ...resources.map((resource) => documentOf(resource, target, folder.path))].join('\n---\n')
  writeFileSync(join(policyDir, 'policy.yaml'), through === 'connector' ? viaConnector(documents) : documents)
  const logPath = join(folder.path, 'log')
  const launch = launcher({ ...options, through }, { dataDir, policyDir, logPath })
  let { child, answer } = await launch(principalsOf(policy))
  const { tokens, joinTokens } = answer
  const connector = through === 'connector' ? await beside(answer, options.connector) : undefined
  const token = (principal: string) => tokens[principal] ?? raise(`the policy names no ${principal}`)
  const stop = async () => {
    await stopped(child, 'SIGTERM')
    await connector?.stop()
    folder.remove()
  }
  return {
    get port() {
      return answer.port
    },
    get pid() {
      return child.pid!
    },
    get api() {
      return answer.api
    },
    get ssh() {
      return answer.ssh ?? raise('the settings ask for no SSH listener')
    },
    get tunnel() {
      return answer.tunnel ?? raise('the settings ask for no listener for connectors')
    },
    connector,
    joinTokens,
    dataDir,
    policyDir,
    token,
    login: (principal, { resource = resources[0]!.name, user, database = target.database } = {}) => ({
      host: '127.0.0.1',
      port: answer.port,
      user: user ? `${user}+${resource}` : resource,
      password: token(principal),
      database,
    }),
    log: () => readFileSync(logPath, 'utf8'),
    kill: () => stopped(child, 'SIGKILL'),
    restart: async () => {
      ;({ child, answer } = await launch([]))
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Starts the gateway's process, again and again on the same folders; principals are for the first time. */
function launcher(
  { settings, through, joinTokens, node, before }: TestGatewayOptions,
  { logPath, ...folders }: { readonly dataDir: string; readonly policyDir: string; readonly logPath: string },
) {
  let tunnelPort = 0
  return async (principals: readonly string[]): Promise<{ child: ChildProcess; answer: GatewayLine }> => {
    const listen = {
      ...{ postgres: '127.0.0.1:0', api: '127.0.0.1:0' },
      ...(settings?.listen as object | undefined),
      // Its port stays the same over a restart: connectors come back to where the gateway was.
      ...(through === 'connector' && { tunnel: `127.0.0.1:${tunnelPort}` }),
    }
    const connectors = principals.length > 0 ? { ...joinTokens, ...(through === 'connector' && { rig: 1 }) } : {}
    const order: GatewayOrder = {
      settings: { ...folders, drainSeconds: 1, ...settings, listen },
      principals,
      connectors,
    }
    const { child, line } = await startProcess('gateway-process.ts', {
      ...{ argument: JSON.stringify(order), node, before, logPath },
    })
    const answer = JSON.parse(line) as GatewayLine
    tunnelPort = answer.tunnel ?? 0
    return { child, answer }
  }
}

/** A connector beside the gateway that may reach whatever listens on this machine. */
async function beside(
  { tunnel, joinTokens }: GatewayLine,
  switches: readonly string[] = [],
): Promise<ConnectorProcess> {
  const token = joinTokens.rig![0]!
  return await startConnectorProcess({
    ...{ gateway: `127.0.0.1:${tunnel}`, token, allow: ['127.0.0.1:*', 'localhost:*', '[::1]:*'], switches },
  })
}

/** The bare byte pipe as a process of its own: what a gateway is measured against. Clients log in to the target itself. */
export async function startPipeProcess({ target }: { target: Login }): Promise<Between> {
  const { child, line } = await startProcess('pipe.ts', { argument: String(target.port) })
  const port = Number(line)
  const stop = () => stopped(child, 'SIGTERM')
  return {
    port,
    pid: child.pid!,
    login: (_, wanted) => ({ ...target, database: wanted?.database ?? target.database, port }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

interface Program {
  readonly argument: string
  readonly node?: readonly string[] | undefined
  readonly before?: readonly string[] | undefined
  readonly logPath?: string
}

/** Starts a program of this folder and waits for the one line it prints when it is ready. */
async function startProcess(
  name: string,
  { argument, node = [], before = [], logPath }: Program,
): Promise<{ child: ChildProcess; line: string }> {
  const log = logPath === undefined ? 'inherit' : openSync(logPath, 'a')
  const child = spawnMortal([...before, process.execPath, ...node, join(import.meta.dirname, name), argument], {
    stdio: ['ignore', 'pipe', log],
  })
  const failed = once(child, 'exit').then(() =>
    raise(`${name} ended before it was ready\n${logPath ? readFileSync(logPath, 'utf8') : ''}`),
  )
  const [line] = (await Promise.race([once(createInterface(child.stdout!), 'line'), failed])) as [string]
  return { child, line }
}

async function stopped(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  child.kill(signal)
  await ended(child)
}

/** A resource as a policy document. JSON is YAML, and needs no quoting rules. */
function documentOf(
  { name, labels = {}, users, tls = { mode: 'disable' } }: TestResource,
  target: Login,
  folder: string,
): string {
  const accounts = (users ?? [{ name: target.user, password: target.password }]).map((user) => {
    if (user.password === undefined) return { name: user.name }
    const file = join(folder, `password-${name}-${user.name.replaceAll(/\W/g, '_')}`)
    writeFileSync(file, user.password, { mode: 0o600 })
    return { name: user.name, password: { file } }
  })
  const { host, port, database } = target
  return JSON.stringify({
    kind: 'Resource',
    name,
    protocol: 'postgres',
    address: `${host}:${port}`,
    database,
    labels,
    users: accounts,
    tls,
  })
}

/** Documents with every resource moved behind the connector: YAML, or one line of JSON. */
function viaConnector(documents: string): string {
  return documents
    .replace(/^kind: Resource$/gm, 'kind: Resource\nvia: connector:rig')
    .replace(/^\{"kind":"Resource",/gm, '{"kind":"Resource","via":"connector:rig",')
}

function principalsOf(policy: string): string[] {
  const documents = policy.split(/^---$/m)
  return documents.flatMap((document) => {
    const kind = /^kind: (Human|Agent|Service)$/m.exec(document)?.[1]
    const name = /^name: (.+)$/m.exec(document)?.[1]
    return kind && name ? [`${kind.toLowerCase()}:${name}`] : []
  })
}

function raise(why: string): never {
  throw new Error(why)
}
