import { mkdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { setFlagsFromString } from 'node:v8'
import { createApi } from './api/app.ts'
import { type ApiListener, listenApi } from './api/server.ts'
import { createApprovals } from './approval/approvals.ts'
import { createGateway, type Gateway, type ListenerConfig } from './engine/gateway.ts'
import { createSpending } from './engine/spending.ts'
import { createAttempts } from './identity/attempts.ts'
import { documentsInForce } from './identity/documents.ts'
import { createTokenEndpoint } from './identity/exchange/endpoint.ts'
import { createIdentity, type Identity } from './identity/identity.ts'
import { createPeople } from './identity/people.ts'
import { createSignInService } from './identity/sign-in/service.ts'
import { createSshCa } from './identity/ssh-ca.ts'
import { createSshLinks } from './identity/ssh-links.ts'
import { createKeyring } from './identity/trust/keys.ts'
import { verifyWorkload } from './identity/trust/verify.ts'
import { type Clock, systemClock } from './kit/clock.ts'
import { SluiceError } from './kit/errors.ts'
import { createLog, type Log } from './kit/log.ts'
import { Ed25519Key } from './kit/ssh-key.ts'
import { openLedger } from './ledger/open.ts'
import type { LedgerPort } from './model/ports.ts'
import { createPostgres } from './protocols/postgres/index.ts'
import { createSsh } from './protocols/ssh/index.ts'
import { textAnalyser } from './setup/analyse.ts'
import { auditReader } from './setup/audit.ts'
import { type KeyPair, ownCertificate } from './setup/certificate.ts'
import { type GatewaySettings, hostNamesOf, reachedAt, writtenNames } from './setup/config.ts'
import { resourceDirectory } from './setup/directory.ts'
import { openPolicyFolder, type PolicyFolder } from './setup/policy-folder.ts'
import { policyService } from './setup/policy-service.ts'
import { endUnrecorded, unlessUnrecorded } from './setup/unrecorded.ts'
import { openStore } from './store/store.ts'
import { openTranscripts } from './transcript/transcripts.ts'
import { createTunnels, type Tunnels } from './tunnel/gateway/tunnels.ts'
import { loadMasterKey } from './vault/keyfile.ts'
import { createVault } from './vault/vault.ts'

/** A gateway that runs. */
export interface RunningGateway {
  /** `host:port` of the PostgreSQL listener. */
  readonly postgres: string
  /** `host:port` of the SSH listener, if there is one. */
  readonly ssh?: string
  /** Base URL of the API. */
  readonly api: string
  /** `host:port` that connectors dial, where the settings name one. */
  readonly tunnel?: string
  readonly connectors: Tunnels
  readonly policies: PolicyFolder
  readonly identity: Identity
  /** Issues a token from the machine itself, on record: the way to the first administrator. Rejects with `token.invalid`. */
  issueToken(principal: string, ttl_ms: number): Promise<string>
  /** Drains and stops: what runs gets the settings' time, idle sessions end at once. Later calls join the first. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly version: string
  readonly log?: Log
}

/** Starts everything a gateway is made of; what was started is stopped again when a later step fails. Rejects with a SluiceError. */
export async function startGateway(settings: GatewaySettings, options: StartOptions): Promise<RunningGateway> {
  const log = options.log ?? createLog(settings.log)
  const closers = new Closers(log)
  keepGrammarsSmall()
  try {
    return await start({ settings, version: options.version, log, closers })
  } catch (error) {
    await closers.close()
    throw error
  }
}

/**
 * A grammar is one giant function: V8's optimizing compiler takes 520 MB for a while to compile it, and then parses 1.4 times as fast. Parses
 * are cached, so the memory counts more (measured with libpg-query 13, 15 and 18 on Node 24.21). Must run before a grammar is loaded.
 */
function keepGrammarsSmall(): void {
  for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)
}

interface Start {
  readonly settings: GatewaySettings
  readonly version: string
  readonly log: Log
  readonly closers: Closers
}

async function start(start: Start): Promise<RunningGateway> {
  const { settings, log, closers } = start
  const certificate = certificateOf(settings)
  const services = await openServices(start)
  const { policies, ledger, transcripts, identity, approvals, vault } = services
  const tunnels = await openTunnels(start, services, certificate)
  const gateway = await createGateway({
    ports: {
      identity,
      policy: policies,
      ledger: unlessUnrecorded(ledger, transcripts),
      approvals,
      recorder: transcripts,
      secrets: vault,
      spending: createSpending(),
      tunnels: tunnels.dialer,
      sshLogins: services.ssh.ca,
    },
    listeners: [
      {
        protocol: createPostgres({ sampleRows: settings.sampleRows }),
        ...settings.listen.postgres,
        tls: contextOf(certificate),
      },
      ...(await sshListeners(settings, services)),
    ],
    log,
  })
  closers.add(() => drain(gateway, settings.drain_ms))
  closers.add(endUnrecorded(gateway, [ledger, transcripts]))
  recordPolicies(policies, ledger, gateway)
  const postgres = `${settings.listen.postgres.host}:${gateway.ports[0]}`
  const ssh = settings.listen.ssh && `${settings.listen.ssh.host}:${gateway.ports[1]}`
  const api = closers.keep(await serveApi(start, services, { gateway, postgres, ssh, certificate, tunnels }))
  services.publicUrl.base ||= reachedAt(api.url, settings, hostname())
  return {
    postgres,
    ...(ssh !== undefined && { ssh }),
    api: api.url,
    ...(tunnels.address !== undefined && { tunnel: tunnels.address }),
    connectors: tunnels.dialer,
    policies,
    identity,
    issueToken: async (principal, ttl_ms) => {
      ledger.append(
        'admin',
        `"action":"token.issue","subject":${JSON.stringify(principal)},"by":"serve","ttl_ms":${ttl_ms}`,
      )
      ledger.commit()
      return (
        await identity.issueToken({ principal, label: 'first token', ttl_ms, by: 'serve', kind: 'machine' })
      ).token.reveal()
    },
    stop: () => closers.close(),
  }
}

/** The gateway's side of connectors; it takes them in where the settings name an address for them. */
async function openTunnels(start: Start, { vault, store, ledger, clock, attempts, policies }: Services, tls: KeyPair) {
  const { settings, log, closers } = start
  const seed = await vault.own('connector-ca')
  const parts = { trust: () => policies.current().trust, keys: createKeyring({ clock }), usedIds: store.usedIds, clock }
  const workload = async (token: string) => (await verifyWorkload(parts, token)).principal
  const dialer = closers.keep(createTunnels({ store, ledger, clock, log, attempts, seed, tls, workload }))
  const { tunnel } = settings.listen
  if (tunnel === undefined) return { dialer, address: undefined }
  const { port } = await dialer.listen(tunnel)
  const host = tunnel.host.includes(':') ? `[${tunnel.host}]` : tunnel.host
  return { dialer, address: settings.publicTunnel ?? reachedAt(`${host}:${port}`, settings) }
}

type Services = Awaited<ReturnType<typeof openServices>>

/** Opens what holds state, in the order in which one needs the other. */
async function openServices({ settings, log, closers }: Start) {
  const clock = systemClock
  const at = (...names: string[]) => join(settings.dataDir, ...names)
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 })
  const policies = closers.keep(openPolicyFolder(settings.policyDir, log))
  // The ledger first: its lock keeps a second gateway away from everything in the folder.
  const ledger = closers.keep(await openLedger({ dir: at('ledger'), origin: settings.origin, log }))
  const store = closers.keep(await openStore({ path: at('store.sqlite') }))
  const transcripts = closers.keep(
    openTranscripts({ dir: at('transcripts'), ledger, sampleRows: settings.sampleRows, log }),
  )
  const master = loadMasterKey({ env: process.env, path: at('keys', 'master.key') })
  const vault = await createVault({ store, master, clock, env: process.env, log })
  const declared = await documentsInForce(policies, { store, ledger, clock, log })
  const documents = declared.current
  const principals = closers.keep(createPeople({ store, documents, clock, log }))
  principals.also({ lookup: () => undefined, load: declared.load })
  await principals.load()
  const publicUrl = { base: settings.publicUrl ?? '' }
  const ssh = {
    ca: createSshCa({ own: await vault.own('ssh-ca'), targets: await vault.own('ssh-target-ca'), clock }),
    links: createSshLinks({ clock, url: (id) => `${publicUrl.base}/ssh/${id}` }),
    hostNames: hostNamesOf(settings),
  }
  const identity = closers.keep(createIdentity({ store, clock, principals, log, ssh }))
  const attempts = createAttempts({ clock })
  const door = {
    store,
    identity,
    people: principals,
    documents,
    secrets: vault,
    seal: vault,
    ledger,
    attempts,
    clock,
    log,
  }
  const signIn = closers.keep(createSignInService({ ...door, base: () => publicUrl.base }))
  const oauth = closers.keep(
    createTokenEndpoint({
      ...{ identity, store, principals, attempts, ledger, clock },
      trust: () => policies.current().trust,
      issuer: () => publicUrl.base,
      redeem: (proof) => signIn.redeem(proof),
    }),
  )
  const url = () => `${publicUrl.base}/approvals`
  const approvals = closers.keep(createApprovals({ store, ledger, clock, principals, url, log }))
  const kept = { store, attempts } // for connectors
  return {
    ...kept,
    clock,
    policies,
    principals,
    ledger,
    transcripts,
    vault,
    identity,
    approvals,
    publicUrl,
    signIn,
    oauth,
    ssh,
  }
}

