import { expect, test } from 'vitest'
import { startFaultProxy } from './fault-proxy.ts'
import { startPostgres } from './postgres.ts'
import { canonicalPsql } from './psql.ts'

const SQL = "select g, repeat('x', 20) from generate_series(1, 500) g;"

test.each([
  ['nothing', {}],
  ['one byte at a time', { piece: 1 }],
  ['three bytes at a time, late', { piece: 3000, delay_ms: 1 }],
  ['slowly', { rate: 200_000 }],
])('a proxy with fault "%s" still carries every byte', async (_, fault) => {
  await using server = await startPostgres()
  await using proxy = await startFaultProxy({ target: server, toClient: fault, toTarget: fault })
  expect(await canonicalPsql({ ...server, port: proxy.port }, SQL)).toEqual(await canonicalPsql(server, SQL))
})

test('a cut connection is lost in the middle of a result', async () => {
  await using server = await startPostgres()
  await using proxy = await startFaultProxy({ target: server, toClient: { cutAfter: 5_000 } })
  const cut = await canonicalPsql({ ...server, port: proxy.port }, SQL)
  expect(cut.status).toBe(2)
  expect(cut.stderr).toMatch(/server closed the connection unexpectedly|Connection reset|connection to server was lost/)
})
