import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Authority } from '../../../test/rig/certificates.ts'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { upstreamTo } from '../../../test/rig/upstream.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Upstream } from '../contract.ts'
import { CancelRegistry, sendCancel } from './cancel.ts'
import { Intake, TARGET } from './intake.ts'
import { CANCELS_AT_ONCE, CANCELS_PER_SECOND } from './limits.ts'
import { type LoggedIn, login } from './login.ts'
import { query, readErrorFields } from './messages.ts'

/** A registry with one session and a count of its cancels. */
function oneSession(minor: 0 | 2 = 0, clock?: Clock) {
  const registry = new CancelRegistry(clock)
  const count = { cancels: 0 }
  const { secret, release } = registry.register(42, minor, async () => void count.cancels++)
  return { registry, secret, release, count }
}

describe('A44: a cancel reaches the session whose secret it carries, and no other', () => {
  test.each([
    [0, 4],
    [2, 32],
  ] as const)('protocol 3.%i has a secret of %i bytes', async (minor, length) => {
    const { registry, secret, count } = oneSession(minor)
    expect(secret.length).toBe(length)
    await registry.request('10.0.0.1', 42, Buffer.from(secret))
    expect(count.cancels).toBe(1)
  })

  test('a wrong secret, a wrong process, a wrong length, a session that is over', async () => {
    const { registry, secret, release, count } = oneSession()
    const flipped = Buffer.from(secret)
    flipped[3]! ^= 1
    await registry.request('a', 42, flipped)
    await registry.request('a', 43, secret)
    await registry.request('a', 42, Buffer.concat([secret, Buffer.of(0)]))
    await registry.request('a', 42, Buffer.alloc(0))
    release()
    await registry.request('a', 42, secret)
    expect(count.cancels).toBe(0)
    expect(registry.size).toBe(0)
  })

  test('sessions on several targets may share a process id', async () => {
    const registry = new CancelRegistry()
    const cancelled: string[] = []
    const sessions = ['a', 'b', 'c'].map((name) => registry.register(7, 2, async () => void cancelled.push(name)))
    sessions[0]!.release()
    await registry.request('x', 7, sessions[1]!.secret)
    await registry.request('x', 7, sessions[0]!.secret)
    expect(cancelled).toEqual(['b'])
    expect(registry.size).toBe(2)
  })

  test('one that fails is not noticed, and requests at the same time are one', async () => {
    const registry = new CancelRegistry()
    const gate = Promise.withResolvers<void>()
    let cancels = 0
    const { secret } = registry.register(1, 0, () => {
      cancels += 1
      return gate.promise
    })
    const both = [registry.request('x', 1, secret), registry.request('x', 1, secret)]
    gate.reject(new Error('unreachable'))
    expect(await Promise.all(both)).toEqual([undefined, undefined])
    expect(cancels).toBe(1)
    await registry.request('x', 1, secret)
    expect(cancels).toBe(2)
  })

  test('a peer that floods is left without effect until its allowance refills; others are not', async () => {
    let now = 0
    const { registry, secret, count } = oneSession(0, { now_ms: () => 0, monotonic_ms: () => now })
    for (let i = 0; i < CANCELS_AT_ONCE + 50; i++) await registry.request('10.0.0.1', 42, secret)
    expect(count.cancels).toBe(CANCELS_AT_ONCE)
    await registry.request('10.0.0.2', 42, secret)
    expect(count.cancels).toBe(CANCELS_AT_ONCE + 1)
    now += 1000
    for (let i = 0; i < 50; i++) await registry.request('10.0.0.1', 42, secret)
    expect(count.cancels).toBe(CANCELS_AT_ONCE + 1 + CANCELS_PER_SECOND)
  })

  test('a whole IPv6 network is one peer', async () => {
    const { registry, secret, count } = oneSession(0, { now_ms: () => 0, monotonic_ms: () => 0 })
    for (let i = 0; i < CANCELS_AT_ONCE + 50; i++) await registry.request(`2001:db8:1:2::${i}`, 42, secret)
    expect(count.cancels).toBe(CANCELS_AT_ONCE)
  })
})

describe('a cancel on its way to the target', () => {
  let open: PostgresServer
  let secure: PostgresServer
  beforeAll(async () => {
    const { certFile, keyFile } = await (await Authority.create()).issue('db.test')
    const settings = { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile }
    ;[open, secure] = await Promise.all([startPostgres(), startPostgres({ major: 18, settings })])
  })
  afterAll(() => Promise.all([open?.stop(), secure?.stop()]))

  const upstreamOf = ({ port, user, password }: PostgresServer, tls: Upstream['tls']) =>
    upstreamTo({ port, user, password, tls })

  /** SQLSTATE a sleeping query ends with. */
  async function asleep({ stream }: LoggedIn, started: () => Promise<void>): Promise<string | undefined> {
    const intake = new Intake(stream, { ms: 20_000, signals: [] }, { blame: TARGET })
    stream.write(query("set application_name = 'asleep'; select pg_sleep(15)"))
    await started()
    for (;;) {
      const { type, body } = await intake.message(1_000_000)
      if (type === 'E'.charCodeAt(0)) return readErrorFields(body).get('C')
      if (type === 'Z'.charCodeAt(0)) return undefined
    }
  }

  test.each([
    ['in the clear, 4 bytes', () => open, 'disable', 0],
    ['through TLS, 32 bytes', () => secure, 'require', 2],
  ] as const)('%s', async (_, server, mode, protocolMinor) => {
    const upstream = await upstreamOf(server(), { mode })
    const signal = AbortSignal.timeout(20_000)
    const session = await login(upstream, { database: 'postgres', settings: new Map(), protocolMinor, signal })
    const state = await asleep(session, async () => {
      while (
        (await probe(server(), "select count(*) from pg_stat_activity where application_name = 'asleep'")) === '0'
      );
      await sendCancel(upstream, session, signal)
    })
    expect(state).toBe('57014')
    session.stream.destroy()
  })

  test('a target that is gone rejects, and leaves nothing open', async () => {
    const upstream = await upstreamOf(open, { mode: 'require' })
    await expect(
      sendCancel(upstream, { processId: 1, cancelKey: Buffer.alloc(4) }, AbortSignal.timeout(5_000)),
    ).rejects.toMatchObject({ code: 'target.tls_declined' })
    upstream.stream.destroy()
  })
})
