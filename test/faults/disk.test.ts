/** A full disk stops forwarding with a clear error, and the gateway recovers by itself (G43). */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mustRun, run } from '../rig/child.ts'
import { startTestGateway } from '../rig/gateway.ts'
import { verifyLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { startPostgres } from '../rig/postgres.ts'
import { canonicalPsql, probe } from '../rig/psql.ts'
import { tempFolder } from '../rig/temp.ts'
import { until } from '../rig/until.ts'

test('a full disk refuses before anything is forwarded; with space again, statements run again', {
  timeout: 120_000,
}, async (context) => {
  const folder = tempFolder('disk')
  const dataDir = join(folder.path, 'state')
  mkdirSync(dataDir)
  const mounted = await run(['mount', '-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', dataDir])
  if (mounted.status !== 0) context.skip(`no right to mount a tmpfs here: ${mounted.stderr.trim()}`)
  try {
    await using server = await startPostgres({ settings: { log_statement: 'all' } })
    await probe(server, 'create table t (a int)')
    await using gateway = await startTestGateway({ target: server, policy: ALLOW_ALL, dataDir })
    const login = gateway.login('human:suite')
    const insert = (n: number) => canonicalPsql(login, `insert into t values (${n})`)
    expect((await insert(1)).stderr).toBe('')
    const runsOn = canonicalPsql(login, 'select pg_sleep(600)')
    const filler = join(dataDir, 'filler')
    fill(filler)
    const refused = await untilRefused(insert)
    expect(refused).toMatch(/audit ledger cannot be written/)
    expect((await runsOn).stderr).toMatch(/audit ledger cannot be written/)
    const logged = server.log().length
    const rows = await probe(server, 'select count(*) from t')
    for (let n = 0; n < 5; n++) expect((await insert(2000 + n)).status).not.toBe(0)
    expect(server.log().slice(logged)).not.toContain('insert into t values (200')
    expect(await probe(server, 'select count(*) from t')).toBe(rows)
    rmSync(filler)
    await until(
      async () =>
        (await insert(3000)).status === 0 && (await probe(server, 'select count(*) from t where a = 3000')) !== '0',
    )
    await gateway.stop()
    const verified = await verifyLedger(dataDir)
    expect(verified.status, verified.stdout + verified.stderr).toBe(0)
  } finally {
    await mustRun(['umount', '-l', dataDir])
    folder.remove()
  }
})

/** Takes every free block. */
function fill(path: string): void {
  for (let size = 1 << 20; size >= 1; size >>= 1) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
}

/** Statements may still fit into the last page of the file: goes on until one is refused, and returns its words. */
async function untilRefused(insert: (n: number) => ReturnType<typeof canonicalPsql>): Promise<string> {
  for (let n = 100; n < 300; n++) {
    const { stderr } = await insert(n)
    if (stderr !== '') return stderr
  }
  throw new Error('200 statements passed on a full disk')
}
