import { describe, expect, test } from 'vitest'
import { SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { PostgresSql, type ResultShape, SessionMirror } from './postgres.ts'

const versions = new Map<number, PostgresSql>()
for (const major of [13, 15, 17, 18]) versions.set(major, await PostgresSql.load(major))

function resolve(text: string, major = 15) {
  const sql = versions.get(major)!
  const context = { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
  return sql.resolve(sql.parse(text), context)
}

/** A result as text: `name` or `name:label+label` per column, `?label+label` when opaque. */
function show(result: ResultShape | undefined): string {
  if (result?.kind === 'opaque') return `?${short(result.labels)}`
  if (result?.kind !== 'rows' && result?.kind !== 'copyOut') return result?.kind ?? 'nothing'
  return result.columns
    .map((one) => (one.labels.length === 0 ? one.name : `${one.name}:${short(one.labels)}`))
    .join(' ')
}

/** Labels without their class: `email+ssn`. */
function short(labels: readonly string[]): string {
  return labels.map((label) => label.slice(label.indexOf('.') + 1)).join('+')
}

function lineage(text: string, major = 15): string {
  return show(resolve(text, major).statements.at(-1)?.result)
}

const ALL = 'card+email+ssn'

describe('each output column carries the labels of the columns it came from', () => {
  test.each([
    ['B1', 'SELECT ssn AS note FROM customers', 'note:ssn'],
    ['B1', 'SELECT c.ssn, id FROM customers c', 'ssn:ssn id'],
    ['B2', 'SELECT * FROM contacts', 'id address:email'],
    ['B2', 'SELECT twice, address, id FROM contacts_of_contacts', 'twice:email address:email id'],
    ['B2', 'WITH q (a, b) AS (SELECT id, ssn FROM customers) SELECT b, a FROM q', 'b:ssn a'],
    ['B2', 'SELECT x.s FROM (SELECT ssn AS s FROM customers) x', 's:ssn'],
    ['B2', 'SELECT z FROM (SELECT id, ssn FROM customers) x (y, z)', 'z:ssn'],
    ['B2', 'SELECT b FROM customers c (a, b)', 'b'],
    ['B2', 'SELECT c FROM customers x (a, b, c)', 'c:email'],
    [
      'B3',
      "SELECT ssn||'', coalesce(ssn,''), ssn::varchar, ssn COLLATE \"C\" FROM customers",
      '?column?:ssn coalesce:ssn ssn:ssn ssn:ssn',
    ],
    [
      'B4',
      "SELECT substr(ssn,1,1), reverse(ssn), translate(ssn,'1','2'), overlay(ssn placing 'x' from 1), replace(ssn,'-','') FROM customers",
      'substr:ssn reverse:ssn translate:ssn overlay:ssn replace:ssn',
    ],
    [
      'B5',
      "SELECT encode(ssn::bytea,'hex'), md5(ssn), sha256(ssn::bytea) FROM customers",
      'encode:ssn md5:ssn sha256:ssn',
    ],
    ['B6', "SELECT regexp_split_to_table(ssn,'') FROM customers", 'regexp_split_to_table:ssn'],
    ['B6', "SELECT u FROM customers, unnest(string_to_array(ssn,'-')) u", 'u:ssn'],
    ['B6', "SELECT x FROM customers c, LATERAL regexp_split_to_table(c.ssn, '') AS x", 'x:ssn'],
    ['B7', 'SELECT c FROM customers c', `c:${ALL}`],
    [
      'B7',
      "SELECT row_to_json(c), to_jsonb(c)->>'ssn', c::text FROM customers c",
      `row_to_json:${ALL} ?column?:${ALL} c:${ALL}`,
    ],
    ['B7', 'SELECT (c).ssn, (c).id FROM customers c', 'ssn:ssn id'],
    ['B7', 'SELECT xmlforest(ssn, id) FROM customers', 'xmlforest:ssn'],
    ['B7', 'SELECT (c).* FROM customers c', 'id name email:email ssn:ssn card:card note'],
    ['B7', 'SELECT c.* FROM customers c', 'id name email:email ssn:ssn card:card note'],
    ['B7', 'SELECT ROW(c.*) FROM customers c', `row:${ALL}`],
    ['B7', 'SELECT public.customers FROM public.customers', `customers:${ALL}`],
    ['B7', 'SELECT c.row_to_json FROM customers c', `row_to_json:${ALL}`],
    ['B7', 'SELECT ssn(c) FROM customers c', `ssn:${ALL}`],
    [
      'B8',
      "SELECT array_agg(ssn), string_agg(ssn,','), json_agg(ssn), min(ssn), first_value(ssn) OVER () FROM customers",
      'array_agg:ssn string_agg:ssn json_agg:ssn min:ssn first_value:ssn',
    ],
    ['B8', 'SELECT count(*), count(ssn), count(DISTINCT ssn) FROM customers', 'count count count'],
    ['B8', 'SELECT mode() WITHIN GROUP (ORDER BY ssn) FROM customers', 'mode:ssn'],
    ['B8', 'SELECT lag(ssn) OVER (ORDER BY id), row_number() OVER (ORDER BY id) FROM customers', 'lag:ssn row_number'],
    ['B9', 'SELECT note FROM products UNION SELECT ssn FROM customers', 'note:ssn'],
    ['B9', 'SELECT id, note FROM products INTERSECT SELECT id, email FROM customers', 'id note:email'],
    [
      'B9',
      "WITH RECURSIVE r(a, b) AS (SELECT 'x', 'y' UNION ALL SELECT b, ssn FROM r, customers) SELECT * FROM r",
      'a:ssn b:ssn',
    ],
    ['B9', 'SELECT email FROM customers FULL JOIN contacts ON true', 'email:email'],
    ['B9', 'SELECT note FROM customers FULL JOIN products USING (note)', 'note'],
    ['B9', 'SELECT * FROM orders JOIN products USING (id)', 'id customer_id total note'],
    ['B9', 'SELECT * FROM customers NATURAL JOIN products', 'id note name email:email ssn:ssn card:card'],
    ['B9', 'SELECT j.* FROM (orders o JOIN products p USING (id)) j', 'id customer_id total note'],
    ['B9', 'SELECT x FROM (customers c JOIN orders o ON true) AS j (a, b, x)', 'x:email'],
    ['B10', 'SELECT (SELECT ssn FROM customers LIMIT 1)', 'ssn:ssn'],
    ['B10', 'SELECT v FROM customers c, LATERAL (VALUES (c.ssn), (c.note)) AS l (v)', 'v:ssn'],
    ['B10', 'SELECT ARRAY(SELECT ssn FROM customers), 1 IN (SELECT id FROM customers)', 'array:ssn ?column?'],
    ['B10', 'SELECT (SELECT c.ssn) FROM customers c', 'ssn:ssn'],
    ['B10', 'SELECT EXISTS (SELECT ssn FROM customers)', 'exists'],
    ['B10', 'VALUES (1, (SELECT ssn FROM customers)), (2, NULL)', 'column1 column2:ssn'],
    ['B10', 'SELECT x.* FROM (VALUES (1), (2)) x', 'column1'],
    ['B11', 'SELECT mine(id) FROM customers', `mine:${ALL}`],
    ['B11', 'SELECT id ### 1 FROM orders', `?column?:${ALL}`],
    ['B11', "SELECT 'x'::mood", `mood:${ALL}`],
    ['B11', 'SELECT * FROM mine(1)', `?${ALL}`],
    ['B12', "UPDATE customers SET note = 'x' WHERE id = 1 RETURNING ssn, id", 'ssn:ssn id'],
    ['B12', 'INSERT INTO customers (id) SELECT 1 RETURNING *', 'id name email:email ssn:ssn card:card note'],
    ['B12', 'DELETE FROM orders o USING customers c WHERE true RETURNING c.ssn, o.*', 'ssn:ssn id customer_id total'],
    [
      'B12',
      'UPDATE orders o SET total = 1 FROM customers c WHERE true RETURNING *',
      'id customer_id total id name email:email ssn:ssn card:card note',
    ],
    ['B12', "INSERT INTO contacts VALUES (1, 'x') RETURNING address", 'address:email'],
    ['B13', 'DECLARE c CURSOR FOR SELECT id, ssn FROM customers; FETCH ALL FROM c', 'id ssn:ssn'],
    ['B13', 'DECLARE c CURSOR FOR SELECT id, ssn FROM customers; MOVE 1 FROM c; FETCH c', 'id ssn:ssn'],
    ['B13', 'PREPARE p AS SELECT ssn FROM customers; EXECUTE p', 'ssn:ssn'],
    ['B14', 'COPY (SELECT id, ssn FROM customers) TO STDOUT', 'id ssn:ssn'],
    ['B14', 'COPY customers (ssn, id) TO STDOUT', 'ssn:ssn id'],
    ['B14', 'COPY customers TO STDOUT', 'id name email:email ssn:ssn card:card note'],
    ['B28', 'SELECT most_common_vals, n_distinct FROM pg_stats', `most_common_vals:${ALL} n_distinct`],
    ['B28', 'SELECT s.stavalues1, s.starelid FROM pg_catalog.pg_statistic s', `stavalues1:${ALL} starelid`],
    ['B28', 'SELECT pid, query FROM pg_stat_activity', `pid query:${ALL}`],
    ['B28', 'SELECT query FROM pg_stat_statements', `query:${ALL}`],
    ['B28', 'SELECT * FROM pg_stats', `tablename n_distinct most_common_vals:${ALL} histogram_bounds:${ALL}`],
    ['B28', 'SELECT data FROM pg_largeobject', `data:${ALL}`],
    ['B28', 'SELECT relname FROM pg_class', 'relname'],
    ['B29', "EXPLAIN SELECT id FROM customers WHERE ssn = '1'", 'QUERY PLAN:ssn'],
    ['B29', 'EXPLAIN (ANALYZE, VERBOSE) SELECT id FROM customers', 'QUERY PLAN'],
    [
      'B34',
      "SELECT width_bucket(ssn::int,1,2,3), ascii(ssn), length(ssn), ssn = '1', ssn IS NULL FROM customers",
      'width_bucket:ssn ascii:ssn length:ssn ?column?:ssn ?column?:ssn',
    ],
    ['B35', "SELECT CASE WHEN ssn LIKE '1%' THEN 1 ELSE 0 END FROM customers", 'case:ssn'],
    ['', 'SELECT * FROM vip', 'id name email:email ssn:ssn card:card note level'],
    ['', 'SELECT ctid, tableoid, xmin FROM customers', 'ctid tableoid xmin'],
    ['', 'SELECT nobody FROM customers', `nobody:${ALL}`],
    ['', 'SELECT id FROM circular', `id:${ALL}`],
    ['', 'SELECT id FROM unprintable', `id:${ALL}`],
    ['', 'SELECT a FROM nowhere', `a:${ALL}`],
    ['', 'SELECT a FROM public.nowhere, orders', `a:${ALL}`],
    ['', 'SELECT $1, 1, now(), current_user FROM customers', '?column? ?column? now current_user'],
    ['', 'SELECT note[1], (ARRAY[ssn])[1] FROM customers', 'note array:ssn'],
    ['', 'SELECT greatest(id, ssn), nullif(id, ssn) FROM customers', 'greatest:ssn nullif:ssn'],
    ['', 'SELECT grouping(ssn) FROM customers GROUP BY ssn', 'grouping'],
    ['', 'SHOW work_mem', 'work_mem'],
    ['', 'SHOW ALL', 'name setting description'],
    ['', 'CALL p()', `?${ALL}`],
    ['', "SELECT x.a FROM customers, XMLTABLE('/' PASSING (ssn::xml) COLUMNS a text) x", 'a:ssn'],
    ['', 'SELECT key, value FROM customers c, json_each(row_to_json(c))', `key:${ALL} value:${ALL}`],
    ['', 'SELECT a, o FROM generate_series(1, 2) WITH ORDINALITY AS g (a, o)', 'a o'],
    ['', "SELECT * FROM jsonb_to_recordset('[]') AS r (a int, b text)", 'a b'],
    ['', 'SELECT sum(total) FROM orders', 'sum'],
    ['', 'SELECT id FROM customers; SELECT 1', '?column?'],
    ['', 'BEGIN', 'none'],
    ['', 'COPY orders FROM STDIN', 'copyIn'],
    ['', 'SELECT', ''],
  ])('%s %s', (_, text, expected) => {
    expect(lineage(text)).toBe(expected)
  })

  test('B16 each statement of a message has its own result', () => {
    const { statements } = resolve(
      'COPY customers (ssn) TO STDOUT; SELECT id FROM customers; SELECT ssn FROM customers',
    )
    expect(statements.map((one) => show(one.result))).toEqual(['ssn:ssn', 'id', 'ssn:ssn'])
  })

  test('newer grammar: JSON functions, MERGE RETURNING, OLD and NEW', () => {
    expect(
      lineage(
        "SELECT JSON_ARRAYAGG(ssn), JSON_OBJECT('a' : card), JSON_ARRAY(SELECT email FROM customers) FROM customers",
        17,
      ),
    ).toBe('json_arrayagg:ssn json_object:card json_array:email')
    expect(
      lineage(
        "SELECT j.a FROM customers c, JSON_TABLE(c.ssn::jsonb, '$' COLUMNS (a text, NESTED '$.x' COLUMNS (b text))) j",
        17,
      ),
    ).toBe('a:ssn')
    expect(
      lineage(
        'MERGE INTO orders o USING customers c ON true WHEN MATCHED THEN DELETE RETURNING merge_action(), o.id, c.ssn',
        17,
      ),
    ).toBe('merge_action id ssn:ssn')
    expect(lineage('UPDATE customers SET id = 1 WHERE true RETURNING old.ssn, new.*, OLD', 18)).toBe(
      `ssn:ssn id name email:email ssn:ssn card:card note old:${ALL}`,
    )
    expect(lineage('DELETE FROM customers WHERE true RETURNING WITH (OLD AS o) o.card', 18)).toBe('card:card')
  })

  test('version 13 gives the same lineage', () => {
    expect(
      lineage("SELECT ssn || 'x' AS a, true AS b, count(*) FROM customers WHERE email = 'x' GROUP BY 1, 2", 13),
    ).toBe('a:ssn b count')
  })

  test('SEARCH and CYCLE columns carry what they are made of', () => {
    const query = (tail: string) =>
      `WITH RECURSIVE r AS (SELECT id, ssn FROM customers UNION ALL SELECT id, ssn FROM r) ${tail} SELECT * FROM r`
    expect(lineage(query('SEARCH DEPTH FIRST BY ssn SET o'))).toBe('id ssn:ssn o:ssn')
    expect(lineage(query('CYCLE id SET m USING p'))).toBe('id ssn:ssn m p')
  })
})

describe('facts of what is read', () => {
  const facts = (text: string) => resolve(text).operation.facts

  test.each([
    ['B32', "SELECT id FROM customers WHERE ssn LIKE '1%'", 'ssn'],
    ['B32', 'SELECT 1 WHERE EXISTS (SELECT 1 FROM customers WHERE ssn = $1)', 'ssn'],
    ['B32', "SELECT count(*) FILTER (WHERE ssn LIKE '1%') FROM customers", 'ssn'],
    ['B32', 'SELECT count(DISTINCT ssn) FROM customers', 'ssn'],
    ['B32', "SELECT ssn FROM customers INTERSECT SELECT '1'", 'ssn'],
    ['B32', 'SELECT DISTINCT ssn FROM customers', 'ssn'],
    ['B32', 'SELECT id FROM orders JOIN customers c ON c.ssn = total', 'ssn'],
    ['B32', 'SELECT id FROM customers JOIN contacts ON email = address', 'email'],
    ['B32', 'SELECT a.id FROM customers a JOIN customers b USING (ssn)', 'ssn'],
    ['B32', 'SELECT a.id FROM customers a NATURAL JOIN customers b', ALL],
    ['B32', 'SELECT id FROM orders WHERE total IN (SELECT ssn FROM customers)', 'ssn'],
    ['B32', 'SELECT CASE WHEN ssn = $1 THEN 1 ELSE 0 END FROM customers', 'ssn'],
    ['B33', 'SELECT id FROM customers ORDER BY ssn', 'ssn'],
    ['B33', 'SELECT id, ssn AS s FROM customers ORDER BY s', 'ssn'],
    ['B33', 'SELECT id, ssn FROM customers ORDER BY 2', 'ssn'],
    ['B33', 'SELECT count(*) FROM customers GROUP BY ssn', 'ssn'],
    ['B33', 'SELECT ssn, count(*) FROM customers GROUP BY 1', 'ssn'],
    ['B33', 'SELECT count(*) FROM customers HAVING max(ssn) > $1', 'ssn'],
    ['B33', 'SELECT DISTINCT ON (ssn) id FROM customers', 'ssn'],
    ['B33', 'SELECT rank() OVER (ORDER BY ssn) FROM customers', 'ssn'],
    ['B33', 'SELECT rank() OVER w FROM customers WINDOW w AS (PARTITION BY ssn)', 'ssn'],
    ['B33', 'SELECT array_agg(id ORDER BY ssn) FROM customers', 'ssn'],
    ['B33', 'SELECT id FROM orders LIMIT (SELECT max(ssn)::int FROM customers)', 'ssn'],
    ['B33', 'DELETE FROM orders WHERE total = (SELECT ssn FROM customers)', 'ssn'],
    ['B33', 'UPDATE orders SET total = 1 FROM customers WHERE ssn = total', 'ssn'],
    ['B33', 'MERGE INTO orders o USING customers c ON o.total = c.ssn WHEN MATCHED THEN DELETE', 'ssn'],
    ['B33', 'WITH q AS (SELECT id FROM customers WHERE card = $1) SELECT * FROM q', 'card'],
    ['', 'SELECT ssn FROM customers WHERE id = 1 ORDER BY name', ''],
    ['', 'SELECT id FROM contacts WHERE id = 1', ''],
  ])('%s filters: %s', (_, text, expected) => {
    expect(short(facts(text).filters)).toBe(expected)
  })

  test('relations and columns, through views and to children', () => {
    const read = facts('SELECT c.name FROM customers c, contacts v WHERE v.id = c.id')
    expect(read.tables.read).toEqual(['public.contacts', 'public.customers', 'public.vip'])
    expect(read.columns).toEqual([
      'public.contacts.id',
      'public.customers.email',
      'public.customers.id',
      'public.customers.name',
    ])
    expect(facts('SELECT name FROM ONLY customers').tables.read).toEqual(['public.customers'])
    expect(facts('DELETE FROM contacts WHERE id = 1').tables.written).toEqual([
      'public.contacts',
      'public.customers',
      'public.vip',
    ])
  })

  test('WHERE of UPDATE and DELETE', () => {
    for (const [text, hasWhere, vacuousWhere] of [
      ['DELETE FROM orders', false, false],
      ['DELETE FROM orders WHERE id = 1', true, false],
      ['DELETE FROM orders WHERE true', true, true],
      ['DELETE FROM orders WHERE 1=1', true, true],
      ['DELETE FROM orders WHERE id = id', true, true],
      ["DELETE FROM orders WHERE id = 1 OR 'a' = 'a'", true, true],
      ['DELETE FROM orders WHERE NOT false', true, true],
      ['DELETE FROM orders WHERE id IS NULL OR id IS NOT NULL', true, true],
      ["DELETE FROM products WHERE note LIKE '%'", true, true],
      ["DELETE FROM products WHERE note LIKE '%a%'", true, false],
      ['DELETE FROM orders WHERE 1 IN (1, 2)', true, true],
      ['DELETE FROM orders WHERE id = 1 AND 1 = 1', true, false],
      ["DELETE FROM orders WHERE 't'::bool", true, true],
      ['WITH d AS (DELETE FROM orders) SELECT 1', false, false],
      ['TRUNCATE orders', false, false],
      ['SELECT * FROM orders', true, false],
      ['EXPLAIN DELETE FROM orders', true, false],
      ['PREPARE p AS DELETE FROM orders; EXECUTE p', false, false],
    ] as const) {
      const { hasWhere: has, vacuousWhere: vacuous } = facts(text)
      expect([has, vacuous], text).toEqual([hasWhere, vacuousWhere])
    }
  })

  test('labels of what is read, and of what an error could echo', () => {
    const { operation, statements } = resolve('SELECT id FROM customers')
    expect(operation.facts.labels).toEqual([])
    expect(statements[0]?.labelsRead).toEqual(['pci.card', 'pii.email', 'pii.ssn'])
    expect(resolve('SELECT ssn FROM customers').operation.facts.labels).toEqual(['pii.ssn'])
    expect(resolve('SELECT 1 FROM orders').statements[0]?.labelsRead).toEqual([])
  })
})

describe('values of labelled columns that would flow elsewhere are named', () => {
  test.each([
    ['B23', "SELECT pg_notify('c', ssn) FROM customers", 'ssn'],
    ['B24', "SELECT set_config('application_name', ssn, false) FROM customers", 'ssn'],
    ['B26', 'CREATE TEMP TABLE x AS SELECT ssn FROM customers', 'ssn'],
    ['B27', "SELECT setval('s', ssn::int) FROM customers", 'ssn'],
    ['B27', 'SELECT pg_advisory_lock(ssn::int) FROM customers', 'ssn'],
    ['B27', 'SELECT lo_from_bytea(0, ssn::bytea) FROM customers', 'ssn'],
    ['B31', 'CREATE TABLE leak AS SELECT reverse(ssn) FROM customers', 'ssn'],
    ['B31', 'CREATE TABLE leak AS SELECT id, row_to_json(c) FROM customers c', ALL],
    ['B31', 'INSERT INTO products (note) SELECT ssn FROM customers', 'ssn'],
    ['B31', 'INSERT INTO products (note) VALUES ((SELECT ssn FROM customers))', 'ssn'],
    ['B31', 'SELECT ssn INTO leak FROM customers', 'ssn'],
    ['B31', 'CREATE MATERIALIZED VIEW leak AS SELECT ssn FROM customers', 'ssn'],
    ['B31', 'CREATE VIEW leak AS SELECT id FROM customers', ALL],
    ['B31', 'UPDATE customers SET note = ssn WHERE id = 1', 'ssn'],
    ['B31', 'UPDATE customers SET (note, name) = (SELECT ssn, card FROM customers LIMIT 1) WHERE id = 1', 'card+ssn'],
    ['B31', 'UPDATE products p SET note = c.email FROM customers c WHERE true', 'email'],
    [
      'B31',
      'INSERT INTO products (id, note) SELECT id, email FROM customers ON CONFLICT (id) DO UPDATE SET note = excluded.note',
      'email',
    ],
    ['B31', 'INSERT INTO customers (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET note = customers.ssn', 'ssn'],
    ['B31', 'MERGE INTO products p USING customers c ON true WHEN NOT MATCHED THEN INSERT VALUES (1, c.ssn)', 'ssn'],
    ['B31', 'MERGE INTO products p USING customers c ON true WHEN MATCHED THEN UPDATE SET note = c.card', 'card'],
    ['B31', 'WITH i AS (INSERT INTO products (note) SELECT ssn FROM customers) SELECT 1', 'ssn'],
    ['B31', 'PREPARE p AS INSERT INTO products (note) SELECT ssn FROM customers; EXECUTE p', 'ssn'],
    ['B31', 'PREPARE p AS SELECT ssn FROM customers; CREATE TABLE leak AS EXECUTE p', 'ssn'],
    ['B31', "COPY (SELECT ssn FROM customers) TO '/tmp/x'", 'ssn'],
    ['B31', "COPY customers (id, card) TO PROGRAM 'x'", 'card'],
    ['B36', 'CREATE INDEX ON customers (length(ssn))', 'ssn'],
    ['B36', 'CREATE UNIQUE INDEX ON customers (card)', 'card'],
    ['B36', 'CREATE INDEX ON customers (name)', ''],
    ['B36', 'ALTER TABLE customers ADD CHECK (length(ssn) = 11)', ALL],
    ['', 'ALTER TABLE customers RENAME COLUMN ssn TO note2', ALL],
    ['', 'ALTER TABLE customers RENAME TO people', ALL],
    ['', 'ALTER TABLE customers SET SCHEMA archive', ALL],
    ['', 'CREATE TABLE child () INHERITS (customers)', ALL],
    ['', 'CREATE TABLE twin (LIKE customers)', ''],
    ['', 'CREATE STATISTICS s ON ssn, card FROM customers', ALL],
    ['', 'CREATE RULE r AS ON INSERT TO orders DO ALSO INSERT INTO products (note) SELECT ssn FROM customers', ALL],
    ['', 'CREATE TRIGGER t AFTER INSERT ON customers EXECUTE FUNCTION mine()', ALL],
    ['', "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ssn FROM customers'", ALL],
    ['', "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", 'card+email+ssn'],
    ['', "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'", ALL],
    ['', 'CREATE FUNCTION f() RETURNS text BEGIN ATOMIC SELECT ssn FROM customers; END', ALL],
    ['', 'CREATE PUBLICATION p FOR TABLE customers', ALL],
    ['', 'CREATE PUBLICATION p FOR ALL TABLES', ALL],
    ['', 'CREATE DATABASE copy TEMPLATE shop', ALL],
    ['B11', 'CREATE TABLE x (a text DEFAULT mine(1))', ALL],
    ['B11', 'ALTER TABLE orders ALTER total SET DEFAULT mine(1)', ALL],
    ['B31', "CREATE FOREIGN TABLE f (ssn text) SERVER loopback OPTIONS (table_name 'customers')", ALL],
    ['B31', 'IMPORT FOREIGN SCHEMA public FROM SERVER loopback INTO copies', ALL],
    ['B31', 'ALTER TABLE orders INHERIT customers', ALL],
    ['B31', "COPY products FROM '/tmp/x'", ALL],
    ['B31', 'DO $$ BEGIN END $$', ALL],
    ['B31', 'CALL p()', ALL],
    ['B31', 'EXECUTE nobody', ALL],
    ['B31', 'SELECT mine(ssn) FROM customers', 'ssn'],
    ['B31', 'SELECT id FROM customers WHERE mine(card) = 1', 'card'],
    ['B31', 'SELECT id ### length(ssn) FROM customers', 'ssn'],
    ['B31', 'CREATE CAST (pair AS text) WITH FUNCTION mine(pair)', ALL],
    ['B31', "UPDATE pg_catalog.pg_class SET relname = 'x'", ALL],
    ['B31', "DELETE FROM pg_attribute WHERE attname = 'ssn'", ALL],
    ['', 'ALTER SCHEMA public RENAME TO pub', ALL],
    ['', 'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END', ''],
    ['', 'SELECT mine(id) FROM customers', ''],
    ['', 'COPY products FROM STDIN', ''],
    ['', "UPDATE customers SET ssn = $1, email = 'x' WHERE id = 1", ''],
    ['', 'UPDATE customers SET email = upper(email) WHERE id = 1', ''],
    ['', 'UPDATE customers SET email = email || ssn WHERE id = 1', 'email+ssn'],
    ['', 'INSERT INTO customers (id, email) SELECT id, email FROM customers', ''],
    ['', "INSERT INTO customers VALUES (1, 'a', 'b', 'c', 'd', 'e')", ''],
    ['', "INSERT INTO customers (id, email) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET note = excluded.email", ''],
    ['', 'INSERT INTO products SELECT id, name FROM customers', ''],
    ['', 'DELETE FROM customers WHERE ssn = $1', ''],
    ['', 'DROP TABLE customers', ''],
    ['', 'SELECT ssn FROM customers', ''],
    ['', 'CREATE TABLE fresh (id int)', ''],
    ['', 'ALTER TABLE orders ADD COLUMN x int', ''],
  ])('%s %s', (_, text, expected) => {
    expect(short(resolve(text).copiesLabels)).toBe(expected)
  })
})
