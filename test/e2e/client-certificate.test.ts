/** libpq signs in with a client certificate instead of a token. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Authority, type Issued } from '../rig/certificates.ts'
import { run } from '../rig/child.ts'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { loginEnvironment } from '../rig/psql.ts'

const POLICY = `
kind: Human
name: ada
groups: [admins]
---
kind: Human
name: bob
---
kind: Rule
name: bob-reads
who: principal.id == "human:bob"
on: true
when: op.only(["read", "session"])
then: allow
`

let server: PostgresServer
let gateway: TestGateway
let authority: Authority
let registered: Issued

beforeAll(async () => {
  server = await startPostgres()
  gateway = await startTestGateway({ target: server, policy: POLICY })
  authority = await Authority.create()
  registered = await authority.issue('bob')
})
afterAll(async () => {
  await gateway?.stop()
  await server?.stop()
})

async function register(certificate: string): Promise<string> {
  const answer = await fetch(`${gateway.api}/api/v1/tokens`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token('human:ada')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ principal: 'human:bob', ttl_ms: 3_600_000, certificate }),
  })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { id: string }).id
}

const psql = ({ certFile, keyFile }: Pick<Issued, 'certFile' | 'keyFile'>, password?: string) => {
  const { PGPASSWORD: _, ...environment } = loginEnvironment(gateway.login('human:bob'))
  const env = { ...environment, PGSSLMODE: 'require', PGSSLCERT: certFile, PGSSLKEY: keyFile }
  return run(['psql', '-X', '-w', '-A', '-t', '-c', 'select 6 * 7'], {
    env: password === undefined ? env : { ...env, PGPASSWORD: password },
  })
}

test('a registered certificate is proof enough, until it is revoked; another one is none', async () => {
  const id = await register(registered.cert)
  expect(await psql(registered)).toMatchObject({ status: 0, stdout: '42\n' })
  const stranger = await psql(await authority.issue('bob'))
  expect(stranger).toMatchObject({ status: 2, stdout: '' })
  // Whoever shows a certificate nobody registered may still prove it otherwise.
  expect(await psql(await authority.issue('bob'), gateway.token('human:bob'))).toMatchObject({ stdout: '42\n' })
  const revoked = await fetch(`${gateway.api}/api/v1/tokens/${id}/revoke`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token('human:ada')}` },
  })
  expect(revoked.status).toBe(200)
  expect(await psql(registered)).toMatchObject({ status: 2, stdout: '' })
})
