/** A target that cannot be logged in to: everyone hears which kind of reason, administrators hear the reason, and the record keeps it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Ed25519Key } from '../../src/kit/ssh-key.ts'
import { Authority } from '../rig/certificates.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { readLedger } from '../rig/ledger.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { canonicalPsql } from '../rig/psql.ts'
import { startSshGateway } from '../rig/ssh-gateway.ts'
import { tempFolder } from '../rig/temp.ts'
import { until } from '../rig/until.ts'

const POLICY = `
kind: Human
name: ada
groups: [admins]
---
kind: Human
name: eve
---
kind: Rule
name: everything
who: true
on: true
then: allow
`
const CASES = [
  [
    'wrong-password',
    /^The gateway could not log in to the target/m,
    /password authentication failed for user "postgres"/,
  ],
  ['no-tls', /^The target does not speak TLS/m, /SSLRequest/],
  ['only-tls', /^The target asks for TLS, and the resource turns it off/m, /no encryption/],
  ['stranger', /^TLS with the target failed/m, /unable to verify|self-signed|unable to get/],
  ['no-file', /^A TLS file the resource names cannot be read/m, /nowhere\.pem/],
  ['unknown-host', /^The target cannot be reached/m, /cannot resolve the name db\.invalid/],
  ['nobody', /^The target cannot be reached/m, /nothing listens at 127\.0\.0\.1:1/],
  ['no-secret', /^A credential the gateway needs is missing/m, /no secret "orders-password"/],
] as const

let folder: ReturnType<typeof tempFolder>
let open: PostgresServer
let secure: PostgresServer
let gateway: TestGateway

beforeAll(async () => {
  folder = tempFolder('refusals')
  const issued = await (await Authority.create()).issue('db.test', { names: 'IP:127.0.0.1' })
  const hba = ['local all all trust', 'hostssl all all 127.0.0.1/32 scram-sha-256']
  const settings = { ssl: 'on', ssl_cert_file: issued.certFile, ssl_key_file: issued.keyFile }
  ;[open, secure] = await Promise.all([startPostgres(), startPostgres({ hba, settings })])
  const file = join(folder.path, 'password')
  const wrong = join(folder.path, 'wrong')
  writeFileSync(file, open.password, { mode: 0o600 })
  writeFileSync(wrong, 'not the password', { mode: 0o600 })
  const resource = (name: string, port: number | string, more: object) =>
    JSON.stringify({
      ...{ kind: 'Resource', name, protocol: 'postgres', database: 'postgres', labels: {} },
      address: typeof port === 'number' ? `127.0.0.1:${port}` : port,
      ...{ users: [{ name: 'postgres', password: { file } }], tls: { mode: 'disable' }, ...more },
    })
  const documents = [
    resource('here', open.port, {}),
    resource('wrong-password', open.port, { users: [{ name: 'postgres', password: { file: wrong } }] }),
    resource('no-tls', open.port, { tls: { mode: 'require' } }),
    resource('only-tls', secure.port, {}),
    resource('stranger', secure.port, { tls: { mode: 'verify-full' } }),
    resource('no-file', secure.port, { tls: { mode: 'verify-full', ca: join(folder.path, 'nowhere.pem') } }),
    resource('unknown-host', 'db.invalid:5432', {}),
    resource('nobody', 1, {}),
    resource('no-secret', open.port, { users: [{ name: 'postgres', password: { vault: 'orders-password' } }] }),
  ]
  gateway = await startTestGateway({
    ...{ target: open, policy: [POLICY, ...documents].join('\n---\n'), resources: [], through: 'direct' },
  })
})
afterAll(async () => {
  await gateway?.stop()
  await Promise.all([open?.stop(), secure?.stop()])
  folder?.remove()
})

/** Why the newest session on a resource ended, as a caller's `sluice sessions` tells it once it is closed. */
async function endOf(resource: string, caller: string): Promise<string> {
  const authorization = `Bearer ${gateway.token(caller)}`
  let why: string | undefined
  await until(async () => {
    const answer = await fetch(`${gateway.api}/api/v1/sessions`, { headers: { authorization } })
    const { sessions } = (await answer.json()) as { sessions: { resource: string; endedWhy?: string }[] }
    why = sessions.find((session) => session.resource === resource)?.endedWhy
    return why !== undefined
  })
  return why!
}

const closesOf = ({ dataDir }: TestGateway) =>
  readLedger(dataDir).filter((entry) => entry.kind === 'close') as unknown as { readonly reason?: string }[]

describe.each(CASES)('%s', (resource, everyone, administrators) => {
  const refusedTo = async (caller: string) =>
    (await canonicalPsql(gateway.login(caller, { resource, database: 'postgres' }), 'select 1')).stderr.replace(
      /^.*FATAL: {2}/gm,
      '',
    )

  it('an administrator is told why, and finds it in the sessions and in the ledger', async () => {
    const said = await refusedTo('human:ada')
    expect(said).toMatch(everyone)
    expect(said).toMatch(administrators)
    expect(said).toMatch(/HINT:/)
    expect(await endOf(resource, 'human:ada')).toMatch(administrators)
    const closes = closesOf(gateway)
    expect(JSON.stringify(closes.at(-1)).replaceAll('\\', '')).toMatch(administrators)
  })

  it('everyone else is told what kind of reason it is, and nothing of the target', async () => {
    const said = await refusedTo('human:eve')
    expect(said).toMatch(everyone)
    expect(said + (await endOf(resource, 'human:eve'))).not.toMatch(administrators)
    expect(await endOf(resource, 'human:eve')).toMatch(/^(target|vault)\.\w+: [A-Z]/)
  })
})

it('a database that is not there is its client’s mistake: in the record, and no error in the log', async () => {
  const asked = gateway.login('human:eve', { resource: 'here', database: 'no\u001b[31msuch' })
  const said = (await canonicalPsql(asked, 'select 1')).stderr
  expect(said).toContain('does not exist')
  await until(async () => closesOf(gateway).some(({ reason }) => reason === 'target.refused'))
  const lines = gateway
    .log()
    .split('\n')
    .filter((line) => line.includes('no\\u001b[31msuch') || line.includes('target.refused'))
  expect(new Set(lines.map((line) => (JSON.parse(line) as { level: string }).level))).toEqual(new Set(['info']))
  expect(lines.join()).not.toContain('stack')
})

it('over SSH an administrator is told why, others are not', async () => {
  const target = {
    host: '127.0.0.1' as const,
    port: 1,
    user: 'app',
    hostKey: Ed25519Key.fresh().publicLine(),
    keyText: 'x',
  }
  await using stage = await startSshGateway({ target, policy: POLICY })
  const args = ['web-1@127.0.0.1', 'true']
  expect((await stage.ssh('human:ada', args)).stderr).toContain('nothing listens at 127.0.0.1:1')
  const other = await stage.ssh('human:eve', args)
  expect(other.stderr).toContain('The target cannot be reached.')
  expect(other.stderr).not.toContain('127.0.0.1:1')
  // A session is closed in the record once its client has left.
  await until(async () => closesOf(stage.gateway).length === 2)
  expect(closesOf(stage.gateway).map(({ reason }) => reason)).toEqual(['target.unreachable', 'target.unreachable'])
})
