import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startPipe } from './pipe.ts'
import { startPostgres } from './postgres.ts'
import { canonicalPsql, probe } from './psql.ts'

test('a server is our own: fresh folder, free port, gone after stop', async () => {
  const [one, two] = await Promise.all([startPostgres(), startPostgres({ settings: { max_prepared_transactions: 4 } })])
  expect(one.port).not.toBe(two.port)
  expect(await probe(one, 'show data_directory')).toBe(one.cluster)
  expect(await probe(two, 'show max_prepared_transactions')).toBe('4')
  await Promise.all([one.stop(), two.stop('immediate')])
  expect(existsSync(one.folder)).toBe(false)
  expect((await canonicalPsql(one, 'select 1')).stderr).toContain('Connection refused')
})

test('the server asks for SCRAM and refuses a wrong password', async () => {
  await using server = await startPostgres()
  expect((await canonicalPsql({ ...server, password: 'wrong' }, 'select 1')).stderr).toContain(
    'password authentication failed',
  )
})

test.each([18] as const)('major %i from npm starts', async (major) => {
  await using server = await startPostgres({ major })
  expect(await probe(server, 'show server_version_num')).toMatch(new RegExp(`^${major}`))
})

test('the byte pipe changes nothing', async () => {
  await using server = await startPostgres()
  const pipe = await startPipe(server)
  const sql = "select generate_series(1,1000), repeat('x', 1000);"
  const direct = await canonicalPsql(server, sql)
  expect(direct.stdout.length).toBeGreaterThan(1_000_000)
  expect(await canonicalPsql({ ...server, port: pipe.port }, sql)).toEqual(direct)
  await pipe.stop()
})
