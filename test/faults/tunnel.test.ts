/** Tunnels that break: sessions end with a clear error, new ones find another way, nothing hangs. */
import { once } from 'node:events'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Authority } from '../rig/certificates.ts'
import { run } from '../rig/child.ts'
import { type ConnectorProcess, startConnectorProcess } from '../rig/connector.ts'
import { type FaultProxy, startFaultProxy } from '../rig/fault-proxy.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { readLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type Login, type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { loginEnvironment } from '../rig/psql.ts'
import { until } from '../rig/until.ts'

interface Listed {
  readonly id: string
  readonly state: string
  readonly streams?: number
}

const ADMIN = `
---
kind: Human
name: root
groups: [admins]
`

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server.stop('immediate'))

async function api(gateway: TestGateway, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${gateway.token('human:root')}`, 'content-type': 'application/json' }
  return await fetch(`${gateway.api}/api/v1${path}`, { ...init, headers })
}
const list = async (gateway: TestGateway) =>
  ((await (await api(gateway, '/connectors')).json()) as { connectors: Listed[] }).connectors
async function invite(gateway: TestGateway): Promise<string> {
  const answer = await api(gateway, '/connectors', { method: 'POST', body: JSON.stringify({ name: 'rig' }) })
  return ((await answer.json()) as { token: string }).token
}
const another = async (gateway: TestGateway, through?: FaultProxy): Promise<ConnectorProcess> =>
  await startConnectorProcess({
    gateway: `127.0.0.1:${through?.port ?? gateway.tunnel}`,
    token: await invite(gateway),
    allow: ['127.0.0.1:*'],
  })
const start = () => startTestGateway({ target: server, policy: ALLOW_ALL + ADMIN, through: 'connector' })

async function connected(login: Login): Promise<pg.Client> {
  const client = new pg.Client({ ...login, ssl: false })
  client.on('error', () => {})
  await client.connect()
  return client
}
/** What a statement that runs for ever ends with. */
const fate = (client: pg.Client) =>
  client.query('select pg_sleep(600)').then(
    () => 'it ended',
    (error: Error) => error.message,
  )

test('a connector killed under load: its sessions hear why, new ones use another member, and every outcome is on record', async () => {
  await using gateway = await start()
  await using second = await another(gateway)
  const login = gateway.login('human:suite')
  const clients = await Promise.all(Array.from({ length: 8 }, () => connected(login)))
  const load = run(['pgbench', '-n', '-S', '-c', '4', '-T', '3'], { env: loginEnvironment(login) }).catch(() => {})
  const streams = (await list(gateway)).map(({ streams = 0 }) => streams)
  // Both carry some: the least loaded was taken each time.
  expect(Math.min(...streams)).toBeGreaterThan(0)
  const fates = clients.map(fate)
  await until(async () => (await list(gateway)).every(({ streams = 0 }) => streams > 0))
  const began = performance.now()
  await gateway.connector!.kill()
  const some = await Promise.any(fates)
  expect(some).toMatch(/connector to the target was lost/)
  expect(performance.now() - began).toBeLessThan(5_000)
  const client = await connected(login)
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await client.end()
  await second.kill()
  const all = await Promise.all(fates)
  expect(all.filter((each) => /connector to the target was lost/.test(each))).toHaveLength(8)
  await expect(connected(login)).rejects.toThrow(/No connector that leads to the target/)
  await load
  await until(async () => {
    const entries = readLedger(gateway.dataDir)
    const open = entries.filter(({ kind }) => kind === 'intent').length
    return entries.filter(({ kind }) => kind === 'outcome').length === open
  })
})

test.each([
  ['cut with a reset', (proxy: FaultProxy): void => proxy.cut(), 3_000],
  // Nothing says that it is gone: no FIN, no RST. Pings do.
  [
    'half-open: no byte comes any more',
    (proxy: FaultProxy): void => void Object.assign(proxy.toTarget, { rate: 0 }),
    25_000,
  ],
] as const)(
  'a link %s: the session ends, and the connector comes back',
  async (_, harm, limit_ms) => {
    await using gateway = await startTestGateway({
      ...{ target: server, policy: ALLOW_ALL + ADMIN },
      through: 'connector',
    })
    await gateway.connector!.stop()
    await using proxy = await startFaultProxy({ target: { port: gateway.tunnel } })
    await using connector = await another(gateway, proxy)
    const client = await connected(gateway.login('human:suite'))
    const ended = fate(client)
    const began = performance.now()
    harm(proxy)
    expect(await ended).toMatch(/connector to the target was lost/)
    expect(performance.now() - began).toBeLessThan(limit_ms)
    delete proxy.toTarget.rate
    await until(async () => (await list(gateway)).some(({ state }) => state === 'ready'), 30_000)
    const again = await connected(gateway.login('human:suite'))
    expect((await again.query('select 2 as two')).rows).toEqual([{ two: 2 }])
    await again.end()
    expect(connector.child.exitCode).toBeNull()
  },
  90_000,
)

test('a slow link in small pieces changes nothing but the time', async () => {
  await using gateway = await start()
  await gateway.connector!.stop()
  await using proxy = await startFaultProxy({
    target: { port: gateway.tunnel },
    toTarget: { piece: 7 },
    toClient: { piece: 11 },
  })
  await using _ = await another(gateway, proxy)
  const client = await connected(gateway.login('human:suite'))
  const { rows } = await client.query("select g, repeat('x', 100) as x from generate_series(1, 300) g")
  expect(rows).toHaveLength(300)
  await client.end()
}, 60_000)

test('SIGTERM drains: what is open goes on, what is new goes elsewhere, and the process ends by itself', async () => {
  await using gateway = await start()
  const login = gateway.login('human:suite')
  const client = await connected(login)
  await using _ = await another(gateway)
  const draining = gateway.connector!
  draining.child.kill('SIGTERM')
  await until(async () => (await list(gateway)).some(({ state }) => state === 'draining'))
  expect((await client.query('select 3 as three')).rows).toEqual([{ three: 3 }])
  const fresh = await connected(login)
  expect((await list(gateway)).find(({ state }) => state === 'ready')?.streams).toBeGreaterThan(0)
  await fresh.end()
  await client.end()
  await once(draining.child, 'exit')
  expect(draining.child.exitCode).toBe(0)
}, 60_000)

test('after a restart of the gateway its connectors come back by themselves, and every decision names the policy it was made by (G29)', async () => {
  await using gateway = await start()
  const before = await connected(gateway.login('human:suite'))
  await before.query('select 1')
  await gateway.kill()
  await gateway.restart()
  await until(async () => (await list(gateway)).some(({ state }) => state === 'ready'), 40_000)
  const client = await connected(gateway.login('human:suite'))
  await client.query('select 4 as four')
  await client.end()
  const entries = readLedger(gateway.dataDir) as unknown as { kind: string; policy?: string }[]
  const policies = new Set(entries.filter(({ kind }) => kind === 'policy').map(({ policy }) => policy))
  const decisions = entries.filter(({ kind }) => kind === 'intent' || kind === 'refusal')
  expect(decisions.length).toBeGreaterThanOrEqual(2)
  for (const { policy } of decisions) expect(policies).toContain(policy)
}, 90_000)

test('sessions over TLS in a busy tunnel end when their clients do, and keep no gateway from stopping', async () => {
  const issued = await (await Authority.create()).issue('db.test', { names: 'IP:127.0.0.1' })
  const settings = { ssl: 'on', ssl_cert_file: issued.certFile, ssl_key_file: issued.keyFile }
  await using target = await startPostgres({ settings })
  const resources = [{ name: 'target', tls: { mode: 'require' } }]
  await using gateway = await startTestGateway({
    ...{ target, resources, policy: ALLOW_ALL + ADMIN, through: 'connector' },
  })
  const login = gateway.login('human:suite')
  const admin = await connected(login)
  await admin.query('create table big as select i, repeat(md5(i::text), 30) r from generate_series(1, 50000) i')
  const copy = ['psql', '-X', '-o', '/dev/null', '-c', 'copy (select b.* from big b, generate_series(1, 3)) to stdout']
  const bulk = Promise.all([1, 2, 3].map(() => run(copy, { env: loginEnvironment(login) })))
  for (let i = 0; i < 8; i++) await (await connected(login)).end()
  await bulk
  await admin.end()
  await until(async () => {
    const { sessions } = (await (await api(gateway, '/sessions?state=live')).json()) as { sessions: unknown[] }
    return sessions.length === 0
  }, 4_000)
})
