import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, createApi } from '../../src/api/app.ts'
import type { ApiServices, PastSession, ReplayEvent } from '../../src/api/services.ts'
import { createApprovals } from '../../src/approval/approvals.ts'
import { createAttempts } from '../../src/identity/attempts.ts'
import { createTokenEndpoint } from '../../src/identity/exchange/endpoint.ts'
import { createIdentity, type Identity } from '../../src/identity/identity.ts'
import { createPeople, type PeopleDocuments } from '../../src/identity/people.ts'
import type { KnownPrincipal } from '../../src/identity/principals.ts'
import { createSignInService } from '../../src/identity/sign-in/service.ts'
import { createSshCa } from '../../src/identity/ssh-ca.ts'
import { createSshLinks } from '../../src/identity/ssh-links.ts'
import { sha256 } from '../../src/kit/digest.ts'
import { SluiceError } from '../../src/kit/errors.ts'
import { createLog } from '../../src/kit/log.ts'
import { Secret } from '../../src/kit/secret.ts'
import type { EntryKind } from '../../src/model/ledger.ts'
import type { ApprovalRequest, LiveSession, LiveSessions } from '../../src/model/ports.ts'
import type { Principal } from '../../src/model/principal.ts'
import type { IdentityProvider } from '../../src/model/provider.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { masterKey, randomKey } from '../../src/vault/seal.ts'
import { createVault } from '../../src/vault/vault.ts'

export const DIGEST = sha256('the request')

/** Everyone who may call: name, then whom they act for. The one behind `bot` is sue; the session, request and token of the rig are theirs. */
const CALLERS = {
  eve: ['human:eve'],
  sue: ['human:sue'],
  ada: ['human:ada'],
  root: ['human:root'],
  bot: ['agent:bot', 'human:sue'],
  botForTom: ['agent:bot', 'human:tom'],
  botAlone: ['agent:bot'],
  adminBot: ['agent:boss'],
  adminBotForRoot: ['agent:boss', 'human:root'],
} as const
export type Caller = keyof typeof CALLERS
export const CALLER_NAMES = Object.keys(CALLERS) as Caller[]

const HUMANS: Readonly<Record<string, readonly string[]>> = {
  eve: [],
  tom: [],
  sue: [],
  ada: ['dba'],
  root: ['admins'],
}
const BOTS: [string, KnownPrincipal][] = [
  ['agent:bot', { kind: 'agent', name: 'bot', groups: [], delegators: ['human:sue', 'human:tom'] }],
  ['agent:boss', { kind: 'agent', name: 'boss', groups: ['admins', 'dba'], delegators: ['group:admins'] }],
]

export const EVENTS: ReplayEvent[] = [
  {
    at: 1,
    kind: 'operation',
    op: 1,
    verb: 'SELECT',
    text: 'SELECT 1',
    outcome: 'allow',
    rule: 'r',
    reason: 'policy.allowed',
  },
  { at: 2, kind: 'rows', op: 1, columnsOf: 1, rows: [['1', null]] },
]

export interface TestApi extends AsyncDisposable {
  readonly app: Api
  readonly services: ApiServices
  readonly people: Map<string, KnownPrincipal>
  readonly providers: Map<string, IdentityProvider>
  /** Accounts that are people: `provider:subject` to `human:ada`. */
  readonly accounts: Map<string, string>
  readonly store: Store
  /** What sign-in takes for its own address. */
  base: string
  readonly entries: { kind: EntryKind; body: Record<string, unknown> }[]
  readonly kills: string[]
  /** Ids of the things that belong to bot, acting for sue. */
  readonly ids: { readonly session: string; readonly approval: string; readonly token: string }
  /** Ids of every caller's token. */
  readonly tokenIds: Readonly<Record<Caller, string>>
  /** While true the ledger refuses. */
  ledgerFails: boolean
  /** Sends a request as a caller; undefined: without a token. */
  call(caller: Caller | undefined, method: string, path: string, body?: unknown): Promise<Response>
  token(caller: Caller): string
  request(over?: Partial<ApprovalRequest>): ApprovalRequest
}

