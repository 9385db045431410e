import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Catalogue } from '../../src/model/catalogue.ts'
import { startPostgres } from './postgres.ts'
import { catalogueOf, labelsOf } from './sketch.ts'

/** Rows whose labelled values occur nowhere else, so that any trace of one in a result is a leak. */
const CUSTOMERS = [
  { id: '1', name: 'Ada', email: 'qzvkxw01@jpmhcd.example', ssn: '907-31-5528', card: '4929713385020613', note: 'vip' },
  { id: '2', name: 'Bob', email: 'wyfgtr02@xkcdbn.example', ssn: '918-42-6637', card: '4716258093347159', note: 'new' },
]
const LABELLED = ['email', 'ssn', 'card'] as const
export const CANARY_LABELS = labelsOf({
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

export interface CanaryShop extends AsyncDisposable {
  readonly client: pg.Client
  readonly catalogue: Catalogue
  readonly major: number
}

/** A real server with a shop whose labelled values are easy to find, and its catalogue. */
export async function startCanaryShop(): Promise<CanaryShop> {
  const server = await startPostgres()
  const client = new pg.Client(server)
  await client.connect()
  await client.query(SCHEMA)
  for (const one of CUSTOMERS) {
    await client.query('INSERT INTO customers VALUES ($1, $2, $3, $4, $5, $6)', Object.values(one))
  }
  await client.query('REFRESH MATERIALIZED VIEW stored; ANALYZE')
  return {
    client,
    catalogue: await readCatalogue(client),
    major: server.major,
    async [Symbol.asyncDispose]() {
      await client.end()
      await server.stop()
    },
  }
}

/** The server's own account of its names, through a client of its own. */
async function readCatalogue(client: pg.Client): Promise<Catalogue> {
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

/** Every form of every labelled value that a search for leaks looks for. */
export const CANARIES = CUSTOMERS.flatMap((row) => LABELLED.flatMap((column) => disguises(row[column])))
