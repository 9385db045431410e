import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/rig/postgres.ts'
import { catalogueOf, labelsOf } from '../../test/rig/sketch.ts'
import type { Catalogue } from '../model/catalogue.ts'
import { effects, onlyEffects } from '../model/effects.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

/** Rows whose labelled values occur nowhere else, so that any trace of one in a result is a leak. */
const CUSTOMERS = [
  { id: '1', name: 'Ada', email: 'qzvkxw01@jpmhcd.example', ssn: '907-31-5528', card: '4929713385020613', note: 'vip' },
  { id: '2', name: 'Bob', email: 'wyfgtr02@xkcdbn.example', ssn: '918-42-6637', card: '4716258093347159', note: 'new' },
]
const LABELLED = ['email', 'ssn', 'card'] as const
const LABELS = labelsOf({
  'public.customers.email': 'pii.email',
  'public.customers.ssn': 'pii.ssn',
  'public.customers.card': 'pci.card',
})

const SCHEMA = `
  CREATE TABLE customers (id text PRIMARY KEY, name text, email text, ssn text, card text, note text);
  CREATE TABLE vip (level text) INHERITS (customers);
  CREATE TABLE orders (id text, customer_id text, total text);
  CREATE SCHEMA archive;
  CREATE TABLE archive.customers (id text, name text, email text);
  CREATE VIEW contacts AS SELECT id, email AS address, upper(name) AS label FROM customers;
  CREATE VIEW wide AS SELECT c.*, o.total, c.ssn || 'x' AS mix FROM customers c LEFT JOIN orders o ON o.customer_id = c.id;
  CREATE MATERIALIZED VIEW stored AS WITH q AS (SELECT * FROM contacts) SELECT q.label, q.address AS a, count(*) AS n FROM q GROUP BY 1, 2;
  CREATE FUNCTION spill(text) RETURNS text LANGUAGE sql STABLE AS $$SELECT ssn FROM public.customers WHERE id = $1$$;
  CREATE FUNCTION rows() RETURNS SETOF customers LANGUAGE sql STABLE AS $$SELECT * FROM public.customers$$;
  CREATE OPERATOR ### (FUNCTION = spill, RIGHTARG = text);
  CREATE SEQUENCE s;
  INSERT INTO orders VALUES ('10', '1', '99'), ('11', '2', '5');
`

let server: PostgresServer
let client: pg.Client
let catalogue: Catalogue
let sql: PostgresSql

beforeAll(async () => {
  server = await startPostgres()
  client = new pg.Client(server)
  await client.connect()
  // PostgreSQL 15 takes a prefix operator; none of the values may be converted by the client.
  pg.types.setTypeParser(16, String)
  await client.query(SCHEMA)
  for (const one of CUSTOMERS) {
    await client.query('INSERT INTO customers VALUES ($1, $2, $3, $4, $5, $6)', Object.values(one))
  }
  await client.query('REFRESH MATERIALIZED VIEW stored; ANALYZE')
  catalogue = await readCatalogue()
  sql = await PostgresSql.load(server.major)
})

afterAll(async () => {
  await client.end()
  await server.stop()
})

/** The server's own account of its names, through a client of its own. */
async function readCatalogue(): Promise<Catalogue> {
  const relations = await client.query(`
    SELECT n.nspname || '.' || c.relname AS name, string_agg(a.attname, ' ' ORDER BY a.attnum) AS columns, c.relkind AS kind,
      CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
      (SELECT array_agg(p.inhparent::regclass::text) FROM pg_inherits p WHERE p.inhrelid = c.oid) AS parents
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'v', 'm', 'S') AND n.nspname IN ('public', 'archive', 'pg_catalog') GROUP BY c.oid, n.nspname ORDER BY c.oid`)
  const kinds: Record<string, 'table' | 'view' | 'matview' | 'sequence'> = {
    r: 'table',
    v: 'view',
    m: 'matview',
    S: 'sequence',
  }
  return catalogueOf({
    relations: relations.rows.map((row) => ({
      name: row.name,
      columns: row.columns,
      kind: kinds[row.kind]!,
      ...(row.definition === null ? {} : { definition: row.definition }),
      parents: (row.parents ?? []).map((parent: string) => `public.${parent}`),
    })),
    userFunctions: ['spill', 'rows'],
    userOperators: ['###'],
    userTypes: ['customers', 'orders', 'vip'],
  })
}

