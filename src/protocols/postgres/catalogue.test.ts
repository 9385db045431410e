import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { WireClient } from '../../../test/rig/wire.ts'
import type { Clock } from '../../kit/clock.ts'
import { SluiceError } from '../../kit/errors.ts'
import { Secret } from '../../kit/secret.ts'
import type { Catalogue, CatalogueRelation } from '../../model/catalogue.ts'
import type { Upstream } from '../contract.ts'
import { CatalogueSource, CatalogueSources } from './catalogue.ts'
import {
  CATALOGUE_CHECK_MS,
  CATALOGUE_IDLE_MS,
  CATALOGUE_LINGER_MS,
  CATALOGUE_RETRY_MS,
  CATALOGUE_STALE_MS,
} from './limits.ts'
import { query } from './messages.ts'
import { Row } from './side-connection.ts'

const SCHEMA = `
  create schema shop;
  create type shop.mood as enum ('calm', 'stormy');
  create domain shop.email as text check (value like '%@%');
  create type shop.pair as (one integer, two text);
  create table shop.customers (id integer primary key, email shop.email, gone text, moods shop.mood[], "Strange ""name""" numeric(10, 2));
  alter table shop.customers drop column gone;
  create view shop.emails as select c.email as address from shop.customers c;
  create materialized view shop.counted as select count(*) as n from shop.emails;
  create sequence shop.numbers;
  create table shop.parent (a integer) partition by range (a);
  create table shop.child partition of shop.parent for values from (0) to (10);
  create table shop.heir (b integer) inherits (shop.customers);
  create function shop.noise() returns trigger language plpgsql as 'begin return new; end';
  create trigger noisy before insert on shop.child for each row execute function shop.noise();
  create table shop.ruled (a integer);
  create rule silent as on insert to shop.ruled do also nothing;
  create function public.lower(integer) returns integer language sql as 'select 1';
  create operator public.=== (leftarg = integer, rightarg = integer, function = int4eq);
  create role reader login password 'reader-secret';
  create role elsewhere login password 'elsewhere-secret';
  alter role elsewhere set search_path = shop, missing, "$user";
  grant usage on schema shop to reader, elsewhere;`

let old: PostgresServer
let newest: PostgresServer
beforeAll(async () => {
  const hba = ['local all all trust', 'host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256']
  ;[old, newest] = await Promise.all([startPostgres({ hba }), startPostgres({ hba, major: 18 })])
  await Promise.all([old, newest].map((server) => probe(server, SCHEMA)))
})
afterAll(() => Promise.all([old?.stop(), newest?.stop()]))

const sources: CatalogueSource[] = []
const sockets: Socket[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const source of sources.splice(0)) source.close()
  for (const socket of sockets.splice(0)) socket.destroy()
})

async function upstreamOf(
  server: PostgresServer,
  account: { user?: string; password?: string } = {},
): Promise<Upstream & { dialled: number }> {
  const redial = async () => {
    upstream.dialled += 1
    const socket = connect(server.port, '127.0.0.1')
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }
  const { user = server.user, password = server.password } = account
  const rest = {
    host: '127.0.0.1',
    user,
    password: new Secret(password),
    database: undefined,
    tls: { mode: 'disable' as const },
    redial,
    dialled: -1,
  }
  const upstream = { ...rest, stream: undefined as unknown as Socket }
  upstream.stream = await redial()
  return upstream
}

async function sourceOf(
  server: PostgresServer,
  options: { user?: string; password?: string; clock?: Clock; database?: string } = {},
) {
  const source = new CatalogueSource(options.database ?? 'postgres', options.clock)
  sources.push(source)
  const upstream = await upstreamOf(server, options)
  source.attach(upstream)
  return { source, upstream }
}

const columnsOf = (relation: CatalogueRelation | undefined) =>
  relation?.columns.map(({ name, number, typeName }) => `${number} ${name} ${typeName}`)
const relationOf = (catalogue: Catalogue, name: string) => catalogue.relations.get(name)!

