/** The wire itself, message by message: what a client sees through the gateway is what it sees straight from the server. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { probe } from '../rig/psql.ts'
import { until } from '../rig/until.ts'
import * as wire from '../rig/wire.ts'
import { WireClient } from '../rig/wire.ts'
import { SCENES } from './scenes.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage()
})
afterAll(() => stage[Symbol.asyncDispose]())

test.each(SCENES)('$name', async ({ setup, send, ready, shows }) => {
  const lines = await stage.same(async (login) => {
    using client = await WireClient.open(login)
    return await client.exchange(send, ready)
  }, setup)
  expect(lines.join('\n')).toMatch(shows)
})

test('the backend pid is the server’s own (A44)', async () => {
  await stage.same(async (login) => {
    using client = await WireClient.open(login)
    const lines = await client.exchange([wire.query('select pg_backend_pid()')])
    return lines.includes(`D ${client.pid}`)
  })
})

describe('cancel', () => {
  test('ends the statement of its own session', async () => {
    const lines = await stage.same(async (login) => {
      using client = await WireClient.open(login)
      client.send(wire.query('select pg_sleep(60)'))
      await sleeping(client.pid)
      using second = await WireClient.unopened(login)
      second.send(wire.cancelRequest(client.pid, client.secret))
      return await client.until(({ type }) => type === 'Z')
    })
    expect(lines.join('\n')).toMatch(/C57014/)
  })

  test('with a wrong secret ends nothing', async () => {
    await stage.same(async (login) => {
      using client = await WireClient.open(login)
      client.send(wire.query('select pg_sleep(0.3), 1 as still_there'))
      using second = await WireClient.unopened(login)
      second.send(wire.cancelRequest(client.pid, Buffer.from([1, 2, 3, 4])))
      await second.until(({ type }) => type === 'closed')
      const lines = await client.until(({ type }) => type === 'Z')
      expect(lines.join('\n')).toMatch(/still_there/)
      return lines
    })
  })
})

test('a backend that is terminated mid-query says why, then the connection closes', async () => {
  const lines = await stage.same(async (login) => {
    using client = await WireClient.open(login)
    client.send(wire.query('select pg_sleep(60)'))
    await sleeping(client.pid)
    await probe(stage.server, `select pg_terminate_backend(${client.pid})`)
    return await client.until(({ type }) => type === 'closed')
  })
  expect(lines.join('\n')).toMatch(/C57P01/)
})

test('Terminate ends the session on the server', async () => {
  await stage.same(async (login) => {
    using client = await WireClient.open(login)
    client.send(wire.frame('X'))
    const lines = await client.until(({ type }) => type === 'closed')
    await gone(client.pid)
    return lines
  })
})

/** Waits until the backend sleeps, asking the server itself. */
const sleeping = (pid: number) => becomes(`select wait_event from pg_stat_activity where pid = ${pid}`, 'PgSleep')
const gone = (pid: number) => becomes(`select count(*) from pg_stat_activity where pid = ${pid}`, '0')

const becomes = (sql: string, answer: string) => until(async () => (await probe(stage.server, sql)) === answer)
