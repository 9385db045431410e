import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { probe } from '../../../test/rig/psql.ts'
import { upstreamTo } from '../../../test/rig/upstream.ts'
import { WireClient } from '../../../test/rig/wire.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Catalogue, CatalogueRelation } from '../../model/catalogue.ts'
import { CatalogueSource } from './catalogue.ts'
import { query } from './messages.ts'

const SCHEMA = `
  create schema shop;
  create function shop.noise() returns trigger language plpgsql as 'begin return new; end';`

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
const _relationOf = (catalogue: Catalogue, name: string) => catalogue.relations.get(name)!

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
    [
      'a tame extension beside built-ins',
      'create extension citext',
      (c) => [c.userOperators.has('~~'), c.userFunctions.has('max'), c.userFunctions.has('replace')],
      // citext’s replace() is SQL, which anybody allowed to may replace.
      [false, false, true],
    ],
    [
      'an operator of the same name that is no extension’s',
      'create operator shop.~~ (leftarg = int, rightarg = int, function = int4ne)',
      (c) => c.userOperators.has('~~'),
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
