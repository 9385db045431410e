import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { upstreamTo } from '../../../test/rig/upstream.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Catalogue, CatalogueRelation } from '../../model/catalogue.ts'
import { CatalogueSource } from './catalogue.ts'

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
  grant usage on schema shop to reader, elsewhere;
  create schema evil;
  create function evil.never(oid, oid) returns boolean language sql immutable as 'select false';
  create operator evil.= (leftarg = oid, rightarg = oid, function = evil.never);
  create operator evil.>= (leftarg = oid, rightarg = oid, function = evil.never);
  create function evil.count() returns bigint language sql as 'select 0::bigint';
  create role tricked login password 'tricked-secret';
  alter role tricked set search_path = evil, pg_catalog;
  grant usage on schema evil to tricked;`

let old: PostgresServer
let newest: PostgresServer
beforeAll(async () => {
  const hba = ['local all all trust', 'host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256']
  ;[old, newest] = await Promise.all([startPostgres({ hba }), startPostgres({ hba, major: 18 })])
  await Promise.all([old, newest].map((server) => probe(server, SCHEMA)))
})
afterAll(() => Promise.all([old?.stop(), newest?.stop()]))

const opened: { close(): void }[] = []
afterEach(() => {
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
    expect([...catalogue.userFunctions].sort()).toEqual(['count', 'lower', 'never', 'noise'])
    expect([...catalogue.userOperators].sort()).toEqual(['=', '===', '>='])
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

  test('objects that shadow what it is asked with change nothing', async () => {
    const { source } = await sourceOf(server, { user: 'tricked', password: 'tricked-secret' })
    const tricked = await source.get()
    expect(tricked.searchPath).toEqual(['evil', 'pg_catalog'])
    expect([...tricked.relations.keys()]).toEqual([...catalogue.relations.keys()])
    expect(relationOf(tricked, 'shop.emails')).toEqual(relationOf(catalogue, 'shop.emails'))
    await probe(server, 'alter table shop.customers rename email to post')
    source.invalidate()
    expect(relationOf(await source.get(), 'shop.emails').definition).toContain('post AS address')
    await probe(server, 'alter table shop.customers rename post to email')
  })
})