/** The API over real services and a real store (`patient`: wrong credentials cost no wait), and over stand-ins for sessions, policy and the ledger's reader. */
export async function startTestApi({ patient = false } = {}): Promise<TestApi> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-api-'))
  const store = await openStore({ path: join(folder, 'sluice.db') })
  const people = new Map<string, KnownPrincipal>(BOTS)
  for (const [name, groups] of Object.entries(HUMANS)) people.set(`human:${name}`, { kind: 'human', name, groups })
  const rig = {
    base: 'http://127.0.0.1:1',
    ledgerFails: false,
    entries: [] as TestApi['entries'],
    kills: [] as string[],
  }
  const made = await openServices({ store, rig, people, patient })
  const { clock, log, providers, accounts, principals, ledger, ssh, identity, approvals, vault, signIn, oauth } = made
  const { texts, ids: tokenIds, callers } = await signEveryoneIn(identity)
  const bot = callers.bot
  const live = liveSessions(bot, rig.kills)
  const services: ApiServices = {
    ...{ version: '0.0.0-test', clock, log, identity, principals, approvals, vault, ledger, live },
    ...standIns(bot),
    signIn,
    ssh,
    oauth,
  }
  const request = (over: Partial<ApprovalRequest> = {}): ApprovalRequest => ({ ...REQUEST, principal: bot, ...over })
  const approval = await approvals.request(request())
  rig.entries.length = 0
  const app = createApi(services)
  return Object.assign(rig, {
    ...{ app, services, people, providers, accounts, store, request, tokenIds },
    ids: { session: 'ses_live', approval: approval.id, token: tokenIds.bot },
    token: (caller: Caller) => texts[caller],
    async call(caller: Caller | undefined, method: string, path: string, body?: unknown) {
      const headers = new Headers(caller ? { authorization: `Bearer ${texts[caller]}` } : {})
      if (body !== undefined) headers.set('content-type', 'application/json')
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      return await app.request(path, { method, headers, ...(body === undefined ? {} : { body: text }) })
    },
    async [Symbol.asyncDispose]() {
      oauth.close()
      identity.close()
      principals.close()
      signIn.close()
      approvals.close()
      await store.close()
      rmSync(folder, { recursive: true })
    },
  })
}

interface Stage {
  readonly store: Store
  readonly rig: Pick<TestApi, 'base' | 'ledgerFails' | 'entries'>
  readonly people: Map<string, KnownPrincipal>
  readonly patient: boolean
}

/** The real services, over one store. */
async function openServices({ store, rig, people, patient }: Stage) {
  const clock = { now_ms: () => Date.now(), monotonic_ms: () => performance.now() }
  const log = createLog('error')
  const providers = new Map<string, IdentityProvider>()
  const accounts = new Map<string, string>()
  const documents = (): PeopleDocuments => ({
    ...{ version: JSON.stringify([...providers, ...accounts, ...people]), providers, accounts },
    groups: new Set([...people.values()].flatMap(({ groups }) => [...groups])),
    lookup: (id) => people.get(id),
    ids: () => people.keys(),
    groupsOf: ({ groups }) => groups,
  })
  const principals = createPeople({ store, documents, clock, log })
  const ledger: ApiServices['ledger'] = {
    append: (kind, body) => rig.entries.push({ kind, body: JSON.parse(`{${body}}`) as Record<string, unknown> }),
    commit: () => {
      if (rig.ledgerFails) throw new SluiceError('ledger.unwritable')
    },
    durable: async () => {},
  }
  const seed = () => new Secret(randomKey())
  const ssh = {
    ca: createSshCa({ own: seed(), targets: seed(), clock }),
    links: createSshLinks({ clock, url: (id) => `http://127.0.0.1:1/ssh/${id}` }),
    hostNames: ['gateway.test'],
    address: () => '127.0.0.1:22',
  }
  const identity = createIdentity({ store, clock, principals, ssh })
  const approvals = createApprovals({ store, ledger, clock, principals, url: 'http://127.0.0.1:1/approvals' })
  const vault = await createVault({ store, master: masterKey(randomKey()), clock, env: {} })
  const bounds = { burst: 1e9, forget_ms: 1, wait_ms: 1, wait_max_ms: 1, keys: 10 }
  const attempts = createAttempts({ clock, ...(patient && { bounds }) })
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
  const signIn = createSignInService({ ...door, base: () => rig.base, ...(patient && { flowAttempts: attempts }) })
  const oauth = createTokenEndpoint({
    ...{ store, identity, principals, ledger, attempts, clock },
    trust: () => ({ issuer: () => undefined, trustDomain: () => undefined }),
    issuer: () => rig.base,
    redeem: (proof) => signIn.redeem(proof),
  })
  return { clock, log, providers, accounts, principals, ledger, ssh, identity, approvals, vault, signIn, oauth }
}

const REQUEST: Omit<ApprovalRequest, 'principal'> = {
  digest: DIGEST,
  ...{
    session: 'ses_live',
    resource: 'orders',
    database: 'shop',
    verb: 'DELETE',
    effects: ['delete'],
    state: { role: 'app' },
  },
  ...{
    text: "DELETE FROM orders WHERE note = '<b>\u202E'",
    parameters: ['7', null],
    policy: 'p1',
    message: 'Ask a DBA.',
  },
  terms: [{ rule: 'ask', by: ['group:dba'], count: 1, hold_ms: 1_000, expires_ms: 600_000 }],
}

