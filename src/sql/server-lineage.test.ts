import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CANARIES, CANARY_LABELS, type CanaryShop, startCanaryShop } from '../../test/rig/canary-shop.ts'
import { startPostgres } from '../../test/rig/postgres.ts'
import { QueryMaker } from '../../test/rig/random-query.ts'
import { catalogueOf, labelsOf } from '../../test/rig/sketch.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

let shop: CanaryShop
let sql: PostgresSql

beforeAll(async () => {
  shop = await startCanaryShop()
  sql = await PostgresSql.load(shop.major)
})

afterAll(() => shop[Symbol.asyncDispose]())

function resolve(text: string) {
  const { catalogue } = shop
  return sql.resolve(sql.parse(text), {
    catalogue,
    labels: CANARY_LABELS,
    database: 'postgres',
    mirror: new SessionMirror(),
  })
}

interface Outcome {
  readonly leaks: readonly string[]
  readonly wrongColumns: string | undefined
}

/** Runs a query and looks for labelled values in columns that were said to carry none. Undefined when the server refuses the query. */
async function leaksOf(text: string, trusting = false): Promise<Outcome | undefined> {
  const { statements } = resolve(text)
  let answer: pg.QueryArrayResult<unknown[]>
  try {
    answer = await shop.client.query({ text, rowMode: 'array' })
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

test('the server runs a function for a field that does not exist', async () => {
  for (const text of [
    "SELECT ('abc'::text).upper AS u",
    "SELECT f.upper AS u FROM unnest(ARRAY['abc']) f",
    "SELECT (f).upper AS u FROM unnest(ARRAY['abc']) f",
  ])
    expect((await shop.client.query(text)).rows).toEqual([{ u: 'ABC' }])
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
