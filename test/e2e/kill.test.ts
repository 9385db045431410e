import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../../src/api/client.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { readLedger } from '../rig/ledger.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { until } from '../rig/until.ts'

const SESSIONS = 200
/** The promise of the issue: from the order to end to the last backend gone. */
const LIMIT_MS = 2_000

const POLICY = `
kind: Human
name: root
groups: [admins]
---
kind: Human
name: ada
groups: [dba]
---
kind: Agent
name: sleeper
owner: support
delegators: [group:dba]
---
kind: Agent
name: bystander
owner: support
---
kind: Rule
name: everything
who: "true"
on: "true"
then: allow
`

let server: PostgresServer
let gateway: TestGateway
let watcher: pg.Client

beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: 500 } })
  gateway = await startTestGateway({ target: server, policy: POLICY })
  watcher = new pg.Client(server)
  await watcher.connect()
})
afterAll(async () => {
  await watcher?.end()
  await gateway?.stop()
  await server?.stop('immediate')
})

const api = () => createClient({ url: gateway.api, token: gateway.token('human:root') }).api.v1

/** A token of the agent, acting for ada, as the token endpoint gives it. */
async function delegated(): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: gateway.token('human:ada'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    requested_actor: 'agent:sleeper',
    client_id: 'sluice-cli',
  })
  const response = await fetch(`${gateway.api}/oauth/token`, { method: 'POST', body })
  expect(response.status).toBe(200)
  return ((await response.json()) as { access_token: string }).access_token
}

interface Sleeping {
  readonly client: pg.Client
  readonly ended: Promise<string>
}

/** A session whose statement runs on the server. */
async function asleep(token: string): Promise<Sleeping> {
  const client = new pg.Client({ ...gateway.login('human:root'), password: token })
  client.on('error', () => {})
  await client.connect()
  const ended = client.query('select pg_sleep(600)').then(
    () => 'it slept to its end',
    (error: Error) => error.message,
  )
  return { client, ended }
}

/** Backends on which a statement of ours sleeps, as the server itself says. */
async function sleeping(): Promise<number> {
  const { rows } = await watcher.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where state = 'active' and query like 'select pg_sleep(600)%'`,
  )
  return rows[0]!.count
}

async function backends(): Promise<number> {
  const { rows } = await watcher.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where backend_type = 'client backend' and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()`,
  )
  return rows[0]!.count
}

describe.each<
  [string, (session: { tokenId: string }) => Parameters<ReturnType<typeof api>['kill']['$post']>[0]['json']]
>([
  ['the agent', () => ({ kind: 'principal', subject: 'agent:sleeper' })],
  ['the person it acts for', () => ({ kind: 'principal', subject: 'human:ada' })],
  ['the resource', () => ({ kind: 'resource', subject: 'target' })],
  ['the token', ({ tokenId }) => ({ kind: 'token', subject: tokenId })],
  ['everything', () => ({ kind: 'all' })],
])('killing %s', (name, aim) => {
  let token: string
  beforeEach(async () => {
    token = await delegated()
  })

  it(`ends ${SESSIONS} live sessions and what they run on the server within ${LIMIT_MS} ms, and keeps it shut until lifted`, async () => {
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => asleep(token)))
    const other = await asleep(gateway.token('agent:bystander'))
    await until(async () => (await sleeping()) === SESSIONS + 1)
    const { tokens } = (await (await api().tokens.$get()).json()) as { tokens: { id: string; actors: string[] }[] }
    const tokenId = tokens.find(({ actors }) => actors.includes('human:ada'))!.id
    const order = aim({ tokenId })
    const spared = name === 'the resource' || name === 'everything' ? 0 : 1

    const start = performance.now()
    const answer = await (await api().kill.$post({ json: { ...order, reason: 'test' } })).json()
    await until(async () => (await backends()) === spared, LIMIT_MS)
    const took_ms = performance.now() - start
    expect(answer).toEqual({ changed: true, sessions: SESSIONS + 1 - spared })
    expect(took_ms).toBeLessThan(LIMIT_MS)
    for (const words of await Promise.all(sessions.map(({ ended }) => ended))) expect(words).not.toContain('slept')

    await expect(asleep(token)).rejects.toThrow('Access denied')
    const left = [other]
    if (order.kind !== 'token') {
      const lifted = await api().unblock.$post({ json: { kind: order.kind, subject: order.subject } })
      expect(await lifted.json()).toEqual({ changed: true })
      left.push(await asleep(token))
    }
    const awake = order.kind === 'token' || spared === 1 ? 0 : 1
    await until(async () => (await sleeping()) === left.length - awake)
    // A server does not see that a sleeper's client has left: what is left is ended by the server's own means.
    await watcher.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep(600)%' and pid <> pg_backend_pid()`,
    )
    for (const { ended } of left) await ended
    expect(
      readLedger(gateway.dataDir)
        .filter((entry) => (entry as { action?: string }).action === 'kill')
        .at(-1),
    ).toMatchObject({
      kind: 'admin',
      subject: order.subject ?? '*',
      by: 'human:root',
    })
  }, 60_000)
})