/** SSH is spoken where the settings name an address for it. */
async function sshListeners({ listen }: GatewaySettings, { vault, ssh, clock }: Services): Promise<ListenerConfig[]> {
  if (!listen.ssh) return []
  const key = new Ed25519Key(await vault.own('ssh-host'))
  const hostCertificate = renewed(clock, () => ssh.ca.host(key.blob, ssh.hostNames))
  return [{ protocol: createSsh({ hostKey: key.privateText(), hostCertificate }), ...listen.ssh }]
}

const DAY_MS = 86_400_000

/** Makes a thing anew when it is a day old and asked for. */
function renewed<T>(clock: Clock, make: () => T): () => T {
  let made = make()
  let at_ms = clock.now_ms()
  return () => {
    if (clock.now_ms() - at_ms < DAY_MS) return made
    at_ms = clock.now_ms()
    made = make()
    return made
  }
}

interface Running {
  readonly tunnels: { readonly dialer: Tunnels; readonly address: string | undefined }
  readonly gateway: Gateway
  readonly postgres: string
  readonly ssh: string | undefined
  readonly certificate: KeyPair
}

/** Serves the API: in the clear on this machine only, with the gateway's certificate elsewhere. */
function serveApi({ settings, version, log }: Start, services: Services, running: Running): Promise<ApiListener> {
  const { policies, transcripts, ledger, clock } = services
  const { gateway, certificate } = running
  const { host, port } = settings.listen.api
  const dir = join(settings.dataDir, 'ledger')
  const at = (listener: string | undefined) => listener && reachedAt(listener, settings)
  const app = createApi({
    ...services,
    version,
    log,
    live: gateway.live,
    connectors: { ...running.tunnels.dialer, address: running.tunnels.address },
    sessions: transcripts.sessions,
    policy: policyService({
      policies,
      analyse: textAnalyser(
        (resource) => policies.current().labels(resource),
        () => policies.current().commands,
      ),
      clock,
    }),
    resources: resourceDirectory(
      () => policies.current(),
      (protocol) => at(protocol === 'ssh' ? running.ssh : running.postgres),
    ),
    ssh: { ...services.ssh, address: () => at(running.ssh) },
    audit: auditReader({
      dir,
      transcripts: join(settings.dataDir, 'transcripts'),
      publicKey: ledger.publicKey,
      size: () => ledger.size,
    }),
    trustedProxies: settings.trustedProxies,
    problems: () => [ledger.failure, transcripts.failure].flatMap((failure) => (failure ? [failure.message] : [])),
  })
  return listenApi({ app, host, port, ...(isLoopback(host) ? {} : { tls: certificate }) })
}