function resolve(text: string) {
  return sql.resolve(sql.parse(text), { catalogue, labels: LABELS, database: 'postgres', mirror: new SessionMirror() })
}

/** Every disguise of a value that the queries below can put it in. */
function disguises(value: string): string[] {
  const plain = [value, [...value].reverse().join(''), value.replaceAll(/[^a-z0-9]/gi, ''), value.toUpperCase()]
  const encoded = plain.flatMap((one) => {
    const bytes = Buffer.from(one)
    const shifted = [0, 1, 2].map((skip) => bytes.subarray(skip).toString('base64').slice(2, 12))
    return [
      bytes.toString('hex'),
      ...shifted,
      createHash('md5').update(one).digest('hex'),
      createHash('sha256').update(one).digest('hex'),
    ]
  })
  return [...plain, ...encoded]
}

const CANARIES = CUSTOMERS.flatMap((row) => LABELLED.flatMap((column) => disguises(row[column])))

interface Outcome {
  readonly leaks: readonly string[]
  readonly wrongColumns: string | undefined
}

/** Runs a query and looks for labelled values in columns that were said to carry none. Undefined when the server refuses the query. */
async function leaksOf(text: string, trusting = false): Promise<Outcome | undefined> {
  const { statements } = resolve(text)
  let answer: pg.QueryArrayResult<unknown[]>
  try {
    answer = await client.query({ text, rowMode: 'array' })
  } catch {
    return undefined
  }
  const result = statements[0]!.result
  const names = answer.fields.map((field) => field.name)
  if (result.kind === 'opaque')
    return {
      leaks:
        result.labels.length > 0
          ? []
          : found(
              answer.rows,
              names.map(() => true),
            ),
      wrongColumns: undefined,
    }
  if (result.kind !== 'rows')
    return { leaks: [], wrongColumns: names.length === 0 ? undefined : `${result.kind} for ${names}` }
  const ours = result.columns.map((column) => column.name)
  const wrongColumns = ours.join() === names.join() ? undefined : `${ours} for ${names}`
  return {
    leaks: found(
      answer.rows,
      result.columns.map((column) => trusting || column.labels.length === 0),
    ),
    wrongColumns,
  }
}

/** Canaries in the open columns: in a cell, or in a column read downwards. */
function found(rows: readonly (readonly unknown[])[], open: readonly boolean[]): string[] {
  const leaks: string[] = []
  for (const [i, isOpen] of open.entries()) {
    if (!isOpen) continue
    const cells = rows.map((row) => (typeof row[i] === 'string' ? (row[i] as string) : (JSON.stringify(row[i]) ?? '')))
    for (const canary of CANARIES) {
      if (cells.some((cell) => cell.includes(canary)) || cells.join('').includes(canary))
        leaks.push(`column ${i}: ${canary}`)
    }
  }
  return leaks
}

