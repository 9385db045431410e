import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type Approvals, createApprovals } from './approval/approvals.ts'
import { createGateway, type Gateway } from './engine/gateway.ts'
import { createIdentity, type Identity } from './identity/identity.ts'
import { systemClock } from './kit/clock.ts'
import { SluiceError } from './kit/errors.ts'
import { createLog, type Log } from './kit/log.ts'
import { openLedger } from './ledger/open.ts'
import type { LedgerPort } from './model/ports.ts'
import type { Protocol } from './protocols/contract.ts'
import { ownCertificate } from './setup/certificate.ts'
import type { Address, GatewaySettings } from './setup/config.ts'
import { openPolicyFolder, type PolicyFolder } from './setup/policy-folder.ts'
import { openStore } from './store/store.ts'
import { openTranscripts, type Transcripts } from './transcript/transcripts.ts'
import { loadMasterKey } from './vault/keyfile.ts'
import { createVault, type Vault } from './vault/vault.ts'

/** A gateway that runs. */
export interface RunningGateway {
  readonly postgres: Address
  /** Base URL of the API. */
  readonly api: string
  readonly policies: PolicyFolder
  readonly identity: Identity
  readonly approvals: Approvals
  readonly vault: Vault
  /** Drains and stops: what runs gets the settings' time, idle sessions end at once. Later calls join the first. */
  stop(): Promise<void>
}

/** Starts everything a gateway is made of; what was started is stopped again when a later step fails. Rejects with a SluiceError. */
export async function startGateway(
  settings: GatewaySettings,
  log: Log = createLog(settings.log),
): Promise<RunningGateway> {
  const closers = new Closers(log)
  try {
    return await start({ settings, log, closers })
  } catch (error) {
    await closers.close()
    throw error
  }
}

interface Start {
  readonly settings: GatewaySettings
  readonly log: Log
  readonly closers: Closers
}

async function start({ settings, log, closers }: Start): Promise<RunningGateway> {
  const clock = systemClock
  const at = (...names: string[]) => join(settings.dataDir, ...names)
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 })

  const policies = closers.keep(openPolicyFolder(settings.policyDir, log))
  const principals = { lookup: (id: string) => policies.current().principals.get(id) }
  const store = closers.keep(await openStore({ path: at('store.sqlite') }))
  const ledger = closers.keep(await openLedger({ dir: at('ledger'), origin: settings.origin, log }))
  const transcripts = closers.keep(
    openTranscripts({ dir: at('transcripts'), ledger, sampleRows: settings.sampleRows, log }),
  )
  const master = loadMasterKey({ env: process.env, path: at('keys', 'master.key') })
  const vault = await createVault({ store, master, clock, env: process.env, log })
  const identity = closers.keep(createIdentity({ store, clock, principals, log }))
  let publicUrl = settings.publicUrl ?? ''
  const approvals = closers.keep(
    createApprovals({ store, ledger, clock, principals, url: () => `${publicUrl}/approvals`, log }),
  )

  const gateway = await createGateway({
    ports: {
      identity,
      policy: policies,
      ledger: unlessUnrecorded(ledger, transcripts),
      approvals,
      recorder: transcripts,
      secrets: vault,
    },
    listeners: [{ protocol: postgres(settings), ...settings.listen.postgres, tls: tlsOf(settings) }],
    log,
  })
  closers.add(() => drain(gateway, settings.drain_ms))
  recordPolicies(policies, ledger, gateway)

  const api = { url: 'http://127.0.0.1:0' }
  publicUrl ||= api.url
  const [port = 0] = gateway.ports
  return {
    postgres: { host: settings.listen.postgres.host, port },
    api: api.url,
    policies,
    identity,
    approvals,
    vault,
    stop: () => closers.close(),
  }
}

function postgres(_settings: GatewaySettings): Protocol {
  throw new SluiceError('config.invalid')
}

/** While transcripts cannot be written nothing may be forwarded: then no tick's ledger entries count as written either. */
function unlessUnrecorded(ledger: LedgerPort, transcripts: Transcripts): LedgerPort {
  return {
    append: (kind, body) => ledger.append(kind, body),
    commit: () => {
      ledger.commit()
      if (transcripts.failure) throw transcripts.failure
    },
    durable: () => ledger.durable(),
  }
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

function tlsOf(settings: GatewaySettings): SecureContext {
  try {
    const pair = settings.tls
      ? { cert: readFileSync(settings.tls.cert, 'utf8'), key: readFileSync(settings.tls.key, 'utf8') }
      : ownCertificate(join(settings.dataDir, 'tls'), Date.now())
    return createSecureContext({ ...pair, minVersion: 'TLSv1.2' })
  } catch (error) {
    throw new SluiceError(
      'config.invalid',
      `the certificate or key of \`tls\` cannot be used: ${(error as Error).message}`,
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
