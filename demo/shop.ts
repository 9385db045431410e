import type { Client } from 'pg'
import { people, shopRows } from './rows.ts'

const SCHEMA = `
CREATE TABLE customers (
  id int PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, phone text, city text NOT NULL, country text NOT NULL,
  created_at timestamptz NOT NULL);
CREATE TABLE orders (
  id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, status text NOT NULL
    CHECK (status IN ('open', 'paid', 'shipped', 'returned', 'cancelled')),
  item text NOT NULL, quantity int NOT NULL, total numeric(10,2) NOT NULL, currency char(3) NOT NULL, placed_at timestamptz NOT NULL);
CREATE TABLE payments (
  id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders, card text NOT NULL, holder text NOT NULL, amount numeric(10,2) NOT NULL,
  state text NOT NULL CHECK (state IN ('captured', 'refunded', 'failed')), paid_at timestamptz NOT NULL);
CREATE TABLE tickets (
  id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customers, subject text NOT NULL, body text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'waiting', 'solved')), opened_at timestamptz NOT NULL);
CREATE TABLE integrations (id int PRIMARY KEY, partner text NOT NULL, api_token text NOT NULL, created_at timestamptz NOT NULL);
COMMENT ON COLUMN integrations.api_token IS 'live credential of a partner';
CREATE VIEW customer_directory AS SELECT id, name, email, city FROM customers;
CREATE INDEX ON orders (customer_id);
CREATE INDEX ON payments (order_id);
CREATE INDEX ON tickets (customer_id);`

const GRANTS = `
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shop_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO reporting;`

/** Makes the demo's tables, rows and accounts in an empty database. Neither account is a superuser or may change the schema. */
export async function createShop(
  client: Client,
  passwords: Readonly<Record<'shop_app' | 'reporting', string>>,
): Promise<void> {
  await client.query('BEGIN')
  for (const [name, password] of Object.entries(passwords)) {
    await client.query(`DROP ROLE IF EXISTS ${name}`)
    await client.query(`CREATE ROLE ${name} LOGIN NOSUPERUSER PASSWORD ${client.escapeLiteral(password)}`)
  }
  await client.query(SCHEMA)
  for (const [table, rows] of Object.entries(shopRows(people()))) {
    await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [
      JSON.stringify(rows),
    ])
  }
  await client.query(GRANTS)
  await client.query('COMMIT')
  await client.query('ANALYZE')
}
