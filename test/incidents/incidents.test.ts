/** What went wrong for others, against a real server: each is refused with its code and changes nothing, and its harmless twin passes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { type Login, type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { canonicalPsql, probe } from '../rig/psql.ts'
import { FILE_READS, INCIDENTS, type Incident } from './postgres.ts'
import { POLICY, SCHEMA } from './world.ts'

let server: PostgresServer
let gateway: TestGateway
beforeAll(async () => {
  server = await startPostgres({ settings: { log_statement: 'all' } })
  await probe(server, SCHEMA)
  gateway = await startTestGateway({
    target: server,
    policy: POLICY,
    resources: [
      { name: 'desk', labels: { env: 'prod' } },
      { name: 'staging', labels: { env: 'staging' } },
    ],
  })
})
afterAll(async () => {
  await gateway?.stop()
  await server?.stop('immediate')
})

describe('incidents', () => {
  test.each(INCIDENTS)('$name', (incident) => play(incident))
})

describe('reading files of the server', () => {
  test.each(FILE_READS)('$name', (incident) => play(incident))
})

async function play({ attack, code, never, twin, shows, probe: asked, resource = 'desk' }: Incident): Promise<void> {
  const login = gateway.login('agent:bot', { resource })
  const before = await probe(server, asked)
  const logged = server.log().length
  const tried = await session(login, attack)
  expect(server.log().slice(logged).toLowerCase()).not.toContain(never.toLowerCase())
  expect(await probe(server, asked)).toBe(before)
  const codes = refusals(tried.stderr)
  expect(codes, tried.stderr).not.toEqual([])
  expect([code].flat()).toEqual(expect.arrayContaining(codes))
  const harmless = await session(login, twin)
  expect(harmless.stderr.replaceAll(/^WARNING: .*$/gm, '').trim()).toBe('')
  expect(harmless.stdout).toMatch(shows)
}

/** Each statement as one message, all in one session. */
async function session(login: Login, statements: readonly string[]): ReturnType<typeof canonicalPsql> {
  return await canonicalPsql(
    login,
    '',
    statements.flatMap((sql) => ['-c', sql]),
  )
}

/** The codes of the refusals a client was shown: the JSON in each DETAIL. */
function refusals(stderr: string): string[] {
  return [...stderr.matchAll(/^DETAIL: +(\{.*\})$/gm)].map(([, json]) => (JSON.parse(json!) as { code: string }).code)
}