describe.each([15, 18])('the catalogue of server %i', (major) => {
  let catalogue: Catalogue
  let server: PostgresServer
  beforeAll(async () => {
    server = major === 15 ? old : newest
    catalogue = await (await sourceOf(server)).source.get()
  })

  test('knows the server, the database and where names are looked for', () => {
    expect([catalogue.major, catalogue.database, catalogue.searchPath]).toEqual([
      major,
      'postgres',
      ['pg_catalog', 'public'],
    ])
  })

  test.each([
    [
      'shop.customers',
      'table',
      ['1 id integer', '2 email shop.email', '4 moods shop.mood[]', '5 Strange "name" numeric'],
    ],
    ['shop.emails', 'view', ['1 address shop.email']],
    ['shop.counted', 'matview', ['1 n bigint']],
    ['shop.numbers', 'sequence', ['1 last_value bigint', '2 log_cnt bigint', '3 is_called boolean']],
    ['shop.customers_pkey', 'index', []],
    ['shop.pair', 'composite', ['1 one integer', '2 two text']],
    ['shop.parent', 'table', ['1 a integer']],
    [
      'shop.heir',
      'table',
      ['1 id integer', '2 email shop.email', '3 moods shop.mood[]', '4 Strange "name" numeric', '5 b integer'],
    ],
  ])('%s is a %s with its columns', (name, kind, columns) => {
    const relation = relationOf(catalogue, name)
    expect([relation.kind, columnsOf(relation)]).toEqual([kind, columns])
    expect(catalogue.byOid.get(relation.oid)).toBe(relation)
    expect(catalogue.byName.get(relation.name)).toContain(relation)
  })

  test('knows the relations the server came with, and their columns', async () => {
    const sql = `select string_agg(n.nspname || '.' || c.relname || ' ' || (select count(*) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped), ',' order by n.nspname, c.relname)
      from pg_class c join pg_namespace n on n.oid = relnamespace where relkind not in ('t', 'i', 'I') and c.oid < 16384 and nspname <> 'pg_toast'`
    const theirs = (await probe(server, sql)).split(',')
    const ours = [...catalogue.relations]
      .filter(([, { oid }]) => oid < 16_384)
      .map(([key, { columns }]) => `${key} ${columns.length}`)
    expect(ours.sort()).toEqual(theirs.sort())
    expect(ours.length).toBeGreaterThan(150)
  })

  test('prints what views read with every name qualified', () => {
    expect(relationOf(catalogue, 'shop.emails').definition).toMatch(
      /SELECT (c\.)?email AS address\s+FROM shop\.customers c;/,
    )
    expect(relationOf(catalogue, 'shop.counted').definition).toContain('FROM shop.emails')
    expect(relationOf(catalogue, 'pg_catalog.pg_stats').definition).toContain('pg_statistic')
    expect(relationOf(catalogue, 'shop.customers').definition).toBeUndefined()
  })

  test('knows parents, and where writing runs code: in the table, or in one below it', () => {
    const oid = (name: string) => relationOf(catalogue, name).oid
    expect(relationOf(catalogue, 'shop.child').parents).toEqual([oid('shop.parent')])
    expect(relationOf(catalogue, 'shop.heir').parents).toEqual([oid('shop.customers')])
    const running = [...catalogue.relations.values()].filter(({ runsCode }) => runsCode).map(({ name }) => name)
    expect(running.filter((name) => !name.startsWith('pg_')).sort()).toEqual(['child', 'parent', 'ruled'])
  })

  test('knows what could stand in for a built-in', () => {
    expect([...catalogue.userFunctions].sort()).toEqual(['lower', 'noise'])
    expect([...catalogue.userOperators]).toEqual(['==='])
    for (const name of ['mood', 'email', 'pair', 'customers', 'emails'])
      expect(catalogue.userTypes.has(name)).toBe(true)
    for (const name of ['int4', 'text', '_mood', 'customers_pkey']) expect(catalogue.userTypes.has(name)).toBe(false)
  })

  test("is read as the session's own account, whose path it shows", async () => {
    const reader = await (await sourceOf(server, { user: 'reader', password: 'reader-secret' })).source.get()
    expect(columnsOf(reader.relations.get('shop.customers'))?.length).toBe(4)
    const elsewhere = await (await sourceOf(server, { user: 'elsewhere', password: 'elsewhere-secret' })).source.get()
    expect(elsewhere.searchPath).toEqual(['pg_catalog', 'shop'])
  })
})

