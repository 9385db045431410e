import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { effectNames } from '../model/effects.ts'
import { LargeParser } from './large.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

const MAJORS = [13, 14, 15, 16, 17, 18]
const versions = new Map<number, PostgresSql>()
for (const major of MAJORS) versions.set(major, await PostgresSql.load(major))
const sql = versions.get(15)!

function resolve(own: PostgresSql, parsed: ReturnType<PostgresSql['parse']>) {
  return own.resolve(parsed, { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() })
}

/** Judged, or the code of the refusal. */
async function outcome(own: PostgresSql, text: string): Promise<string> {
  try {
    return effectNames(resolve(own, await own.parseLarge(text)).operation.effects).join(' ')
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

const many = (count: number, text: string, separator = '') => Array<string>(count).fill(text).join(separator)

describe('A17 no text stalls, crashes or poisons the grammar', () => {
  const hostile: readonly (readonly [string, string])[] = [
    ['200,000 parentheses', `SELECT ${many(200_000, '(')}1${many(200_000, ')')}`],
    ['300,000 additions', `SELECT ${many(300_000, '1', '+')}`],
    ['30,000 additions', `SELECT ${many(30_000, '1', '+')}`],
    ['2,000 additions', `SELECT ${many(2_000, '1', '+')}`],
    ['12,000 casts', `SELECT x${many(12_000, '::int')}`],
    ['5,000 subqueries', `${many(5_000, '(SELECT ')}1${many(5_000, ')')}`],
    ['5,000 unions', many(5_000, 'SELECT 1', ' UNION ')],
    ['4,000 joins', `SELECT * FROM orders ${many(4_000, 'JOIN orders o ON true ')}`],
    ['15,000 NOTs', `SELECT ${many(15_000, 'NOT ')}true`],
    ['20,000 subscripts', `SELECT (x)${many(20_000, '[1]')}`],
    ['20,000 calls', `SELECT ${many(20_000, 'abs(')}1${many(20_000, ')')}`],
    ['5,000 CASEs', `SELECT ${many(5_000, 'CASE WHEN ')}1${many(5_000, ' THEN 1 END')}`],
    ['100,000 statements', many(100_000, 'SELECT 1', ';')],
    ['1,000,000 values', `SELECT 1 FROM orders WHERE id IN (${many(1_000_000, '1', ',')})`],
    ['17 MiB', `SELECT '${many(17 * 1024 * 1024, 'x')}'`],
  ]
  test.each(hostile)('%s', async (_, text) => {
    for (const own of text.length < 100_000 ? versions.values() : [sql]) {
      expect(['sql.too_large', 'read']).toContain(await outcome(own, text))
      // It works as before.
      const probe = `WITH d AS (DELETE FROM orders RETURNING *) SELECT d.*, 'x', 1.5 FROM d -- ${text.length}`
      expect(effectNames(resolve(own, own.parse(probe)).operation.effects)).toEqual(['read', 'delete'])
    }
  })

  test('as deep as is allowed, in every construct, is analysed without exhausting the stack', () => {
    const deepest = (make: (depth: number) => string): string => {
      let outcome = 'none'
      for (const depth of [20, 50, 100, 190, 290, 590, 980, 1_480, 2_480, 4_000]) {
        try {
          resolve(sql, sql.parse(make(depth)))
          outcome = 'judged'
        } catch (error) {
          outcome = (error as { code?: string; cause?: unknown }).code ?? String(error)
          expect(outcome).toBe('sql.too_large')
          expect((error as { cause?: unknown }).cause).toBeUndefined()
          break
        }
      }
      return outcome
    }
    const nest = (open: string, core: string, close: string) => (depth: number) =>
      `SELECT ${many(depth, open)}${core}${many(depth, close)} FROM customers`
    for (const make of [
      nest('(', 'ssn', '+1)'),
      nest('abs(', 'ssn', ')'),
      nest('coalesce(', 'ssn', ', 1)'),
      nest('CASE WHEN ', 'ssn', ' THEN 1 END'),
      nest('(SELECT ', 'ssn', ')'),
      nest('ARRAY[', 'ssn', ']'),
      nest('NOT (', 'ssn', ')'),
      (depth: number) => `SELECT * FROM ${many(depth, '(SELECT * FROM ')}customers${many(depth, ') x')}`,
      (depth: number) => `SELECT * FROM customers a ${many(depth, 'JOIN customers b USING (id) ')}`,
      (depth: number) => `${many(depth, 'WITH q AS (')}SELECT * FROM customers${many(depth, ') SELECT * FROM q')}`,
      (depth: number) => many(depth, 'SELECT ssn FROM customers', ' UNION '),
    ])
      expect(deepest(make)).toBe('sql.too_large')
  })

  test('nested recursive queries end', () => {
    const query = (depth: number): string =>
      depth === 0
        ? 'SELECT ssn FROM customers'
        : `WITH RECURSIVE r (a) AS ((${query(depth - 1)}) UNION ALL SELECT a FROM r) SELECT a FROM r`
    expect(resolve(sql, sql.parse(query(5))).statements[0]?.result).toMatchObject({
      columns: [{ labels: ['pii.ssn'] }],
    })
    const started = performance.now()
    expect(() => resolve(sql, sql.parse(query(40)))).toThrow(expect.objectContaining({ code: 'sql.too_large' }))
    expect(performance.now() - started).toBeLessThan(20_000)
  })

  test('traps in a row cost memory only for a while', () => {
    const text = `SELECT ${many(25_000, '1', '+')}`
    for (let i = 0; i < 60; i++)
      expect(() => sql.parse(text)).toThrow(expect.objectContaining({ code: 'sql.too_large' }))
    expect(sql.parse('SELECT 1').statements).toHaveLength(1)
  })
})

describe('texts over 64 KiB are parsed off the event loop', () => {
  test('the event loop goes on meanwhile', async () => {
    const text = `INSERT INTO products VALUES ${many(200_000, "(1, 'abcdefgh', NULL, DEFAULT, true)", ',')}`
    expect(() => sql.parse(text)).toThrow(expect.objectContaining({ code: 'sql.too_large' }))
    let ticks = 0
    let done = false
    const ticking = (async () => {
      while (!done) {
        await pause(5)
        ticks++
      }
    })()
    const parsed = await sql.parseLarge(text)
    done = true
    await ticking
    expect(ticks).toBeGreaterThan(10)
    const { operation } = resolve(sql, parsed)
    expect(effectNames(operation.effects)).toEqual(['write'])
    expect(operation.text.length).toBeLessThan(9_000)
  })

  test.each(MAJORS)('version %i: what was pruned changes nothing', async (major) => {
    const own = versions.get(major)!
    const row = "(1, 'it''s {\"List\":', -2.5, true, NULL, DEFAULT)"
    const texts = [
      `INSERT INTO products VALUES ${many(4_000, row, ', ')}, (mine(1), (SELECT ssn FROM customers), 3, 4, 5, 6) RETURNING id`,
      `SELECT id FROM customers WHERE ssn IN (${many(20_000, "'a'", ', ')}, email)`,
      `DELETE FROM orders WHERE ${many(8_000, 'id = 1', ' OR ')} OR 1 = 1`,
      `SELECT ARRAY[${many(30_000, '1', ', ')}, ssn] FROM customers`,
      `VALUES ${many(12_000, "(1, 'a')", ', ')}`,
      `DELETE FROM orders WHERE 5 IN (${many(30_000, '1', ', ')}, 5)`,
    ]
    const shorter = [
      `INSERT INTO products VALUES ${row}, (mine(1), (SELECT ssn FROM customers), 3, 4, 5, 6) RETURNING id`,
      "SELECT id FROM customers WHERE ssn IN ('a', email)",
      'DELETE FROM orders WHERE id = 1 OR 1 = 1',
      'SELECT ARRAY[1, ssn] FROM customers',
      "VALUES (1, 'a')",
      'DELETE FROM orders WHERE 5 IN (1, 5)',
    ]
    for (const [i, text] of texts.entries()) {
      expect(text.length).toBeGreaterThan(64 * 1024)
      const [long, short] = [resolve(own, await own.parseLarge(text)), resolve(own, own.parse(shorter[i]!))]
      expect({ ...long.operation, text: '' }).toEqual({ ...short.operation, text: '' })
      expect([long.statements, long.copiesLabels]).toEqual([short.statements, short.copiesLabels])
    }
  })

  test('a message of too many statements is refused, whatever they do', async () => {
    expect(sql.parse('SELECT 1;'.repeat(2_000)).statements).toHaveLength(2_000)
    expect(() => sql.parse('SELECT 1;'.repeat(2_001))).toThrow(expect.objectContaining({ code: 'sql.too_large' }))
    await expect(sql.parseLarge('SELECT 1;'.repeat(10_000))).rejects.toMatchObject({ code: 'sql.too_large' })
  })

  test('a syntax error, a deadline and a full queue are told apart, and the next text is parsed', async () => {
    await expect(sql.parseLarge(`SELECT ${many(70_000, '(')}`)).rejects.toMatchObject({ code: 'sql.too_large' })
    await expect(sql.parseLarge(`SELECT FROM FROM ${many(70_000, 'x')}`)).rejects.toMatchObject({ code: 'sql.syntax' })
    const hurried = new LargeParser(15, 1)
    await expect(hurried.parse(`SELECT ${many(100_000, '1', ',')}`)).rejects.toMatchObject({ code: 'sql.too_large' })
    const busy = new LargeParser(15)
    const text = `SELECT '${many(70_000, 'x')}'`
    const parsing = Array.from({ length: 60 }, () =>
      busy.parse(text).then(
        () => 'parsed',
        (error: { code: string }) => error.code,
      ),
    )
    const outcomes = await Promise.all(parsing)
    expect(new Set(outcomes)).toEqual(new Set(['parsed', 'limit.buffer']))
    expect(await busy.parse(text)).toMatchObject({ parameters: 0 })
  })
})

test('a syntax error carries the server’s words and the place', () => {
  expect(() => sql.parse("SELECT 'é' FROM FROM x")).toThrow(
    expect.objectContaining({
      code: 'sql.syntax',
      cause: { sqlDetails: { message: 'syntax error at or near "FROM"', cursorPosition: 16 } },
    }),
  )
})