/** A small stream of numbers from a seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}

/** Makes random queries over the schema; most of them run. */
class QueryMaker {
  readonly #next: (below: number) => number
  #names = 0
  constructor(seed: number) {
    this.#next = numbers(seed)
  }
  #pick<T>(items: readonly T[]): T {
    return items[this.#next(items.length)]!
  }
  #name(): string {
    return `n${++this.#names}`
  }

  query(depth: number): string {
    const kind = depth > 0 ? this.#next(10) : 9
    if (kind === 0) return `WITH ${this.#with(depth)} ${this.#select(depth - 1, ['cte'])}`
    if (kind === 1)
      return `(${this.#fixed(depth - 1, 2)}) ${this.#pick(['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT'])} (${this.#fixed(depth - 1, 2)})`
    if (kind === 2) return `VALUES (${this.#scalar(depth - 1)}, '1'), ('2', ${this.#scalar(depth - 1)})`
    return this.#select(depth, [])
  }

  #with(depth: number): string {
    const kind = this.#next(4)
    if (kind === 0) return `RECURSIVE cte (a, b) AS (${this.#fixed(0, 2)} UNION SELECT b, a FROM cte)`
    if (kind === 1) return `cte (a) AS MATERIALIZED (${this.query(depth - 1)})`
    if (kind === 2)
      return 'cte AS (UPDATE orders SET total = total FROM customers c WHERE c.id = customer_id RETURNING *)'
    return `cte AS (${this.query(depth - 1)})`
  }

  /** A select of a fixed number of text columns. */
  #fixed(depth: number, width: number): string {
    const columns = Array.from({ length: width }, () => `(${this.#column()})::text`)
    const from = depth > 0 ? 'customers c CROSS JOIN LATERAL (SELECT c.id AS i) l' : 'customers c'
    return `SELECT ${columns.join(', ')} FROM ${from}`
  }

  #column(): string {
    return `c.${this.#pick(['id', 'name', 'email', 'ssn', 'card', 'note'])}`
  }

  #select(depth: number, extra: readonly string[]): string {
    const [a, b] = [this.#name(), this.#name()]
    const from = this.#from(depth, { a, b, extra })
    const targets = Array.from({ length: 1 + this.#next(3) }, () => this.#target(depth, { a, b }))
    const where = this.#pick(['', '', ' WHERE true', ` WHERE ${a} IS NOT NULL`])
    const tail = this.#pick(['', '', '', ' ORDER BY 1', ' LIMIT 3', ' ORDER BY 1 DESC LIMIT 2'])
    return `SELECT ${this.#pick(['', '', '', 'DISTINCT '])}${targets.join(', ')} FROM ${from}${where}${tail}`
  }

  #relation(extra: readonly string[]): string {
    if (extra.length > 0 && this.#next(2) === 0) return this.#pick(extra)
    return this.#pick([
      'customers',
      'customers',
      'ONLY customers',
      'contacts',
      'wide',
      'stored',
      'orders',
      'vip',
      'archive.customers',
    ])
  }

  #from(depth: number, { a, b, extra }: { a: string; b: string; extra: readonly string[] }): string {
    const one = `${this.#relation(extra)} ${a}`
    const other = depth > 0 ? `(${this.query(depth - 1)}) ${b}` : `${this.#relation(extra)} ${b}`
    switch (this.#next(11)) {
      case 0:
        return `${one}, ${other}`
      case 1:
        return `customers ${a} ${this.#pick(['JOIN', 'LEFT JOIN', 'FULL JOIN'])} contacts ${b} USING (id)`
      case 2:
        return `customers ${a} NATURAL JOIN archive.customers ${b}`
      case 3:
        return `(customers x JOIN orders y ON x.id = y.customer_id) AS ${a} (p, q, r, s, t), orders ${b}`
      case 4:
        return `${one} CROSS JOIN LATERAL (SELECT ${a}.*, ${a}::text AS whole) ${b}`
      case 5:
        return `customers ${a}, regexp_split_to_table(${a}.ssn, '') WITH ORDINALITY AS ${b} (piece, at)`
      case 6:
        return `customers ${a}, json_each(row_to_json(${a})) ${b}`
      case 7:
        return `rows() ${a}, orders ${b}`
      case 8:
        return `customers ${a} (one, two, three), XMLTABLE('/x' PASSING xmlelement(name x, ${a}.three) COLUMNS v text PATH '.') ${b}`
      case 9:
        return `customers ${a}, unnest(ARRAY[${a}.email, ${a}.id], ARRAY['1']) AS ${b} (u, w)`
      default:
        return `customers ${a}, ${other}`
    }
  }

  #target(depth: number, { a, b }: { a: string; b: string }): string {
    switch (this.#next(7)) {
      case 0:
        return this.#pick(['*', `${a}.*`, `${b}.*`, `(${a}).*`])
      case 1:
        return this.#pick([
          a,
          b,
          `row_to_json(${a})`,
          `${a}::text`,
          `(${a}).ssn`,
          `to_jsonb(${b})`,
          `${a}.row_to_json`,
          `hashtext(${a}::text)`,
        ])
      case 2:
        return `${this.#wrap(`${a}.${this.#anyColumn()}`)} AS "${this.#name()}"`
      default:
        return this.#wrap(this.#next(3) === 0 ? this.#scalar(depth) : `${this.#pick([a, b])}.${this.#anyColumn()}`)
    }
  }

  #anyColumn(): string {
    return this.#pick([
      'id',
      'name',
      'email',
      'ssn',
      'card',
      'note',
      'address',
      'label',
      'total',
      'a',
      'n',
      'mix',
      'ctid',
    ])
  }

  #scalar(depth: number): string {
    if (depth > 0 && this.#next(3) === 0) return `(SELECT string_agg(x::text, ',') FROM (${this.query(depth - 1)}) x)`
    return this.#pick([
      "(SELECT ssn FROM customers WHERE id = '1')",
      '(SELECT max(address) FROM contacts)',
      "spill('1')",
      "(### '2')",
      'ARRAY(SELECT card FROM customers)',
      'EXISTS (SELECT email FROM customers)',
      '(SELECT count(email) FROM customers)',
      "(SELECT most_common_vals::text FROM pg_stats WHERE attname = 'email' AND tablename = 'customers')",
      "(SELECT string_agg(histogram_bounds::text, '') FROM pg_stats)",
      "(SELECT c FROM customers c WHERE id = '1')",
      '(SELECT current_query())',
      "query_to_xml('SELECT email FROM customers', true, true, '')::text",
      '(CASE WHEN (SELECT count(*) FROM customers) > 1 THEN (SELECT min(ssn) FROM customers) END)',
    ])
  }

  #wrap(e: string): string {
    return this.#pick([
      e,
      e,
      `${e} || ''`,
      `coalesce(${e}::text, 'x')`,
      `upper(${e}::text)`,
      `reverse(${e}::text)`,
      `replace(${e}::text, '-', '')`,
      `encode(${e}::text::bytea, 'hex')`,
      `encode(${e}::text::bytea, 'base64')`,
      `md5(${e}::text)`,
      `array_agg(${e}) OVER ()`,
      `json_build_object('k', ${e})`,
      `ROW(${e}, 1)`,
      `CASE WHEN true THEN ${e} END`,
      `nullif(${e}::text, '')`,
      `(ARRAY[${e}])[1]`,
      `first_value(${e}) OVER (ORDER BY 1)`,
      `xmlforest(${e} AS f)`,
      `format('%s', ${e})`,
      `(SELECT ${e})`,
      `(${e}) COLLATE "C"`,
      `count(${e}) OVER ()`,
    ])
  }
}

