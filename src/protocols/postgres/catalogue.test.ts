import { once } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { upstreamTo } from '../../../test/rig/upstream.ts'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import { CatalogueSource, CatalogueSources } from './catalogue.ts'
import { CATALOGUE_CHECK_MS, CATALOGUE_LINGER_MS, CATALOGUE_RETRY_MS, CATALOGUE_STALE_MS } from './limits.ts'
import { Row } from './side-connection.ts'

const SCHEMA = `
  create schema shop;
  create role reader login password 'reader-secret'`

let old: PostgresServer
beforeAll(async () => {
  const hba = ['local all all trust', 'host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256']
  old = await startPostgres({ hba })
  await probe(old, SCHEMA)
})
afterAll(() => old?.stop())

const opened: { close(): void }[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const one of opened.splice(0)) one.close()
})

async function upstreamOf(server: PostgresServer, account: { user?: string; password?: string } = {}) {
  const { user = server.user, password = server.password } = account
  const upstream = await upstreamTo({ port: server.port, user, password })
  opened.push({ close: () => upstream.hangUp() })
  return upstream
}

async function sourceOf(server: PostgresServer, options: { user?: string; password?: string; clock?: Clock } = {}) {
  const source = new CatalogueSource('postgres', options.clock)
  opened.push(source)
  const upstream = await upstreamOf(server, options)
  source.attach(upstream)
  return { source, upstream }
}

/** A clock the test turns. */
function turned() {
  const clock = { now: 1_000_000, now_ms: () => clock.now, monotonic_ms: () => clock.now }
  return clock
}

describe('a catalogue that cannot be trusted is not handed out', () => {
  test('before it was read, and when it was not compared for too long', async () => {
    const clock = turned()
    const { source } = await sourceOf(old, { clock })
    expect(source.current()).toBeUndefined()
    const first = await source.get()
    clock.now += CATALOGUE_STALE_MS - 1
    expect(source.current()).toBe(first)
    clock.now += 1
    expect(source.current()).toBeUndefined()
    expect(await source.get()).toBe(first)
    expect(source.current()).toBe(first)
  })

  test('after a change, others keep the old one for a moment only', async () => {
    const clock = turned()
    const { source, upstream } = await sourceOf(old, { clock })
    const first = await source.get()
    Object.assign(upstream, { redial: () => Promise.reject(new SluiceError('target.unreachable')) })
    await cutOff(source)
    source.invalidate()
    expect(source.current()).toBe(first)
    clock.now += CATALOGUE_CHECK_MS
    expect(source.current()).toBeUndefined()
  })

  test('a target that cannot be asked rejects, and is not asked again at once', async () => {
    const clock = turned()
    const { source, upstream } = await sourceOf(old, { clock, user: 'reader', password: 'wrong' })
    await expect(source.get()).rejects.toMatchObject({ code: 'target.login' })
    await expect(source.get()).rejects.toMatchObject({ code: 'target.login' })
    expect(upstream.dialled).toBe(1)
    clock.now += CATALOGUE_RETRY_MS
    await expect(source.get()).rejects.toMatchObject({ code: 'target.login' })
    expect(upstream.dialled).toBe(2)
  })

  test('without a session there is no way to ask', async () => {
    await expect(new CatalogueSource('postgres').get()).rejects.toMatchObject({ code: 'target.catalogue' })
  })

  /** Ends the source's own connection from the server's side. */
  async function cutOff(source: CatalogueSource): Promise<void> {
    await probe(
      old,
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'sluice catalogue'",
    )
    expect(source.attached).toBe(true)
  }

  test('a connection that was closed is opened again', async () => {
    const { source, upstream } = await sourceOf(old)
    const first = await source.get()
    await cutOff(source)
    source.invalidate()
    expect(await source.get()).toBe(first)
    expect(upstream.dialled).toBe(2)
  })

  test('a database dropped and made anew is another one, although its name is the same', async () => {
    await probe(old, 'create database lively')
    const place = { ...old, database: 'lively' }
    await probe(place, 'create table before (a int); create view v as select a from before')
    const source = new CatalogueSource('lively')
    opened.push(source)
    const upstream = await upstreamOf(old)
    source.attach(upstream)
    expect((await source.get()).relations.has('public.before')).toBe(true)
    // The side connection leaves with the last session, or this would fail.
    upstream.stream.destroy()
    await probe(old, 'drop database lively')
    await probe(old, 'create database lively')
    await probe(place, 'create table after (b int)')
    source.attach(await upstreamOf(old))
    source.invalidate()
    const { relations } = await source.get()
    expect([relations.has('public.before'), relations.has('public.v'), relations.has('public.after')]).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe('reading costs little', () => {
  test('many who ask at once share one reading, and one connection', async () => {
    const { source, upstream } = await sourceOf(old)
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => source.get()))).size).toBe(1)
    expect(upstream.dialled).toBe(1)
  })

  test('a change during a reading is in what is handed out after it', async () => {
    const { source } = await sourceOf(old)
    await source.get()
    source.invalidate()
    const reading = source.get()
    await probe(old, 'create table shop.meanwhile (a int)')
    source.invalidate()
    expect((await source.get()).relations.has('shop.meanwhile')).toBe(true)
    await reading
    await probe(old, 'drop table shop.meanwhile')
  })

  test('one that was asked for is compared by itself, and lets go of its connection when the last session has left', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const clock = turned()
    const { source, upstream } = await sourceOf(old, { clock })
    const first = await source.get()
    await probe(old, 'create table shop.outside (a int)')
    vi.advanceTimersByTime(CATALOGUE_CHECK_MS)
    while (source.current() === first) await nextTurn()
    expect(source.current()?.relations.has('shop.outside')).toBe(true)
    expect(await readers()).toBe('1')
    upstream.stream.destroy()
    await once(upstream.stream, 'close')
    expect(await readers()).toBe('1')
    vi.advanceTimersByTime(CATALOGUE_LINGER_MS)
    while ((await readers()) !== '0');
    await probe(old, 'drop table shop.outside')
  })

  const readers = () => probe(old, "select count(*) from pg_stat_activity where application_name = 'sluice catalogue'")

  test('sessions of one place share a source, others have their own', async () => {
    const all = new CatalogueSources()
    const one = await upstreamOf(old)
    const other = await upstreamOf(old, { user: 'reader', password: 'reader-secret' })
    const source = all.of('orders', { upstream: one, database: 'postgres' })
    expect(all.of('orders', { upstream: await upstreamOf(old), database: 'postgres' })).toBe(source)
    const different = [
      all.of('orders', { upstream: other, database: 'postgres' }),
      all.of('orders', { upstream: one, database: 'shop' }),
      all.of('payments', { upstream: one, database: 'postgres' }),
    ]
    expect(new Set([source, ...different]).size).toBe(4)
    all.close()
  })
})

test('a row that is not one is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const row = new Row()
      try {
        row.read(Buffer.from(bytes), 0, bytes.length)
        for (let i = 0; i < Buffer.from(bytes).readInt16BE(); i++) expect(row.text(i).length).toBeLessThan(40)
      } catch (error) {
        expect(error).toMatchObject({ code: 'protocol.target' })
      }
    }),
    { numRuns: 3_000, seed: 20_263 },
  )
})
