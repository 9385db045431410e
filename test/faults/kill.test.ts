/** kill -9 of the gateway under write load: what reached the target is in the ledger, and the ledger verifies after the restart (G42). */
import pg from 'pg'
import { expect, test } from 'vitest'
import { startTestGateway } from '../rig/gateway.ts'
import { readLedger, verifyLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type Login, startPostgres } from '../rig/postgres.ts'
import { probe } from '../rig/psql.ts'

const ROUNDS = Number(process.env.FAULT_ROUNDS ?? 50)
const WRITERS = 4
/** Writes the target has logged before the gateway is killed: varied, so that the kill meets every moment of a statement. */
const writesBefore = (round: number) => 5 + ((round * 37) % 90)

test(`${ROUNDS} times: no statement that reached the target is missing in the ledger`, {
  timeout: 600_000,
}, async () => {
  await using server = await startPostgres({ settings: { log_statement: 'all' } })
  await probe(server, 'create table writes (mark text)')
  await using gateway = await startTestGateway({ target: server, policy: ALLOW_ALL })
  let seen = 0
  let reachedInAll = 0
  for (let round = 1; round <= ROUNDS; round++) {
    const enough = Promise.withResolvers<void>()
    let written = 0
    const progress = () => {
      if (++written === writesBefore(round)) enough.resolve()
    }
    const writers = Array.from({ length: WRITERS }, (_, i) =>
      write(gateway.login('human:suite'), `r${round}w${i}`, progress),
    )
    await Promise.race([enough.promise, Promise.all(writers)])
    await gateway.kill()
    await Promise.all(writers)
    const log = server.log()
    const reached = [...log.slice(seen).matchAll(/insert into writes values \('([^']+)'\)/g)].map(([, mark]) => mark!)
    seen = log.length
    reachedInAll += reached.length
    const known = new Set(
      readLedger(gateway.dataDir).flatMap(({ kind, text }) =>
        kind === 'intent' ? [/'([^']+)'/.exec(text ?? '')?.[1]] : [],
      ),
    )
    expect(reached.filter((mark) => !known.has(mark))).toEqual([])
    expect(reached.length).toBeGreaterThanOrEqual(writesBefore(round))
    await gateway.restart()
  }
  const verified = await verifyLedger(gateway.dataDir)
  expect(verified.status, verified.stdout + verified.stderr).toBe(0)
  const entries = readLedger(gateway.dataDir)
  const open = new Set(entries.filter(({ kind }) => kind === 'intent').map(({ session, op }) => `${session} ${op}`))
  for (const { kind, session, op } of entries) if (kind === 'outcome') open.delete(`${session} ${op}`)
  expect([...open], 'an intent without an outcome, not even an unknown one').toEqual([])
  expect(entries.some(({ kind, status }) => kind === 'outcome' && status === 'unknown')).toBe(true)
  expect(reachedInAll).toBeGreaterThan(ROUNDS * 5)
})

/** Inserts one marked row after the other until the connection breaks. */
async function write(
  { host, port, user, password, database }: Login,
  name: string,
  progress: () => void,
): Promise<void> {
  const client = new pg.Client({ host, port, user, password, database })
  client.on('error', () => {})
  try {
    await client.connect()
    for (let i = 0; ; i++) {
      await client.query(`insert into writes values ('${name}-${i}')`)
      progress()
    }
  } catch {
    // The gateway was killed: that is the point.
  } finally {
    client.end().catch(() => {})
  }
}