async function signEveryoneIn(identity: Identity) {
  const texts = {} as Record<Caller, string>
  const ids = {} as Record<Caller, string>
  const callers = {} as Record<Caller, Principal>
  for (const name of CALLER_NAMES) {
    const [principal, ...actors] = CALLERS[name]
    const wish = { principal, actors, label: name, ttl_ms: 3_600_000, by: 'test', kind: 'machine' } as const
    const { token, id } = await identity.issueToken(wish)
    texts[name] = token.reveal()
    ids[name] = id
    callers[name] = (await identity.authenticate({ kind: 'token', proof: texts[name], from: '' }))!
  }
  return { texts, ids, callers }
}

function sessionOf(principal: Principal, id: string): PastSession {
  const names = {
    protocol: 'postgres',
    resource: 'orders',
    from: '127.0.0.1',
    upstreamUser: 'app',
    database: 'shop',
    client: 'psql',
  }
  return { id, principal, opened_ms: 1_800_000_000_000, operations: 3, rows: 2, bytes: 99, ...names }
}

function liveSessions(bot: Principal, kills: string[]): LiveSessions {
  const live: LiveSession[] = [{ ...sessionOf(bot, 'ses_live'), state: 'held' }]
  return {
    list: () => live,
    async kill(id, by, why) {
      kills.push(`${id} by ${by}: ${why}`)
      const before = live.splice(0, live.length, ...live.filter((each) => each.id !== id))
      return before.some((each) => each.id === id) ? 'ended' : 'unknown'
    },
  }
}

const CONNECTOR = {
  ...{
    name: 'vpc-1',
    id: 'con_1',
    state: 'ready' as const,
    version: '1.0.0',
    from: '192.0.2.7',
    joinedBy: 'human:ada',
  },
  ...{ joined_ms: 1_800_000_000_000, seen_ms: 1_800_000_000_000, expires_ms: 1_800_600_000_000 },
}

function standIns(
  bot: Principal,
): Pick<ApiServices, 'sessions' | 'transcripts' | 'connectors' | 'policy' | 'resources' | 'audit' | 'problems'> {
  const past: PastSession = { ...sessionOf(bot, 'ses_past'), closed_ms: 1_800_000_001_000, endedWhy: 'the client left' }
  const status = {
    version: 'p1',
    loaded_ms: 1_800_000_000_000,
    rules: 1,
    resources: 1,
    problems: ['rules.yaml:3: a problem'],
  }
  const words = {
    reason: 'policy.default',
    rule: '',
    message: 'No rule allows it.',
    hint: '',
    verb: 'SELECT',
    confidence: 'exact',
    policy: 'p1',
  }
  const lists = { matched: [], effects: ['read'], objects: [], obligations: { mask: [] }, approvals: [], shadow: [] }
  const named = {
    labels: { env: 'prod' },
    description: '',
    url: 'postgresql://orders@127.0.0.1:15432/shop',
    users: ['app'],
  }
  return {
    sessions: {
      recent: async () => [past],
      get: async (id) => (id === past.id ? past : undefined),
    },
    transcripts: {
      read: async (_, { from, limit }) => ({ events: EVENTS.slice(from, from + limit) }),
      async *follow() {
        yield* EVENTS
      },
    },
    policy: {
      status: () => status,
      reload: async () => status,
      explain: async ({ principal }) => ({ outcome: 'deny', ...words, ...lists, because: principal.id }),
    },
    resources: {
      names: () => ['orders'],
      list: (principal) => (principal.id === 'human:eve' ? [] : [{ name: 'orders', protocol: 'postgres', ...named }]),
    },
    audit: {
      entries: async () => ({ entries: [{ index: 0, at_ms: 1, kind: 'start', body: {} }], size: 1 }),
      checkpoint: async () => ({ note: 'n', publicKey: 'k' }),
      verify: async () => ({ ok: true, size: 1 }),
    },
    problems: () => [],
    connectors: {
      address: 'gw.example:15443',
      invite: async (name, ttl_ms) => ({
        id: 'inv_1',
        name,
        token: 'slu_join_x',
        expires_ms: 1_800_000_000_000 + ttl_ms,
      }),
      grant: async () => 'd'.repeat(64),
      list: async () => [CONNECTOR],
      revoke: async (which) => ({ revoked: which === CONNECTOR.id ? [which] : [], withdrawn: 0 }),
    },
  }
}
