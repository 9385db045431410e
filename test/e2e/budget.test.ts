import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'
import { until } from '../rig/until.ts'

const POLICY = `
kind: Agent
name: reader
owner: support
---
kind: Agent
name: waiter
owner: support
---
kind: Rule
name: everything
who: "true"
on: "true"
then: allow
---
kind: Budget
name: little
who: principal.kind == "agent"
on: "true"
per: principal
window: 30d
rows: 10
`

let server: PostgresServer
let gateway: TestGateway
beforeAll(async () => {
  server = await startPostgres()
  gateway = await startTestGateway({ target: server, policy: POLICY })
})
afterAll(async () => {
  await gateway?.stop()
  await server?.stop('immediate')
})

async function connect(principal: string): Promise<pg.Client> {
  const client = new pg.Client(gateway.login(principal))
  await client.connect()
  return client
}
const rows = (client: pg.Client, count: number) =>
  client.query(`select generate_series(1, ${count})`).then(
    ({ rowCount }) => String(rowCount),
    (error: Error) => error.message,
  )

it('what one session read, the next cannot read again; what is left bounds a single statement', async () => {
  const first = await connect('agent:reader')
  expect(await rows(first, 6)).toBe('6')
  await first.end()
  const second = await connect('agent:reader')
  expect(await rows(second, 5)).toMatch(/row limit/)
  expect(await rows(second, 1)).toMatch(/budget of this principal is used up \(little\)/)
  await second.end()
})

it('what runs has reserved what it may return: nothing at the same time spends the same rows', async () => {
  const [one, two] = [await connect('agent:waiter'), await connect('agent:waiter')]
  const running = one.query('select pg_sleep(1), generate_series(1, 3)')
  const watcher = new pg.Client(server)
  await watcher.connect()
  const runs = async () =>
    (await watcher.query(`select 1 from pg_stat_activity where query like 'select pg_sleep(1)%'`)).rowCount === 1
  await until(runs)
  await watcher.end()
  const meanwhile = await rows(two, 1)
  expect(meanwhile).toMatch(/used up/)
  expect((await running).rowCount).toBe(3)
  expect(await rows(two, 7)).toBe('7')
  expect(await rows(two, 1)).toMatch(/used up/)
  await Promise.all([one.end(), two.end()])
})
