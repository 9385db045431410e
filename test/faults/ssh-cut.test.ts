/** What is cut off in the middle is never on record as done: each outcome says why it ended, and so does a request that people were asked for. */
import type { ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { spawnMortal } from '../rig/child.ts'
import { type FaultProxy, startFaultProxy } from '../rig/fault-proxy.ts'
import { readLedger } from '../rig/ledger.ts'
import { transcripts } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'
import { until } from '../rig/until.ts'

const POLICY = `
kind: Human
name: suite
---
kind: Human
name: root
groups: [admins]
---
kind: Rule
name: held
who: true
on: true
when: op.verb == "exec" && op.text == "id"
then: approve
approve: { by: [group:dba], count: 1, hold: 60s, expires: 60s }
---
kind: Rule
name: everything
who: true
on: true
then: allow
`

const HOST = 'web-1@127.0.0.1'
const SIZE = 6_000_000
/** A connection of the client carries no more than these kbit/s: it is in the middle for a while. */
const SLOWLY = ['-l', '2000']

describe.skipIf(sshdMissing)('what is cut off in the middle', () => {
  let sshd: Sshd
  let way: FaultProxy
  let stage: SshGateway
  let clients: ChildProcess[]
  let from: number
  beforeAll(async () => {
    sshd = await startSshd({ keepRights: true })
    way = await startFaultProxy({ target: sshd })
    stage = await startSshGateway({
      target: { ...sshd, port: way.port },
      policy: POLICY,
      through: 'connector',
    })
    for (const file of [join(stage.folder, 'big'), join(sshd.home, 'big')]) writeFileSync(file, Buffer.alloc(SIZE, 7))
  })
  afterAll(async () => {
    await stage?.stop()
    await way?.stop()
    await sshd?.stop()
  })
  const entries = () => readLedger(stage.gateway.dataDir).slice(from)
  const begin = (program: string, args: readonly string[]) => {
    const env = stage.password(stage.gateway.token('human:suite'))
    const client = spawnMortal([program, ...stage.options, ...args], { env, stdio: ['pipe', 'ignore', 'ignore'] })
    client.stdin!.on('error', () => {})
    clients.push(client)
    return client
  }
  const some = (path: string) => existsSync(path) && statSync(path).size > 200_000

  /** Every way a file moves, each in the middle of one, and a command that waits for people. */
  beforeEach(async () => {
    from = readLedger(stage.gateway.dataDir).length
    clients = []
    const there = readdirSync(sshd.home).length
    const at = (name: string) => join(sshd.home, `${name}-${there}`)
    const here = join(stage.folder, `got-${there}`)
    begin('scp', [...SLOWLY, join(stage.folder, 'big'), `${HOST}:${at('sftp')}`])
    begin('scp', ['-O', ...SLOWLY, join(stage.folder, 'big'), `${HOST}:${at('scp')}`])
    begin('scp', [...SLOWLY, `${HOST}:${join(sshd.home, 'big')}`, here])
    begin('ssh', [HOST, `cat > ${at('exec')}`]).stdin!.write(Buffer.alloc(300_000, 7))
    begin('ssh', [HOST, 'id'])
    await until(async () => [at('sftp'), at('scp'), at('exec'), here].every(some))
    await until(async () => entries().some(({ kind }) => kind === 'held'))
  })

  const sessions = async () => {
    const headers = { authorization: `Bearer ${stage.gateway.token('human:root')}`, 'content-type': 'application/json' }
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${stage.gateway.api}/api/v1/sessions${path}`, { headers, ...init })
    const { sessions: live } = (await (await ask('?state=live')).json()) as { sessions: { id: string }[] }
    const body = JSON.stringify({ reason: 'a test' })
    return Promise.all(live.map(({ id }) => ask(`/${id}/kill`, { method: 'POST', body })))
  }

  const harms: readonly [string, () => unknown, reason: string, ended: string | undefined][] = [
    ['by its client, which left', () => clients.map((client) => client.kill('SIGKILL')), 'the client left', undefined],
    ['by a kill', sessions, 'session.killed', 'session.killed'],
    ['by its target, which left', () => way.cut(), 'target.left', undefined],
    // The last: no other way leads there.
    ['by its connector, which was lost', () => stage.gateway.connector!.kill(), 'tunnel.lost', 'tunnel.lost'],
  ]
  it.each(harms)(
    '%s is on record as that, and so is the request that waited',
    async (_, harm, reason, ended) => {
      await harm()
      await until(async () => entries().filter(({ kind }) => kind === 'close').length === 5)
      const verbs = new Map(
        entries().flatMap(({ kind, session, op, verb }) => (kind === 'intent' ? [[`${session} ${op}`, verb]] : [])),
      )
      const ends = entries()
        .filter(({ kind }) => kind === 'outcome')
        .map(({ session, op, status, tag }) => `${verbs.get(`${session} ${op}`)}: ${status} ${tag}`)
        .filter((line) => !/^sftp stat: /.test(line))
        .map((line) => line.replace(/\d+ bytes, sha256 .*/, 'some'))
      expect(ends.sort()).toEqual(
        [
          `exec: unknown ${reason}`,
          `scp put: cancelled ${reason}; put some`,
          `scp: cancelled ${reason}`,
          `sftp get: cancelled ${reason}; get some`,
          `sftp put: cancelled ${reason}; put some`,
          `subsystem: cancelled ${reason}`,
          `subsystem: cancelled ${reason}`,
        ].sort(),
      )
      const approvals = entries().filter((entry) => entry.kind === 'approval' && 'end' in entry)
      expect(approvals).toEqual([expect.objectContaining({ end: 'cancelled', why: reason })])
      const closes = entries().filter(({ kind }) => kind === 'close') as { reason?: string; session?: string }[]
      expect(closes.map((close) => close.reason)).toEqual(Array(5).fill(ended))
      // What `sluice replay` shows of it.
      const recorded = await transcripts(stage)
      if (reason === 'target.left')
        expect(recorded.filter(({ text }) => /^target\.left: /.test(String(text)))).toHaveLength(5)
    },
    60_000,
  )
})
