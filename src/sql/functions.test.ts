import { describe, expect, test } from 'vitest'
import { catalogueOf, SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { effectNames } from '../model/effects.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

const sql = await PostgresSql.load(15)

function resolved(text: string, catalogue = SHOP) {
  return sql.resolve(sql.parse(text), { catalogue, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() })
}

function effectsOf(text: string, catalogue = SHOP): string {
  return effectNames(resolved(text, catalogue).operation.effects).join(' ')
}

/** Every position in the grammar where a value may stand. */
const POSITIONS = [
  'SELECT {}',
  'SELECT 1 FROM {} f',
  'SELECT 1 FROM ROWS FROM ({}, {}) f',
  'SELECT 1 FROM orders o, LATERAL (SELECT {}) x',
  'SELECT 1 FROM orders JOIN products p ON {} IS NULL',
  'SELECT 1 WHERE {} IS NULL',
  'SELECT 1 FROM orders GROUP BY {}',
  'SELECT 1 FROM orders GROUP BY GROUPING SETS (({}), ())',
  'SELECT 1 HAVING {} IS NULL',
  'SELECT 1 FROM orders ORDER BY {}',
  'SELECT 1 FROM orders LIMIT length({})',
  'SELECT 1 FROM orders OFFSET length({})',
  'SELECT DISTINCT ON ({}) 1 FROM orders',
  'SELECT count(*) FILTER (WHERE {} IS NULL) FROM orders',
  'SELECT array_agg(id ORDER BY {}) FROM orders',
  'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY {}) FROM orders',
  'SELECT rank() OVER (PARTITION BY {}) FROM orders',
  'SELECT rank() OVER (ORDER BY {}) FROM orders',
  'SELECT rank() OVER w FROM orders WINDOW w AS (PARTITION BY {})',
  'SELECT CASE WHEN {} IS NULL THEN 1 ELSE 2 END',
  'SELECT CASE 1 WHEN 2 THEN {} END',
  'SELECT ARRAY[{}]',
  'SELECT ARRAY(SELECT {})',
  'SELECT (ARRAY[1])[length({})]',
  'SELECT ROW({})',
  'SELECT coalesce(NULL, {})',
  'SELECT greatest({}, {})',
  'SELECT nullif({}, 1::text)',
  'SELECT {}::text COLLATE "C"',
  'SELECT EXISTS (SELECT {})',
  'SELECT 1 WHERE 1::text IN (SELECT {})',
  "SELECT 'a' = ANY (ARRAY[{}])",
  'SELECT xmlelement(name x, {})',
  'SELECT xmlforest({} AS x)',
  'SELECT 1 FROM XMLTABLE({} PASSING xmlparse(content 1) COLUMNS x int)',
  'SELECT 1 FROM orders TABLESAMPLE system (length({}))',
  'VALUES ({})',
  'WITH q AS (SELECT {}) SELECT 1',
  'WITH RECURSIVE q AS (SELECT {} UNION ALL SELECT * FROM q) SELECT 1 FROM q',
  'SELECT 1 UNION SELECT length({})',
  'INSERT INTO products (note) VALUES ({})',
  'INSERT INTO products (note) SELECT {}',
  'INSERT INTO products (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET note = {}',
  'INSERT INTO products (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 1 WHERE {} IS NULL',
  'INSERT INTO products (id) VALUES (1) RETURNING {}',
  'UPDATE products SET note = {} WHERE id = 1',
  'UPDATE products SET (note, id) = (SELECT {}, 1) WHERE id = 1',
  'UPDATE products SET id = 1 WHERE note = {}',
  'DELETE FROM products WHERE note = {}',
  'DELETE FROM products USING (SELECT {}) x WHERE true',
  'MERGE INTO products p USING orders o ON p.note = {} WHEN MATCHED THEN DELETE',
  'MERGE INTO products p USING orders o ON true WHEN MATCHED AND {} IS NULL THEN DELETE',
  'MERGE INTO products p USING orders o ON true WHEN MATCHED THEN UPDATE SET note = {}',
  'MERGE INTO products p USING orders o ON true WHEN NOT MATCHED THEN INSERT VALUES (1, {})',
  'COPY (SELECT {}) TO STDOUT',
  'COPY products FROM STDIN WHERE note = {}',
  'EXPLAIN SELECT {}',
  'PREPARE p AS SELECT {}',
  'PREPARE p AS SELECT 1; EXECUTE p({})',
  'DECLARE c CURSOR FOR SELECT {}',
  'CREATE TABLE x AS SELECT {}',
  'SELECT {} INTO x',
  'CREATE MATERIALIZED VIEW m AS SELECT {}',
  'CREATE TABLE x (a text DEFAULT {})',
  'ALTER TABLE products ALTER COLUMN note SET DEFAULT {}',
  'ALTER TABLE products ALTER COLUMN note TYPE text USING {}',
  'ALTER TABLE products ADD CHECK ({} IS NULL)',
  'CREATE INDEX ON products (({}))',
  'CREATE INDEX ON products (id) WHERE {} IS NULL',
  'CREATE POLICY p ON products USING ({} IS NULL)',
]

describe('a call counts in every position of the grammar', () => {
  test.each(POSITIONS)('A32f %s', (position) => {
    const text = position.replaceAll('{}', "pg_read_file('/etc/passwd')")
    expect(effectsOf(text)).toMatch(/execute.* export/)
    expect(resolved(text).operation.facts.functions).toContain('pg_catalog.pg_read_file')
  })

  test('a call in a definition that runs later is named, not counted', () => {
    for (const text of [
      "CREATE VIEW v AS SELECT pg_read_file('x')",
      "CREATE RULE r AS ON UPDATE TO bait DO ALSO SELECT pg_read_file('x')",
      "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT pg_read_file('x')$$",
    ]) {
      expect(resolved(text).operation.facts.functions).toEqual(['pg_catalog.pg_read_file'])
      expect(effectsOf(text)).not.toMatch(/export/)
    }
  })
})

describe('functions with effects', () => {
  test.each([
    ['A30f', "SELECT query_to_xml('select 1', true, true, '')", 'read execute unknown'],
    ['A30f', "SELECT cursor_to_xml('c', 1, true, true, '')", 'read execute unknown'],
    ['A30f', "SELECT table_to_xml('customers', true, true, '')", 'read execute unknown'],
    ['A30f', "SELECT ts_rewrite('a'::tsquery, 'SELECT 1')", 'read execute unknown'],
    ['A30f', "SELECT * FROM crosstab('select 1') AS (a int)", 'read execute unknown'],
    ['A31f', "SELECT * FROM dblink('x', 'select 1') AS (a int)", 'read execute connect unknown'],
    ['A31f', "SELECT public.dblink_exec('x', 'select 1')", 'read execute connect unknown'],
    ['A32f', "SELECT pg_ls_dir('.')", 'read execute export'],
    ['A32f', "SELECT lo_import('/etc/passwd')", 'read write execute import'],
    ['A32f', "SELECT lo_export(1, '/tmp/x')", 'read execute export'],
    ['A32f', "SELECT lo_from_bytea(0, 'x')", 'read write execute'],
    ['A32f', 'SELECT lo_unlink(1)', 'read delete execute'],
    ['A33f', "SELECT set_config('search_path', 'x', false)", 'session read'],
    ['A33f', "SELECT set_config('role', 'x', false)", 'session read grant'],
    ['A33f', 'SELECT set_config(name, note, false) FROM customers', 'session read unknown'],
    ['A34f', 'SELECT pg_terminate_backend(1)', 'read grant execute'],
    ['A34f', 'SELECT pg_sleep(1)', 'read execute'],
    ['A34f', 'SELECT pg_advisory_lock(1)', 'read execute'],
    ['A34f', "SELECT nextval('s')", 'read write'],
    ['A34f', "SELECT setval('s', 1)", 'read write'],
    ['A34f', 'SELECT pg_switch_wal()', 'read grant execute'],
    ['A34f', "SELECT pg_create_logical_replication_slot('a', 'b')", 'read define execute connect'],
    ['A34f', 'SELECT txid_current()', 'read execute'],
    ['A35f', 'SELECT mine(1)', 'read execute'],
    ['A35f', 'PREPARE p AS SELECT mine(1); EXPLAIN EXECUTE p', 'session read execute'],
    ['A35f', 'SELECT 1 ### 2', 'read execute'],
    ['A35f', 'SELECT 1 OPERATOR(public.+) 2', 'read execute'],
    ['A35f', "SELECT 'x'::mood", 'read execute'],
    ['A35f', "SELECT CAST('x' AS other.mood)", 'read execute'],
    ['A35f', 'SELECT id FROM running', 'read execute'],
    ['A35f', 'SELECT id FROM orders ORDER BY id USING ###', 'read execute'],
    ['A35f', 'SELECT 1 WHERE 1 ### ANY (SELECT 2)', 'read execute'],
    ['A36f', "SELECT lower('X')", 'read execute'],
    ['A36f', "SELECT pg_catalog.lower('X')", 'read'],
    ['A36f', "SELECT upper('X')", 'read'],
    ['', "SELECT public.upper('X')", 'read execute'],
    ['', 'SELECT 1 OPERATOR(pg_catalog.+) 2', 'read'],
    ['', 'SELECT now(), random(), gen_random_uuid(), current_user, count(*), max(1)', 'read'],
    ['', "SELECT 'a'::text, 1::int, date '2020-01-01', '[1,2)'::int4range", 'read'],
    ['', 'SELECT NULL::orders', 'read'],
    ['', "SELECT (information_schema._pg_expandarray('{1}'::int[])).n", 'read'],
    ['', 'SELECT pg_stat_reset()', 'read grant execute'],
    ['', 'SELECT a_function_of_tomorrow()', 'read execute'],
  ])('%s %s', (_, text, expected) => {
    expect(effectsOf(text)).toBe(expected)
  })

  // PostgreSQL 15 runs all three: a field that is no attribute is a function.
  test.each([
    "SELECT ('/etc/passwd'::text).pg_read_file",
    "SELECT f.pg_read_file FROM unnest(ARRAY['/etc/passwd']) f",
    "SELECT (f).pg_read_file FROM unnest(ARRAY['/etc/passwd']) f",
  ])('a call in attribute notation is a call: %s', (text) => {
    expect(effectsOf(text)).toBe('read execute export')
  })

  test('attribute notation of the users’ functions', () => {
    expect(effectsOf('SELECT o.mine FROM orders o')).toBe('read execute')
    expect(effectsOf('SELECT (o).mine FROM orders o')).toBe('read execute')
    expect(effectsOf('SELECT (o).total, o.id FROM orders o')).toBe('read')
    expect(effectsOf("SELECT ('X'::text).upper")).toBe('read')
  })

  test('a function that is not on the list is named for rules', () => {
    expect(resolved('SELECT mine(1), pg_sleep(1), upper(note) FROM products').operation.facts.functions).toEqual([
      'mine',
      'pg_sleep',
    ])
  })

  test('a built-in that the users defined again is theirs unless qualified', () => {
    const shadowed = catalogueOf({
      relations: [],
      userFunctions: ['count', 'nextval'],
      userOperators: ['='],
      userTypes: ['date'],
    })
    expect(effectsOf('SELECT count(1)', shadowed)).toBe('read execute')
    expect(effectsOf('SELECT pg_catalog.count(1)', shadowed)).toBe('read')
    expect(effectsOf("SELECT nextval('s')", shadowed)).toBe('read write execute')
    for (const text of [
      'SELECT 1 WHERE 1 = 2',
      'SELECT 1 IN (2)',
      'SELECT 1 IN (SELECT 2)',
      'SELECT nullif(1, 2)',
      'SELECT CASE 1 WHEN 2 THEN 3 END',
      'SELECT 1 IS DISTINCT FROM 2',
      'SELECT * FROM orders a JOIN orders b USING (id)',
      'SELECT * FROM orders a NATURAL JOIN orders b',
    ])
      expect(effectsOf(text, shadowed), text).toBe('read execute')
    const between = catalogueOf({ relations: [], userOperators: ['<='] })
    expect(effectsOf('SELECT 1 BETWEEN 2 AND 3', between)).toBe('read execute')
    expect(effectsOf("SELECT '2020-01-01'::date", shadowed)).toBe('read execute')
  })

  test('code nobody sees makes the session’s settings uncertain', () => {
    for (const text of [
      'SELECT mine(1)',
      'DO $$ $$',
      'CALL p()',
      'INSERT INTO bait VALUES (1)',
      'SELECT id FROM running',
    ])
      expect(resolved(text).statements[0]?.settingsSensitive, text).toBe(true)
    for (const text of ['SELECT 1', 'INSERT INTO orders VALUES (1)', "SELECT nextval('s')"])
      expect(resolved(text).statements[0]?.settingsSensitive, text).toBe(false)
  })

  test('writing to a table with triggers is a fact of the table, to a view with rules an effect', () => {
    expect(effectsOf('INSERT INTO bait VALUES (1)')).toBe('write')
    expect(effectNames(resolved('INSERT INTO bait VALUES (1)').operation.objects[0]!.effect)).toEqual([
      'write',
      'execute',
    ])
    expect(effectsOf('DELETE FROM ruled')).toBe('delete execute')
  })
})
