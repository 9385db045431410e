import { describe, expect, test } from 'vitest'
import { SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { effectNames } from '../model/effects.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

const sql = await PostgresSql.load(15)
const versions = new Map([[15, sql]])
for (const major of [13, 14, 16, 17, 18]) versions.set(major, await PostgresSql.load(major))

/** What one text does, on a fresh session. */
function operation(text: string, major = 15) {
  const own = versions.get(major)!
  const context = { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
  return own.resolve(own.parse(text), context).operation
}

function effectsOf(text: string, major = 15): string {
  return effectNames(operation(text, major).effects).join(' ')
}

/** What the analysis refuses to judge at all. */
function refusal(text: string, major = 15): string {
  try {
    effectsOf(text, major)
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'judged'
}

describe('a statement is judged by what it does, however it is written', () => {
  test.each([
    ['A1', 'DELETE/**/FROM/*/*x*/*/orders', 'delete'],
    ['A2', 'dElEtE\t\n\r\fFROM\forders', 'delete'],
    ['A5', 'DELETE FROM U&"\\0061udit_me"', 'delete'],
    ['A6', `DELETE FROM U&"!0061udit_me" UESCAPE '!'`, 'delete'],
    ['A9', "SELECT $a$ $b$ ' /* $a$, 1", 'read'],
    ['A9', 'DO $x$ BEGIN /* $$ */ END $x$', 'execute unknown'],
    ['A11', "SELECT E'it\\'s; DELETE FROM orders --', B'01', X'1F', N'a', 'a'\n'b'", 'read'],
    ['A19', 'SELECT 1; DELETE FROM orders', 'read delete'],
    ['A20', "DO $x$ BEGIN EXECUTE 'INS'||'ERT INTO orders'; END $x$", 'execute unknown'],
    ['A20', 'CALL anything(1)', 'execute unknown'],
    ['A20', "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'define'],
    ['A20', 'CREATE PROCEDURE p() BEGIN ATOMIC DELETE FROM orders; END', 'define'],
    ['A21', 'WITH d AS (DELETE FROM orders RETURNING 1) SELECT 2', 'read delete'],
    ['A21', 'SELECT (WITH d AS (SELECT 1) SELECT * FROM d)', 'read'],
    ['A22', 'EXPLAIN ANALYZE DELETE FROM orders', 'session read delete'],
    ['A22', 'EXPLAIN (ANALYZE off, ANALYZE on) DELETE FROM orders', 'session read delete'],
    ['A22', 'EXPLAIN (ANALYZE 0) DELETE FROM orders', 'session read'],
    ['A22', 'EXPLAIN DELETE FROM orders', 'session read'],
    ['A22', 'EXPLAIN SELECT mine(1)', 'session read execute'],
    ['A22', 'EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1', 'session read write define'],
    ['A23', 'PREPARE p AS DELETE FROM orders', 'session delete'],
    ['A23', 'PREPARE p AS DELETE FROM orders; EXECUTE p', 'session delete'],
    ['A24', 'SELECT 1 AS a INTO x', 'read write define'],
    ['A24', 'SELECT 1 INTO x UNION SELECT 2', 'read write define'],
    ['A24', 'PREPARE s AS SELECT 1; CREATE TABLE x AS EXECUTE s', 'session read write define'],
    ['A25', 'MERGE INTO orders o USING products p ON o.id = p.id WHEN MATCHED THEN DELETE', 'read delete'],
    ['A25', 'MERGE INTO orders o USING products p ON true WHEN NOT MATCHED THEN INSERT VALUES (1)', 'read write'],
    ['A26', 'CREATE RULE r AS ON INSERT TO bait DO ALSO DELETE FROM orders', 'define execute'],
    ['A26', 'CREATE TRIGGER t AFTER INSERT ON bait EXECUTE FUNCTION mine()', 'define execute'],
    ['A26', 'CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION mine()', 'define execute'],
    ['A27', "COPY orders FROM PROGRAM 'sh'", 'write execute import'],
    ['A27', "COPY orders TO PROGRAM 'sh'", 'read execute export'],
    ['A27', "COPY orders TO '/tmp/x'", 'read export'],
    ['A27', "COPY orders FROM '/tmp/x'", 'write import'],
    ['A27', 'COPY orders FROM STDIN', 'write import'],
    ['A27', 'COPY (SELECT 1) TO STDOUT', 'read export'],
    ['A27', 'COPY (DELETE FROM orders RETURNING *) TO STDOUT', 'read delete export'],
    ['A28', 'VALUES ((SELECT ssn FROM customers))', 'read'],
    ['A28', 'TABLE customers', 'read'],
    ['A28', 'SELECT * FROM ONLY customers', 'read'],
    ['A29', 'COMMIT; INSERT INTO orders VALUES (1)', 'session write'],
    ['A29', 'SET TRANSACTION READ WRITE', 'session'],
    ['A54', "NOTIFY c, 'x'", 'write'],
    ['A54', 'LISTEN c', 'session'],
    ['A54', "SELECT pg_notify('c', 'x')", 'read write'],
    ['A56', 'SET ROLE low', 'session grant'],
    ['A56', 'SET SESSION AUTHORIZATION low', 'session grant'],
    ['A56', 'RESET ROLE', 'session grant'],
    ['A56', 'ALTER ROLE low SET search_path = x', 'session define grant'],
    ['A56', "ALTER SYSTEM SET work_mem = '1GB'", 'session define grant'],
    ['', '', 'session'],
    ['', '-- nothing', 'session'],
    ['', ';;', 'session'],
    ['', 'SELECT id FROM orders FOR UPDATE', 'session read'],
    ['', 'INSERT INTO orders VALUES (1)', 'write'],
    ['', 'INSERT INTO orders SELECT 1', 'read write'],
    ['', 'INSERT INTO orders VALUES (1) RETURNING id', 'read write'],
    ['', 'UPDATE orders SET total = 1 WHERE id = 1', 'write'],
    ['', 'TRUNCATE orders', 'delete'],
    ['', 'DROP TABLE orders', 'delete define'],
    ['', 'DROP ROLE low', 'delete define grant'],
    ['', 'GRANT SELECT ON orders TO low', 'grant'],
    ['', 'ALTER TABLE orders OWNER TO low', 'define grant'],
    ['', 'ALTER TABLE orders DROP COLUMN total', 'delete define'],
    ['', 'ALTER TABLE orders DISABLE ROW LEVEL SECURITY', 'define grant'],
    ['', 'VACUUM orders', 'define'],
    ['', 'ANALYZE', 'define'],
    ['', 'REFRESH MATERIALIZED VIEW contacts_of_contacts', 'read write'],
    ['', 'LOCK TABLE orders IN ACCESS SHARE MODE', 'session read'],
    ['', 'LOCK TABLE orders', 'session write'],
    ['', 'SHOW ALL', 'read'],
    ['', 'BEGIN', 'session'],
    ['', "COMMIT PREPARED 'x'", 'session write'],
    ['', 'DISCARD ALL', 'session'],
    ['', "LOAD 'x'", 'execute import'],
    ['', 'CREATE EXTENSION dblink', 'define execute'],
    ['', "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p", 'define import connect'],
    ['', "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'x')", 'define connect'],
    ['', 'CREATE SCHEMA s AUTHORIZATION low', 'define grant'],
    ['', 'DECLARE c CURSOR FOR SELECT mine(1)', 'session read execute'],
  ])('%s %s', (_, text, expected) => {
    expect(effectsOf(text)).toBe(expected)
  })

  test('A7 an identifier is cut to 63 bytes before it is looked up', () => {
    expect(operation(`DELETE FROM ${'t'.repeat(70)}`).facts.tables.written).toEqual([`public.${'t'.repeat(63)}`])
    expect(operation(`SELECT 1 AS "${'é'.repeat(40)}"`).verb).toBe('SELECT')
  })

  test('A8 only unquoted identifiers are folded', () => {
    expect(operation('DELETE FROM CUSTOMERS').facts.tables.written).toEqual(['public.customers', 'public.vip'])
    expect(operation('DELETE FROM "Customers"').facts.tables.written).toEqual(['public.Customers'])
  })

  test('A27 the verb tells the four kinds of COPY apart', () => {
    const verbs = ["TO PROGRAM 'x'", "FROM '/x'", 'FROM STDIN', 'TO STDOUT'].map(
      (kind) => operation(`COPY orders ${kind}`).verb,
    )
    expect(verbs).toEqual(['COPY TO PROGRAM', 'COPY FROM FILE', 'COPY FROM STDIN', 'COPY TO STDOUT'])
  })

  test('A29 a change of the transaction mode is named', () => {
    expect(operation('SET TRANSACTION READ WRITE').facts.settings).toEqual(['transaction_read_only'])
    expect(operation('BEGIN READ WRITE').facts.settings).toEqual(['transaction_read_only'])
    expect(operation('SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE').facts.settings).toEqual([
      'default_transaction_read_only',
    ])
  })
})

describe('text is read with the grammar of the server’s own version', () => {
  test('A3 a vertical tab is no whitespace where the grammar does not say so', () => {
    expect(refusal('DELETE\vFROM orders', 15)).toBe('sql.syntax')
  })

  test.each([13, 14, 15, 16, 17, 18])('A4 version %i takes no other space for a space', (major) => {
    for (const space of ['\u00a0', '\ufeff', '\u3000', '\u2028']) {
      expect(refusal(`${space}DELETE FROM orders`, major)).toBe('sql.syntax')
      expect(refusal(`DELETE${space}FROM orders`, major)).toBe('sql.syntax')
    }
    expect(refusal('ＤＥＬＥＴＥ FROM orders', major)).toBe('sql.syntax')
  })

  test('A15 NUL, and A14 half a character, are refused', () => {
    expect(refusal('SELECT 1\0; DELETE FROM orders')).toBe('sql.syntax')
    expect(refusal('SELECT \ud800')).toBe('sql.syntax')
    expect(refusal("SELECT 1 WHERE 'a' = '\udc00'")).toBe('sql.syntax')
  })

  test('A18 syntax of a later version is refused, not guessed', () => {
    expect(refusal('MERGE INTO orders o USING products p ON true WHEN MATCHED THEN DELETE', 14)).toBe('sql.syntax')
    expect(refusal("SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a int)) j", 16)).toBe('sql.syntax')
    expect(effectsOf("SELECT * FROM JSON_TABLE('{}', '$' COLUMNS (a int)) j", 17)).toBe('read')
  })

  test.each([13, 14, 15, 16, 17, 18])('version %i: the same statement has the same effects', (major) => {
    expect(effectsOf('WITH d AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM d WHERE true', major)).toBe(
      'read delete',
    )
    expect(effectsOf('ALTER TABLE orders ADD COLUMN x int', major)).toBe('define')
    expect(effectsOf("SELECT pg_read_file('x')", major)).toBe('read execute export')
    expect(operation('DROP MATERIALIZED VIEW contacts_of_contacts', major).facts.tags).toEqual([
      'DROP MATERIALIZED VIEW',
    ])
    expect(operation('CREATE MATERIALIZED VIEW m AS SELECT 1', major).verb).toBe('CREATE MATERIALIZED VIEW')
    expect(operation('UPDATE orders SET total = 1 WHERE true', major).facts.vacuousWhere).toBe(true)
  })

  test('other versions have no grammar', async () => {
    await expect(PostgresSql.load(12)).rejects.toMatchObject({ code: 'protocol.unsupported' })
    await expect(PostgresSql.load(19)).rejects.toMatchObject({ code: 'protocol.unsupported' })
    expect(await PostgresSql.load(15)).toBe(sql)
  })
})
