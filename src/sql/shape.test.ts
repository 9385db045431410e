import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { normalise } from './ast.ts'
import { Grammar } from './grammar.ts'
import type { ParsedMessage } from './message.ts'
import { messageOf } from './parsed.ts'
import { PostgresSql, SessionMirror } from './postgres.ts'

const sql = await PostgresSql.load(15)
const grammar = new Grammar(15)

/** Parsed without any cache. */
function exactly(text: string): ParsedMessage {
  const statements = JSON.parse(grammar.parse(text)).stmts
  return messageOf(text, { statements, ...normalise(statements, 100_000) })
}

/** Everything the analysis says of a message but its text. */
function meaning(parsed: ParsedMessage) {
  const context = { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
  const { operation, statements, copiesLabels } = sql.resolve(parsed, context)
  return { ...operation, text: '', statements, copiesLabels }
}

function shared(one: string, other: string): boolean {
  return sql.parse(one) === sql.parse(other)
}

describe('texts that differ only in literals which cannot matter share one parse', () => {
  test.each([
    ['SELECT abalance FROM pgbench_accounts WHERE aid = 1;', 'SELECT abalance FROM pgbench_accounts WHERE aid = 4711;'],
    ['UPDATE orders SET total = total + 5 WHERE id = 1', 'UPDATE orders SET total = total + 77 WHERE id = 3'],
    ['UPDATE orders SET total = total + -5 WHERE id = 1', 'UPDATE orders SET total = total + -77 WHERE id = 3'],
    ["INSERT INTO products VALUES (1, 'a'), (2, 'b''c')", "INSERT INTO products VALUES (3, 'x'), (4, 'yy')"],
    [
      "SELECT id FROM products WHERE note IN ('a', 'b') LIMIT 5",
      "SELECT id FROM products WHERE note IN ('cc', 'd') LIMIT 50",
    ],
    ["SELECT id FROM products WHERE note LIKE 'a%'", "SELECT id FROM products WHERE note LIKE 'b%'"],
    ["SELECT 'Grüße', 1", "SELECT 'año', 2"],
    [
      "SELECT id FROM products WHERE note = 'a'::text AND id = 1",
      "SELECT id FROM products WHERE note = 'b'::text AND id = 2",
    ],
    [
      'SELECT "a\'b".id FROM products "a\'b" WHERE id = $1 AND id = 2',
      'SELECT "a\'b".id FROM products "a\'b" WHERE id = $1 AND id = 3',
    ],
    ['WITH q AS (SELECT 1 AS a) SELECT * FROM q WHERE a = 2', 'WITH q AS (SELECT 3 AS a) SELECT * FROM q WHERE a = 4'],
  ])('%s', (one, other) => {
    expect(shared(one, other)).toBe(true)
    expect(meaning(sql.parse(other))).toEqual(meaning(exactly(other)))
  })

  test.each([
    ['a constant condition', 'DELETE FROM orders WHERE 1 = 2', 'DELETE FROM orders WHERE 1 = 1'],
    ['a constant condition', "DELETE FROM orders WHERE 'a' = 'b'", "DELETE FROM orders WHERE 'a' = 'a'"],
    ['a constant in a list', 'DELETE FROM orders WHERE 1 IN (2, 3)', 'DELETE FROM orders WHERE 1 IN (2, 1)'],
    ['a boolean', "DELETE FROM orders WHERE 'f'::bool", "DELETE FROM orders WHERE 't'::bool"],
    [
      'a pattern of everything',
      "DELETE FROM products WHERE note LIKE 'a%'",
      "DELETE FROM products WHERE note LIKE '%'",
    ],
    ['ORDER BY position', 'SELECT id, ssn FROM customers ORDER BY 1', 'SELECT id, ssn FROM customers ORDER BY 2'],
    ['GROUP BY position', 'SELECT id, ssn FROM customers GROUP BY 1', 'SELECT id, ssn FROM customers GROUP BY 2'],
    [
      'DISTINCT ON position',
      'SELECT DISTINCT ON (1) id, ssn FROM customers',
      'SELECT DISTINCT ON (2) id, ssn FROM customers',
    ],
    ['a setting', "SET application_name = 'a'", "SET application_name = 'b'"],
    [
      'set_config',
      "SELECT set_config('work_mem', '1MB', false)",
      "SELECT set_config('standard_conforming_strings', 'off', false)",
    ],
    ['a sequence', "SELECT nextval('a')", "SELECT nextval('b')"],
    ['a name as regclass', "SELECT 'a'::regclass", "SELECT 'b'::regclass"],
    ['a type modifier', 'SELECT note::varchar(1) FROM products', 'SELECT note::varchar(2) FROM products'],
    ['COPY options', "COPY orders TO STDOUT (DELIMITER 'a')", "COPY orders TO STDOUT (DELIMITER 'b')"],
    ['an integer of another size', 'SELECT id FROM orders WHERE id = 1', 'SELECT id FROM orders WHERE id = 3000000000'],
    ['an escape string', "SELECT E'a'", "SELECT E'b'"],
    ['a unicode string', "SELECT U&'a'", "SELECT U&'b'"],
    ['an unfinished string', "SELECT 'a' || 'b'", "SELECT 'a' || 'b"],
    ['more statements', 'SELECT 1', 'SELECT 1; SELECT 2'],
    ['a comment', 'SELECT 1 -- x', 'SELECT 2 -- x'],
    ['a quote moved into a string', "SELECT 'a', 'b'", "SELECT 'a'', ''b'"],
  ])('but not where a literal may matter: %s', (_, one, other) => {
    let same = false
    try {
      same = shared(one, other)
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/^sql\./)
    }
    expect(same).toBe(false)
  })

  test('NUL and half characters never ride on a known shape', () => {
    sql.parse("SELECT id FROM products WHERE note = 'abc'")
    for (const bad of ['\0', '\ud800', '\udc00'])
      expect(() => sql.parse(`SELECT id FROM products WHERE note = 'a${bad}c'`)).toThrow()
  })

  const literal = fc.oneof(
    fc.integer({ min: -5, max: 5 }).map(String),
    fc.integer({ min: 0, max: 99_999_999_999 }).map(String),
    fc.constantFrom(
      '007',
      '1.5',
      '1e3',
      '.5',
      'NULL',
      'true',
      '$1',
      '2147483647',
      '2147483648',
      "'%'",
      "''",
      "''''",
      "'a''b'",
    ),
    fc.string({ maxLength: 4 }).map((text) => `'${text.replaceAll("'", "''")}'`),
    fc.constantFrom(
      "E'a'",
      "N'a'",
      "B'1'",
      "X'1'",
      "U&'a'",
      '$$a$$',
      "'a' 'b'",
      "'a'\n'b'",
      "'a'::bool",
      "'a'::regclass",
      "date '2020-01-01'",
    ),
  )
  const template = fc.constantFrom(
    'SELECT id FROM orders WHERE id = {}',
    'SELECT id, {} FROM orders WHERE id IN ({}, {}) ORDER BY {} LIMIT {}',
    'DELETE FROM orders WHERE {} = {}',
    'DELETE FROM orders WHERE id = {} OR {} = {}',
    'DELETE FROM products WHERE note LIKE {}',
    'DELETE FROM orders WHERE {} IN ({}, {})',
    'DELETE FROM orders WHERE {} IS NULL',
    'UPDATE products SET note = {}, id = {} WHERE id - {} = {}',
    'INSERT INTO products VALUES ({}, {}), ({}, {})',
    'SELECT CASE WHEN id = {} THEN {} ELSE {} END, lower({}), mine({}) FROM customers GROUP BY {}, ssn',
    'SELECT id FROM customers WHERE ssn = {} AND "a{}" = -{}',
    'SELECT set_config({}, {}, true)',
    'SELECT id FROM orders LIMIT {} OFFSET {}',
    'SELECT x.* FROM (VALUES ({}), ({})) x WHERE {} < ALL (SELECT {})',
  )
  test('whatever the literals, a shared parse means what an exact one means', () => {
    fc.assert(
      fc.property(template, fc.array(literal, { minLength: 8, maxLength: 8 }), (shape, literals) => {
        let i = 0
        const text = shape.replaceAll('{}', () => literals[i++]!)
        const attempt = (parse: (text: string) => ParsedMessage) => {
          try {
            return meaning(parse(text))
          } catch (error) {
            return (error as { code?: string }).code ?? error
          }
        }
        expect(attempt((one) => sql.parse(one))).toEqual(attempt(exactly))
      }),
      { numRuns: 3_000 },
    )
  })
})