describe('the server as judge of lineage', () => {
  test('random queries: no labelled value in a column said to carry none, and the columns are those the server gives', async () => {
    const seeds = Number(process.env.SLUICE_SEEDS ?? 1_500)
    const first = Number(process.env.SLUICE_SEED ?? 1)
    let ran = 0
    for (let seed = first; seed < first + seeds; seed++) {
      const text = new QueryMaker(seed * 7_919).query(2)
      const outcome = await leaksOf(text)
      if (!outcome) continue
      ran++
      expect(outcome.leaks, `seed ${seed}: ${text}`).toEqual([])
      expect(outcome.wrongColumns, `seed ${seed}: ${text}`).toBeUndefined()
    }
    expect(ran).toBeGreaterThan(seeds / 3)
  }, 600_000)

  test('the search for leaks finds them: with every label taken away most disguises are seen', async () => {
    let leaking = 0
    for (let seed = 1; seed <= 200; seed++) {
      const outcome = await leaksOf(new QueryMaker(seed * 7_919).query(1), true)
      if (outcome && outcome.leaks.length > 0) leaking++
    }
    expect(leaking).toBeGreaterThan(30)
  })
})

test('the server tells names of prepared statements apart by their first 63 bytes', async () => {
  const name = 'n'.repeat(63)
  await client.query({ name: `${name}1`, text: 'SELECT 1' })
  await expect(client.query({ name: `${name}2`, text: 'SELECT 2' })).rejects.toMatchObject({ code: '42P05' })
  await client.query('DEALLOCATE ALL')
})

