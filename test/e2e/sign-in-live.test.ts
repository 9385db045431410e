/** From the identity provider to a row of a real server: a stock client on the token of a sign-in, and its live session when that ends. */
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DemoPerson, type DemoProvider, startDemoProvider } from '../../demo/idp/provider.ts'
import { Visitor } from '../../demo/idp/visitor.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { freePort } from '../rig/port.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { tempFolder } from '../rig/temp.ts'

let server: PostgresServer
let gateway: TestGateway
let idp: DemoProvider
const people = new Map<string, DemoPerson>()
beforeAll(async () => {
  const port = await freePort()
  const api = `http://127.0.0.1:${port}`
  idp = await startDemoProvider({
    port: 0,
    people,
    clients: () => [
      { id: 'sluice', redirectUris: [`${api}/sign-in/acme/callback`], signedOutUris: [`${api}/sign-out`] },
    ],
  })
  server = await startPostgres({})
  const token = join(tempFolder('scim').path, 'token')
  writeFileSync(token, 'scim-token', { mode: 0o600 })
  const policy = `
kind: IdentityProvider
name: acme
oidc: { issuer: "${idp.issuer}", clientId: sluice, scopes: [profile, groups, offline_access], groups: realm_access.roles }
map: [{ group: platform-dba, gives: [dba] }]
scim: { token: { file: ${token} } }
---
kind: Rule
name: dbas-work
who: '"dba" in principal.groups'
on: "true"
then: allow
`
  gateway = await startTestGateway({
    target: server,
    policy,
    settings: { listen: { postgres: '127.0.0.1:0', api: `127.0.0.1:${port}` } },
  })
}, 60_000)
afterAll(async () => {
  await gateway?.stop()
  await server?.stop('immediate')
  await idp?.close()
})

const scim = async (method: string, path: string, body: object) => {
  const headers = { authorization: 'Bearer scim-token', 'content-type': 'application/json' }
  const response = await fetch(`${gateway.api}/scim/acme/v2${path}`, { method, headers, body: JSON.stringify(body) })
  return (await response.json()) as { id: string }
}
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'

async function provision(subject: string, groups: string[]): Promise<string> {
  people.set(subject, { subject, name: subject, email: `${subject}@acme.example`, groups })
  return (await scim('POST', '/Users', { schemas: [USER], userName: subject, externalId: subject })).id
}

/** What `sluice login` does, without its process. */
async function token(person: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url')
  const redirect_uri = 'http://127.0.0.1:9/'
  const query = {
    response_type: 'code',
    client_id: 'sluice-cli',
    redirect_uri,
    state: 's'.repeat(20),
    code_challenge_method: 'S256',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  }
  const visitor = new Visitor()
  const question = await visitor.submit(await visitor.open(`${gateway.api}/authorize?${new URLSearchParams(query)}`), {
    person,
  })
  const { url } = await visitor.submit(question, { answer: 'yes' }, (to) => to.port === '9')
  const code = new URL(url).searchParams.get('code')!
  const fields = {
    grant_type: 'authorization_code',
    client_id: 'sluice-cli',
    code,
    code_verifier: verifier,
    redirect_uri,
  }
  const answer = await fetch(`${gateway.api}/oauth/token`, { method: 'POST', body: new URLSearchParams(fields) })
  return ((await answer.json()) as { access_token: string }).access_token
}

async function connect(password: string): Promise<{ client: Client; lost: Promise<Error> }> {
  const client = new Client({
    host: '127.0.0.1',
    port: gateway.port,
    user: 'target',
    password,
    database: server.database,
  })
  const lost = new Promise<Error>((resolve) => client.on('error', resolve))
  await client.connect()
  return { client, lost }
}

it('a person known by the provider alone reads rows by a stock client, and the record names them', async () => {
  await provision('ada', ['platform-dba'])
  const { client } = await connect(await token('ada'))
  expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
  const live = await fetch(`${gateway.api}/api/v1/sessions`, {
    headers: { authorization: `Bearer ${await token('ada')}` },
  })
  expect(JSON.stringify(await live.json())).toContain('human:acme:ada')
  await client.end()
})

it('one without a group that a rule names opens nothing', async () => {
  await provision('bob', [])
  await expect(connect(await token('bob'))).rejects.toThrow('Access denied')
})

it('a deactivation at the provider ends a live session and its statement in under two seconds (G10)', async () => {
  const id = await provision('eve', ['platform-dba'])
  const { client, lost } = await connect(await token('eve'))
  const pid = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid
  const sleeping = client.query('SELECT pg_sleep(60)').catch((error: Error) => error)
  const began_ms = performance.now()
  await scim('PATCH', `/Users/${id}`, { schemas: [PATCH], Operations: [{ op: 'replace', value: { active: false } }] })
  expect((await sleeping) as Error).toBeInstanceOf(Error)
  await lost
  const direct = new Client({
    host: server.host,
    port: server.port,
    user: server.user,
    password: server.password,
    database: server.database,
  })
  await direct.connect()
  const alive = async () => (await direct.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).rowCount
  while ((await alive()) !== 0 && performance.now() - began_ms < 10_000) await direct.query('SELECT pg_sleep(0.02)')
  expect(performance.now() - began_ms).toBeLessThan(2_000)
  await direct.end()
})
