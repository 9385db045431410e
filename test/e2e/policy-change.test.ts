/** What PostgreSQL sessions do when another policy comes into force while they are open. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect, it } from 'vitest'
import { startTestGateway } from '../rig/gateway.ts'
import { startPostgres } from '../rig/postgres.ts'
import { until } from '../rig/until.ts'

const POLICY = `
kind: Human
name: ada
---
kind: Rule
name: everything
who: true
on: true
then: allow
`
const READS_NO_MORE = `
kind: Rule
name: reads-no-more
who: true
on: true
when: op.has("read")
then: deny
`

it('a statement that runs goes on, a LISTEN hears on, and the next FETCH or statement is judged anew', async () => {
  await using server = await startPostgres()
  await using gateway = await startTestGateway({ target: server, policy: POLICY })
  const open = async () => {
    const client = new pg.Client(gateway.login('human:ada'))
    await client.connect()
    return client
  }
  const watcher = new pg.Client(server)
  await watcher.connect()
  const clients = [await open(), await open(), await open(), watcher]
  const [cursor, runner, listener] = clients as [pg.Client, pg.Client, pg.Client]
  try {
    await cursor.query('BEGIN')
    await cursor.query('DECLARE c CURSOR FOR SELECT 1 FROM pg_class')
    await cursor.query('FETCH 1 FROM c')
    const heard: unknown[] = []
    listener.on('notification', ({ channel }) => heard.push(channel))
    await listener.query('LISTEN later')
    const running = runner.query("SELECT pg_sleep(2), 'whole' AS said")
    const active = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    await until(async () => (await watcher.query(active)).rowCount === 1)
    writeFileSync(join(gateway.policyDir, 'later.yaml'), READS_NO_MORE)
    await until(async () => gateway.log().includes('a new policy is in force'))
    await expect(cursor.query('FETCH 1 FROM c')).rejects.toThrow(/reads-no-more/)
    expect((await running).rows[0].said).toBe('whole')
    await expect(runner.query('SELECT 1 FROM pg_class')).rejects.toThrow(/reads-no-more/)
    await watcher.query('NOTIFY later')
    await until(async () => heard.length > 0)
  } finally {
    for (const client of clients) await client.end()
  }
})