test('the server runs a function for a field that does not exist', async () => {
  for (const text of [
    "SELECT ('abc'::text).upper AS u",
    "SELECT f.upper AS u FROM unnest(ARRAY['abc']) f",
    "SELECT (f).upper AS u FROM unnest(ARRAY['abc']) f",
  ])
    expect((await client.query(text)).rows).toEqual([{ u: 'ABC' }])
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
    await client.query('BEGIN READ ONLY')
    const refused = await client.query(text).then(
      () => false,
      (error: { code?: string }) => error.code === '25006',
    )
    await client.query('ROLLBACK; DEALLOCATE ALL')
    if (refused) expect(judgedRead).toBe(false)
  })

  test('the tags are those the server gives', async () => {
    for (const text of [
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
    ]) {
      const mirror = session
      const resolved = sql.resolve(sql.parse(text), { catalogue, labels: LABELS, database: 'postgres', mirror })
      const answer = await client.query(text).catch((error: Error) => {
        throw new Error(`${text}: ${error.message}`)
      })
      mirror.apply(resolved.statements[0]!)
      expect(resolved.statements[0]!.tag, text).toBe(answer.command === null ? '' : tagOf(answer))
    }
  })

  const session = new SessionMirror()
  /** node-postgres splits the tag: the words it keeps in `command` are the first only. */
  const tagOf = (answer: pg.QueryResult): string => tags.at(-1) ?? answer.command
  const tags: string[] = []
  beforeAll(() => {
    const { connection } = client as unknown as { connection: NodeJS.EventEmitter }
    connection.on('commandComplete', (message: { text: string }) => tags.push(message.text.replace(/( \d+)+$/, '')))
  })
})

/** Constructs of the newest version: the columns we name are those it gives, in its order. */
test('version 18: RETURNING of both rows, of MERGE, and tables made of JSON and XML', async () => {
  await using newest = await startPostgres({ major: 18 })
  const own = new pg.Client(newest)
  await own.connect()
  await own.query(
    'CREATE TABLE t (a int, b text); CREATE TABLE u (a int, c text); INSERT INTO t VALUES (1, $$x$$); INSERT INTO u VALUES (1, $$y$$)',
  )
  const sql18 = await PostgresSql.load(18)
  const names = catalogueOf({
    relations: [
      { name: 'public.t', columns: 'a b' },
      { name: 'public.u', columns: 'a c' },
    ],
  })
  const labels = labelsOf({ 'public.t.b': 'secret' })
  for (const [text, labelled] of [
    ['MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = u.c RETURNING *', '-,-,-,secret'],
    [
      'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = u.c RETURNING merge_action(), t.*, old.b, new.*',
      '-,-,secret,secret,-,secret',
    ],
    ['UPDATE t SET b = c FROM u WHERE t.a = u.a RETURNING old.*, new.b AS n, *', '-,secret,secret,-,secret,-,-'],
    ['UPDATE t SET b = $$z$$ RETURNING WITH (OLD AS o, NEW AS n) o.b, n.a, o', 'secret,-,secret'],
    ['INSERT INTO t VALUES (2, $$z$$) RETURNING old.b, new', 'secret,secret'],
    ['DELETE FROM t USING u WHERE t.a = u.a RETURNING *', '-,secret,-,-'],
    [
      "SELECT * FROM JSON_TABLE('[{\"x\": 1, \"y\": [1]}]', '$[*]' COLUMNS (i FOR ORDINALITY, x int, NESTED '$.y[*]' COLUMNS (z int PATH '$')))",
      '-,-,-',
    ],
    ["SELECT j.* FROM t, JSON_TABLE(to_jsonb(t.b), '$' COLUMNS (x text PATH '$')) j", 'secret'],
    [
      "SELECT JSON_VALUE(to_jsonb(b), '$'), JSON_OBJECT('k' : a), JSON_ARRAYAGG(b) OVER (), JSON_SCALAR(a), JSON(b || $$$$) IS JSON FROM t WHERE false",
      'secret,-,secret,-,secret',
    ],
    ['SELECT * FROM t NATURAL FULL JOIN u, LATERAL (SELECT t.b) AS l', '-,secret,-,secret'],
    ['SELECT FROM t', ''],
  ]) {
    const resolved = sql18.resolve(sql18.parse(text!), {
      catalogue: names,
      labels,
      database: 'postgres',
      mirror: new SessionMirror(),
    })
    const result = resolved.statements[0]!.result
    const answer = await own.query({ text: text!, rowMode: 'array' })
    if (result.kind !== 'rows') throw new Error(`${text} gives ${result.kind}`)
    expect(
      result.columns.map((column) => column.name),
      text,
    ).toEqual(answer.fields.map((field) => field.name))
    expect(result.columns.map((column) => column.labels[0] ?? '-').join(), text).toBe(labelled)
  }
  await own.end()
})