describe('a catalogue follows the target', () => {
  /** Shows a change by what a fresh look says, after `invalidate`. */
  const changes: [string, string, (catalogue: Catalogue) => unknown, unknown][] = [
    [
      'a new table',
      'create table shop.fresh (a integer)',
      (c) => columnsOf(c.relations.get('shop.fresh')),
      ['1 a integer'],
    ],
    [
      'a new column',
      'alter table shop.fresh add b text',
      (c) => columnsOf(c.relations.get('shop.fresh')),
      ['1 a integer', '2 b text'],
    ],
    [
      'a renamed column',
      'alter table shop.fresh rename b to c',
      (c) => columnsOf(c.relations.get('shop.fresh')),
      ['1 a integer', '2 c text'],
    ],
    [
      'a dropped column',
      'alter table shop.fresh drop a',
      (c) => columnsOf(c.relations.get('shop.fresh')),
      ['2 c text'],
    ],
    [
      'another type',
      'alter table shop.fresh alter c type varchar',
      (c) => columnsOf(c.relations.get('shop.fresh')),
      ['2 c character varying'],
    ],
    [
      'a trigger',
      'create trigger t before insert on shop.fresh for each row execute function shop.noise()',
      (c) => c.relations.get('shop.fresh')?.runsCode,
      true,
    ],
    ['no trigger', 'drop trigger t on shop.fresh', (c) => c.relations.get('shop.fresh')?.runsCode, false],
    [
      'a rule',
      'create rule r as on delete to shop.fresh do also nothing',
      (c) => c.relations.get('shop.fresh')?.runsCode,
      true,
    ],
    ['no rule', 'drop rule r on shop.fresh', (c) => c.relations.get('shop.fresh')?.runsCode, false],
    [
      'a parent',
      'create table shop.top (c varchar); alter table shop.fresh inherit shop.top',
      (c) => c.relations.get('shop.fresh')?.parents.length,
      1,
    ],
    [
      'no parent',
      'alter table shop.fresh no inherit shop.top',
      (c) => c.relations.get('shop.fresh')?.parents.length,
      0,
    ],
    [
      'a view',
      'create view shop.seen as select c from shop.fresh',
      (c) => c.relations.get('shop.seen')?.definition?.includes('shop.fresh'),
      true,
    ],
    [
      'a column renamed below a view',
      'alter table shop.fresh rename c to d',
      (c) => c.relations.get('shop.seen')?.definition?.includes('d AS c'),
      true,
    ],
    [
      'a replaced view',
      "create or replace view shop.seen as select 'x'::varchar as c from shop.fresh",
      (c) => c.relations.get('shop.seen')?.definition?.includes("'x'"),
      true,
    ],
    [
      'a table renamed below a view',
      'alter table shop.fresh rename to stale',
      (c) => [c.relations.has('shop.fresh'), c.relations.get('shop.seen')?.definition?.includes('FROM shop.stale')],
      [false, true],
    ],
    [
      'another schema',
      'create schema attic; alter table shop.stale set schema attic',
      (c) => [c.relations.has('shop.stale'), c.relations.has('attic.stale')],
      [false, true],
    ],
    [
      'a renamed schema',
      'alter schema attic rename to cellar',
      (c) => [c.relations.has('attic.stale'), c.relations.get('shop.seen')?.definition?.includes('cellar.stale')],
      [false, true],
    ],
    [
      'a view over a swapped name',
      'create table attic_t (c int); drop view shop.seen; create view shop.seen as select * from attic_t',
      (c) => c.relations.get('shop.seen')?.definition?.includes('attic_t'),
      true,
    ],
    [
      'a function',
      'create function shop.extra() returns int language sql as $$ select 1 $$',
      (c) => c.userFunctions.has('extra'),
      true,
    ],
    ['no function', 'drop function shop.extra()', (c) => c.userFunctions.has('extra'), false],
    ['a type', "create type shop.hue as enum ('red')", (c) => c.userTypes.has('hue'), true],
    ['no type', 'drop type shop.hue', (c) => c.userTypes.has('hue'), false],
    [
      'an operator',
      'create operator shop.!== (leftarg = int, rightarg = int, function = int4ne)',
      (c) => c.userOperators.has('!=='),
      true,
    ],
    ['no operator', 'drop operator shop.!== (int, int)', (c) => c.userOperators.has('!=='), false],
    [
      'what was dropped',
      'drop table cellar.stale, attic_t, shop.top cascade',
      (c) => [...c.relations.keys()].filter((key) => /stale|attic_t|shop\.(seen|top)/.test(key)),
      [],
    ],
    ['no schema', 'drop schema cellar', (c) => c.relations.has('cellar.stale'), false],
  ]

  test.each([15, 18])('server %i: each change is seen, and each snapshot equals a fresh reading', async (major) => {
    const server = major === 15 ? old : newest
    const { source, upstream } = await sourceOf(server)
    let before = await source.get()
    for (const [what, sql, look, expected] of changes) {
      const shown = look(before)
      await probe(server, sql)
      source.invalidate()
      const after = await source.get()
      expect(look(after), what).toEqual(expected)
      expect(look(before), `${what}: the old snapshot stays as it was`).toEqual(shown)
      expect(after.epoch).toBeGreaterThan(before.epoch)
      before = after
    }
    expect(upstream.dialled).toBe(1)
    const afresh = await (await sourceOf(server)).source.get()
    expect(plain(before)).toEqual(plain(afresh))
  })

  const plain = ({ epoch: _, byName, ...rest }: Catalogue) => ({
    ...rest,
    byName: new Map([...byName].map(([name, list]) => [name, new Set(list)])),
  })

  test('the same catalogue is handed out while nothing changes', async () => {
    const { source } = await sourceOf(old)
    const first = await source.get()
    expect(source.current()).toBe(first)
    source.invalidate()
    expect(await source.get()).toBe(first)
  })

  test('what is not committed is not shown, and a view locked by it does not hold the reader up', async () => {
    await probe(old, 'create table shop.busy (a int); create view shop.watching as select a from shop.busy')
    const { source } = await sourceOf(old)
    using client = await transaction(`begin; alter table shop.busy rename a to b; select 1`)
    const catalogue = await source.get()
    expect(columnsOf(catalogue.relations.get('shop.busy'))).toEqual(['1 a integer'])
    expect(catalogue.relations.get('shop.watching')).toMatchObject({ kind: 'view' })
    expect(catalogue.relations.get('shop.watching')?.definition).toBeUndefined()
    await finish(client, 'commit')
    source.invalidate()
    expect((await source.get()).relations.get('shop.watching')?.definition).toContain('b AS a')
    await probe(old, 'drop table shop.busy cascade')
  })

  async function transaction(sql: string): Promise<WireClient> {
    const client = await WireClient.open(old)
    await finish(client, sql)
    return client
  }

  async function finish(client: WireClient, sql: string): Promise<void> {
    client.send(query(sql))
    for (let type = ''; type !== 'Z'; ) type = (await client.next()).type
  }
})

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
    sources.push(source)
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

  test('one in use is compared by itself; an idle one, or one nobody is attached to, lets go of its connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const clock = turned()
    const { source, upstream } = await sourceOf(old, { clock })
    const first = await source.get()
    await probe(old, 'create table shop.outside (a int)')
    vi.advanceTimersByTime(CATALOGUE_CHECK_MS)
    while (source.current() === first) await nextTurn()
    expect(source.current()?.relations.has('shop.outside')).toBe(true)
    expect(await readers()).toBe('1')
    clock.now += CATALOGUE_IDLE_MS
    vi.advanceTimersByTime(CATALOGUE_CHECK_MS)
    while ((await readers()) !== '0');
    await source.get()
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
