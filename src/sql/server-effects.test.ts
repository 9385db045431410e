import type { EventEmitter } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CANARY_LABELS, type CanaryShop, startCanaryShop } from '../../test/rig/canary-shop.ts'
import { effects, onlyEffects } from '../model/effects.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

let shop: CanaryShop
let sql: PostgresSql

beforeAll(async () => {
  shop = await startCanaryShop()
  sql = await PostgresSql.load(shop.major)
})

afterAll(() => shop[Symbol.asyncDispose]())

function resolve(text: string, mirror = new SessionMirror()) {
  const { catalogue } = shop
  return sql.resolve(sql.parse(text), { catalogue, labels: CANARY_LABELS, database: 'postgres', mirror })
}

test('the server tells names of prepared statements apart by their first 63 bytes', async () => {
  const name = 'n'.repeat(63)
  await shop.client.query({ name: `${name}1`, text: 'SELECT 1' })
  await expect(shop.client.query({ name: `${name}2`, text: 'SELECT 2' })).rejects.toMatchObject({ code: '42P05' })
  await shop.client.query('DEALLOCATE ALL')
})

describe('the server as judge of effects', () => {
  const READS = effects('read', 'session', 'export')

  test.each([
    'SELECT 1',
    'SELECT * FROM customers',
    'TABLE orders',
    'VALUES (1)',
    'EXPLAIN DELETE FROM orders',
    'EXPLAIN ANALYZE DELETE FROM orders',
    'EXPLAIN ANALYZE SELECT 1',
    'EXPLAIN (ANALYZE off, ANALYZE) DELETE FROM orders',
    'EXPLAIN (ANALYZE, ANALYZE false) DELETE FROM orders',
    'EXPLAIN ANALYZE CREATE TABLE y AS SELECT 1',
    'EXPLAIN CREATE TABLE y AS SELECT 1',
    'WITH d AS (DELETE FROM orders RETURNING *) SELECT * FROM d',
    'WITH d AS (DELETE FROM orders) SELECT 1',
    'SELECT 1 AS a INTO y',
    'CREATE TABLE y AS SELECT 1',
    'CREATE TABLE y (a int)',
    'CREATE VIEW y AS SELECT 1',
    'CREATE INDEX ON orders (id)',
    'DELETE FROM orders',
    'UPDATE orders SET total = 1',
    'INSERT INTO orders DEFAULT VALUES',
    'MERGE INTO orders o USING customers c ON true WHEN MATCHED THEN DO NOTHING',
    'MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN DELETE',
    'TRUNCATE orders',
    'DROP VIEW contacts',
    'ALTER TABLE orders ADD x int',
    "COMMENT ON TABLE orders IS 'x'",
    'GRANT SELECT ON orders TO PUBLIC',
    "SELECT nextval('s')",
    "SELECT setval('s', 1)",
    "SELECT lo_from_bytea(0, 'x')",
    'SELECT lo_create(0)',
    "SELECT currval('s')",
    'COPY orders TO STDOUT',
    'LOCK TABLE orders',
    'LOCK TABLE orders IN ROW EXCLUSIVE MODE',
    'LOCK TABLE orders IN ACCESS SHARE MODE',
    'REFRESH MATERIALIZED VIEW stored',
    'REINDEX TABLE orders',
    'ANALYZE orders',
    'CREATE SEQUENCE z',
    'CREATE ROLE nobody',
    'CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
    'DO $$ BEGIN DELETE FROM orders; END $$',
    'SET work_mem = 64',
    'SHOW work_mem',
    'DISCARD PLANS',
    'LISTEN c',
    "NOTIFY c, 'x'",
    'DECLARE c CURSOR FOR SELECT 1',
    'PREPARE p AS DELETE FROM orders',
  ])('what a read-only transaction refuses was not judged a read: %s', async (text) => {
    const { operation } = resolve(text)
    const judgedRead = onlyEffects(operation.effects, READS)
    await shop.client.query('BEGIN READ ONLY')
    const refused = await shop.client.query(text).then(
      () => false,
      (error: { code?: string }) => error.code === '25006',
    )
    await shop.client.query('ROLLBACK; DEALLOCATE ALL')
    if (refused) expect(judgedRead).toBe(false)
  })
})