function isLoopback(host: string): boolean {
  return /^(127(\.\d+){3}|::1|localhost)$/.test(host)
}

/** The ledger names every policy that was ever in force, before anything is decided by it. */
function recordPolicies(policies: PolicyFolder, ledger: LedgerPort, gateway: Gateway): void {
  const record = () => {
    const { version, rules } = policies.current()
    ledger.append('policy', `"policy":${JSON.stringify(version)},"rules":${rules.length}`)
    gateway.touchLedger()
  }
  record()
  policies.onChange(record)
}

function certificateOf(settings: GatewaySettings): KeyPair {
  try {
    if (!settings.tls) return ownCertificate(join(settings.dataDir, 'tls'), writtenNames(settings), Date.now())
    return { cert: readFileSync(settings.tls.cert, 'utf8'), key: readFileSync(settings.tls.key, 'utf8') }
  } catch (error) {
    throw new SluiceError(
      'config.invalid',
      `the certificate or key of \`tls\` cannot be read: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

function contextOf(pair: KeyPair): SecureContext {
  try {
    return createSecureContext({ ...pair, minVersion: 'TLSv1.2' })
  } catch (error) {
    throw new SluiceError(
      'config.invalid',
      `the certificate and key of \`tls\` do not fit: ${(error as Error).message}`,
      { cause: error },
    )
  }
}

/** How often a drain looks whether anything still runs. */
const LOOK_MS = 25

/** Lets statements that run come to their end, then stops. A held operation does not count: nobody may be there to answer. */
async function drain(gateway: Gateway, limit_ms: number): Promise<void> {
  const running = () => gateway.live.list().some((session) => session.state === 'running')
  for (const end = Date.now() + limit_ms; running() && Date.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  await gateway.stop(0)
}

/** What must be closed, last opened first. One that fails does not keep the others open. */
class Closers {
  readonly #log: Log
  readonly #open: (() => unknown)[] = []
  #closed: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  add(close: () => unknown): void {
    this.#open.push(close)
  }

  keep<T extends { close(): unknown }>(part: T): T {
    this.add(() => part.close())
    return part
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#open.reverse()) {
      try {
        await close()
      } catch (error) {
        this.#log.error('a part of the gateway did not stop in order', { detail: (error as Error).message })
      }
    }
  }
}
