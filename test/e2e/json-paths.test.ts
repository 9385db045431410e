import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../rig/gateway.ts'
import { type PostgresServer, startPostgres } from '../rig/postgres.ts'

const POLICY = `
kind: Human
name: ada
---
kind: Classification
name: inside
paths:
  - { match: public.events.payload, path: user.email, labels: [pii.email] }
---
kind: Rule
name: read-masked
who: principal.kind == "human"
on: "true"
when: op.only(["read", "session"])
then: allow
oblige: { mask: [{ labels: ["pii.*"], with: redact }] }
`

let server: PostgresServer
let gateway: TestGateway
let client: pg.Client

beforeAll(async () => {
  server = await startPostgres({})
  const admin = new pg.Client({ ...server, ssl: false })
  await admin.connect()
  await admin.query('CREATE TABLE events (id int, payload jsonb, raw text)')
  await admin.query(
    `INSERT INTO events VALUES (1, '{"user": {"email": "canary@lake.example", "plan": "gold"}, "n": 7}', 'plain')`,
  )
  await admin.end()
  gateway = await startTestGateway({ target: server, policy: POLICY })
  client = new pg.Client({ ...gateway.login('human:ada'), ssl: false })
  await client.connect()
})
afterAll(async () => {
  await client?.end()
  await gateway?.stop()
  await server?.stop()
})

test('a label on a path masks inside a plain json column and leaves the rest', async () => {
  const { rows } = await client.query('SELECT payload FROM events')
  expect(rows[0].payload).toMatchObject({ user: { plan: 'gold' }, n: 7 })
  expect(JSON.stringify(rows)).not.toContain('canary')
})

test.each([
  'SELECT payload::text AS v FROM events',
  "SELECT payload->'user' AS v FROM events",
  'SELECT to_jsonb(e) AS v FROM events e',
])('what was made of it is masked whole: %s', async (text) => {
  const { rows } = await client.query(text)
  expect(JSON.stringify(rows)).not.toContain('canary')
  expect(JSON.stringify(rows)).not.toContain('gold')
})