/** One after the other, on one session. */
const IN_TURN = [
  'SELECT 1',
  'VALUES (1)',
  'SELECT 1 AS a INTO y1',
  'CREATE TABLE y2 AS SELECT 1',
  'CREATE TABLE y3 AS SELECT 1 WITH NO DATA',
  'CREATE MATERIALIZED VIEW y4 AS SELECT 1',
  'CREATE MATERIALIZED VIEW y5 AS SELECT 1 WITH NO DATA',
  'REFRESH MATERIALIZED VIEW y4',
  'ALTER TABLE y2 RENAME TO y6',
  'ALTER INDEX customers_pkey RENAME TO k',
  'ALTER TABLE customers RENAME COLUMN note TO remark',
  'ALTER MATERIALIZED VIEW y4 SET SCHEMA archive',
  'CREATE TYPE ty AS (a int)',
  "CREATE TYPE te AS ENUM ('a')",
  "ALTER TYPE te ADD VALUE 'b'",
  'CREATE DOMAIN td AS int',
  'ALTER DOMAIN td SET NOT NULL',
  'DROP DOMAIN td',
  'CREATE FUNCTION g() RETURNS int LANGUAGE sql AS $$SELECT 1$$',
  'ALTER FUNCTION g() STABLE',
  'DROP FUNCTION g()',
  'CREATE PROCEDURE h() LANGUAGE sql AS $$SELECT 1$$',
  'CALL h()',
  'DROP PROCEDURE h()',
  'CREATE AGGREGATE agg (int) (SFUNC = int4pl, STYPE = int)',
  'CREATE TEXT SEARCH CONFIGURATION tsc (COPY = english)',
  'DROP TEXT SEARCH CONFIGURATION tsc',
  'CREATE STATISTICS st ON id, total FROM orders',
  'ALTER STATISTICS st SET STATISTICS 10',
  'CREATE RULE r AS ON INSERT TO y6 DO ALSO SELECT 1',
  'DROP RULE r ON y6',
  'CREATE POLICY po ON orders',
  'ALTER POLICY po ON orders USING (true)',
  'DROP POLICY po ON orders',
  'CREATE ROLE nobody',
  'GRANT nobody TO postgres',
  'REVOKE nobody FROM postgres',
  'GRANT SELECT ON orders TO nobody',
  'REVOKE SELECT ON orders FROM nobody',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO nobody',
  'ALTER TABLE y6 OWNER TO nobody',
  'REASSIGN OWNED BY nobody TO postgres',
  'DROP OWNED BY nobody',
  'ALTER ROLE nobody SET work_mem = 64',
  'DROP ROLE nobody',
  'BEGIN',
  'SAVEPOINT a',
  'RELEASE a',
  'SAVEPOINT a',
  'ROLLBACK TO a',
  'DECLARE c CURSOR FOR SELECT 1',
  'FETCH c',
  'MOVE c',
  'CLOSE c',
  'CLOSE ALL',
  'LOCK TABLE orders',
  'SET CONSTRAINTS ALL DEFERRED',
  'COMMIT',
  'START TRANSACTION',
  'ROLLBACK',
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  'DEALLOCATE p',
  'DEALLOCATE ALL',
  'DISCARD ALL',
  'DISCARD TEMP',
  'LISTEN c',
  'UNLISTEN *',
  'NOTIFY c',
  'SET work_mem = 64',
  'RESET work_mem',
  'SHOW work_mem',
  'EXPLAIN SELECT 1',
  'VACUUM orders',
  'ANALYZE orders',
  'CLUSTER',
  'REINDEX TABLE orders',
  'CHECKPOINT',
  'TRUNCATE y6',
  "COMMENT ON TABLE y6 IS 'x'",
  'INSERT INTO orders DEFAULT VALUES',
  'UPDATE orders SET total = 1',
  'DELETE FROM orders',
  'DO $$ BEGIN END $$',
  'DROP TABLE y6',
]

test('the tags are those the server gives', async () => {
  const tags: string[] = []
  const { connection } = shop.client as unknown as { connection: EventEmitter }
  connection.on('commandComplete', (message: { text: string }) => tags.push(message.text.replace(/( \d+)+$/, '')))
  const mirror = new SessionMirror()
  for (const text of IN_TURN) {
    const [statement] = resolve(text, mirror).statements
    await shop.client.query(text).catch((error: Error) => {
      throw new Error(`${text}: ${error.message}`)
    })
    mirror.apply(statement!)
    expect(statement?.tag, text).toBe(tags.at(-1))
  }
})
