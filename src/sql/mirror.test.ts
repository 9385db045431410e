import { describe, expect, test } from 'vitest'
import { SHOP, SHOP_LABELS } from '../../test/rig/sketch.ts'
import { effectNames } from '../model/effects.ts'
import { type Portal, PostgresSql, type Resolved, SessionMirror } from './postgres.ts'

const sql = await PostgresSql.load(15)
const ALL = ['pci.card', 'pii.email', 'pii.ssn']

/** A session as the conversation drives it: every statement is taken to succeed. */
class Session {
  readonly mirror = new SessionMirror()
  resolve(text: string): Resolved {
    return sql.resolve(sql.parse(text), { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: this.mirror })
  }
  run(text: string): Resolved {
    const resolved = this.resolve(text)
    for (const statement of resolved.statements) this.mirror.apply(statement)
    return resolved
  }
  /** Labels of the columns a text returns. */
  labels(text: string): readonly string[] {
    const result = this.resolve(text).statements.at(-1)?.result
    if (result?.kind === 'opaque') return result.labels
    return result?.kind === 'rows' ? result.columns.flatMap((one) => one.labels) : []
  }
}

function portalOf(resolved: Resolved): Portal {
  return { statement: resolved.statements[0]!, operation: resolved.operation, holdable: false }
}

describe('prepared statements of SQL and of the protocol are one namespace', () => {
  test('A30 a name means what it was last given', () => {
    const session = new Session()
    session.mirror.setStatement('s1', { parsed: sql.parse('SELECT id FROM customers') })
    expect(session.labels('EXECUTE s1')).toEqual([])
    session.mirror.closeStatement('s1')
    session.mirror.setStatement('s1', { parsed: sql.parse('SELECT ssn FROM customers') })
    expect(session.labels('EXECUTE s1')).toEqual(['pii.ssn'])
  })

  test('A31 one prepared by either is found by the other', () => {
    const session = new Session()
    session.run('PREPARE zz AS DELETE FROM orders')
    const prepared = session.mirror.getStatement('zz')
    expect(
      effectNames(
        sql.resolve(prepared!.parsed, {
          catalogue: SHOP,
          labels: SHOP_LABELS,
          database: 'shop',
          mirror: session.mirror,
        }).operation.effects,
      ),
    ).toEqual(['delete'])
    session.mirror.setStatement('yy', { parsed: sql.parse('DELETE FROM customers') })
    const executed = session.resolve('EXECUTE yy')
    expect(effectNames(executed.operation.effects)).toEqual(['session', 'delete'])
    expect(executed.operation.facts.tables.written).toContain('public.customers')
    expect(executed.operation.text).toContain('DELETE FROM customers')
    expect(executed.statements[0]?.tag).toBe('DELETE')
  })

  test('A23 an unknown name is not understood', () => {
    const session = new Session()
    expect(session.resolve('EXECUTE nobody').operation.confidence).toBe('opaque')
    expect(session.labels('FETCH nobody')).toEqual(ALL)
    session.run('PREPARE p AS SELECT 1')
    for (const text of ['DEALLOCATE p', 'DEALLOCATE ALL', 'DISCARD ALL']) {
      session.run('PREPARE p AS SELECT 1')
      expect(session.resolve('EXECUTE p').operation.confidence).toBe('exact')
      session.run(text)
      expect(session.resolve('EXECUTE p').operation.confidence).toBe('opaque')
    }
  })

  test('a prepared statement is judged anew when names mean something else', () => {
    const session = new Session()
    session.run('PREPARE p AS SELECT email FROM customers')
    expect(session.resolve('EXECUTE p').operation.facts.tables.read).toContain('public.customers')
    session.run('SET search_path = archive')
    expect(session.resolve('EXECUTE p').operation.facts.tables.read).toEqual(['archive.customers'])
    expect(session.labels('EXECUTE p')).toEqual([])
  })

  test('names are told apart by their first 63 bytes, as the server does', () => {
    const { mirror } = new Session()
    const parsed = sql.parse('SELECT 1')
    for (const long of ['n'.repeat(63), 'é'.repeat(31).concat('x')]) {
      mirror.setStatement(`${long}1`, { parsed })
      expect(mirror.getStatement(`${long}2`)?.parsed).toBe(parsed)
      mirror.closeStatement(`${long}3`)
      expect(mirror.getStatement(`${long}1`)).toBeUndefined()
    }
    mirror.setStatement('n'.repeat(62), { parsed })
    expect(mirror.getStatement('n'.repeat(63))).toBeUndefined()
  })

  test('the number of parameters is told', () => {
    const transitions = new Session().resolve('PREPARE p (int, text) AS SELECT $1, $2').statements[0]?.transitions
    expect(transitions?.[0]).toMatchObject({ kind: 'prepare', name: 'p', parameters: 2 })
    expect(sql.parse('SELECT $3').parameters).toBe(3)
  })
})

describe('cursors and portals are one namespace', () => {
  test('A33 a protocol portal fetched by SQL, a SQL cursor as portal', () => {
    const session = new Session()
    session.run('BEGIN')
    session.mirror.setPortal('pp', portalOf(session.resolve('SELECT ssn FROM customers')))
    expect(session.labels('FETCH FROM pp')).toEqual(['pii.ssn'])
    session.run('DECLARE cc CURSOR FOR SELECT email FROM customers')
    expect(session.mirror.getPortal('cc')?.statement.result).toMatchObject({ columns: [{ labels: ['pii.email'] }] })
  })

  test('A34 each portal keeps its own labels', () => {
    const session = new Session()
    session.mirror.setPortal('a', portalOf(session.resolve('SELECT ssn FROM customers')))
    session.mirror.setPortal('b', portalOf(session.resolve('SELECT id FROM customers')))
    expect([session.labels('FETCH a'), session.labels('FETCH b'), session.labels('FETCH a')]).toEqual([
      ['pii.ssn'],
      [],
      ['pii.ssn'],
    ])
  })

  test('cursors end with their transaction unless held', () => {
    const session = new Session()
    session.run('BEGIN; DECLARE a CURSOR FOR SELECT 1; DECLARE b CURSOR WITH HOLD FOR SELECT 1')
    session.mirror.transactionStatus('T')
    session.run('COMMIT')
    session.mirror.transactionStatus('I')
    expect(session.mirror.getPortal('a')).toBeUndefined()
    expect(session.mirror.getPortal('b')).toBeDefined()
    session.run('CLOSE ALL')
    expect(session.mirror.getPortal('b')).toBeUndefined()
  })

  test('the bit for WITH HOLD is each version’s own', async () => {
    for (const major of [13, 14, 18]) {
      const own = await PostgresSql.load(major)
      const context = { catalogue: SHOP, labels: SHOP_LABELS, database: 'shop', mirror: new SessionMirror() }
      const holdable = (text: string) => own.resolve(own.parse(text), context).statements[0]?.transitions[0]
      expect(holdable('DECLARE c CURSOR WITH HOLD FOR SELECT 1')).toMatchObject({ portal: { holdable: true } })
      expect(holdable('DECLARE c INSENSITIVE SCROLL CURSOR FOR SELECT 1')).toMatchObject({
        portal: { holdable: false },
      })
    }
  })
})

describe('A57 unqualified names follow the search path', () => {
  const tables = (session: Session) => session.resolve('SELECT email FROM customers').operation.facts.tables.read
  const here = ['public.customers', 'public.vip']
  const both = ['archive.customers', 'public.customers', 'public.vip']

  test.each([
    ['SET search_path = archive, public', both],
    ["SET search_path TO 'archive'", ['archive.customers']],
    ["SELECT set_config('search_path', 'Archive, \"public\"', false)", both],
    ["SELECT set_config('search_path', 'archive', false) FROM orders", both],
    ['SET search_path = "$user", public', both],
    ['SET search_path = archive; RESET search_path', here],
    ['SET search_path = archive; DISCARD ALL', here],
    ['SET search_path = archive; RESET ALL', here],
    ['SELECT mine(1)', both],
    ['DO $$ $$', both],
    ['ALTER ROLE low SET search_path = archive', here],
    ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = archive AS 'SELECT 1'", here],
  ])('%s', (text, expected) => {
    const session = new Session()
    expect(tables(session)).toEqual(here)
    session.run(text)
    session.mirror.transactionStatus('I')
    if (text.startsWith('CREATE FUNCTION')) session.mirror.caughtUp()
    expect(tables(session)).toEqual(expected)
  })

  test('a path set in a transaction block goes with it', () => {
    const session = new Session()
    for (const [end, expected] of [
      ['COMMIT', ['archive.customers']],
      ['ROLLBACK', here],
    ] as const) {
      session.run('DISCARD ALL')
      session.run('BEGIN')
      session.mirror.transactionStatus('T')
      session.run('SET search_path = archive')
      session.mirror.transactionStatus('T')
      expect(tables(session)).toEqual(['archive.customers'])
      session.run(end)
      session.mirror.transactionStatus('I')
      expect(tables(session)).toEqual(expected)
    }
  })

  test('COMMIT of a failed block rolls back', () => {
    const session = new Session()
    session.run('BEGIN')
    session.run('SET search_path = archive')
    session.mirror.statementFailed()
    session.mirror.transactionStatus('E')
    session.run('COMMIT')
    session.mirror.transactionStatus('I')
    expect(tables(session)).toEqual(here)
  })

  test('SET LOCAL ends with its block', () => {
    const session = new Session()
    session.run('BEGIN; SET LOCAL search_path = archive')
    session.mirror.transactionStatus('T')
    expect(tables(session)).toEqual(['archive.customers'])
    session.run('COMMIT')
    session.mirror.transactionStatus('I')
    expect(tables(session)).toEqual(here)
  })

  test('what may have been undone is uncertain: every relation of the name', () => {
    const failed = new Session()
    failed.run('SET search_path = archive')
    failed.mirror.statementFailed()
    failed.mirror.transactionStatus('I')
    expect(tables(failed)).toEqual(both)
    const back = new Session()
    back.run('BEGIN; SAVEPOINT s; SET search_path = archive; ROLLBACK TO s')
    expect(tables(back)).toEqual(both)
    const lost = new Session()
    lost.run('BEGIN; SET search_path = archive')
    lost.mirror.transactionStatus('I')
    expect(tables(lost)).toEqual(both)
    expect(lost.labels('SELECT email FROM customers')).toEqual(['pii.email'])
  })

  test('within one message too', () => {
    const { statements, operation } = new Session().resolve('SET search_path = archive; SELECT email FROM customers')
    expect(operation.facts.tables.read).toEqual(['archive.customers'])
    expect(statements[1]?.result).toMatchObject({ columns: [{ labels: [] }] })
  })
})

describe('A58 relations this session made', () => {
  test('a relation created here carries nothing, one nobody knows everything', () => {
    const session = new Session()
    expect(session.labels('SELECT a FROM fresh')).toEqual(ALL)
    session.run('CREATE TABLE fresh (a int)')
    expect(session.labels('SELECT a FROM fresh')).toEqual([])
    expect(session.labels('SELECT * FROM fresh')).toEqual([])
  })

  test('one that takes a labelled name does not shed its labels', () => {
    const session = new Session()
    session.run('CREATE TEMP TABLE customers (email text)')
    expect(session.labels('SELECT email FROM customers')).toEqual(['pii.email'])
  })

  test('DISCARD TEMP and a fresh catalogue end what was created', () => {
    const session = new Session()
    session.run('CREATE TEMP TABLE a (x int); CREATE TABLE b (x int)')
    session.run('DISCARD TEMP')
    expect(session.labels('SELECT x FROM a')).toEqual(ALL)
    expect(session.labels('SELECT x FROM b')).toEqual([])
    session.mirror.caughtUp()
    expect(session.labels('SELECT x FROM b')).toEqual(ALL)
  })

  test('after a redefinition nothing is certain until the catalogue was read again', () => {
    for (const text of [
      'ALTER TABLE orders RENAME TO o',
      'CREATE OR REPLACE VIEW v AS SELECT 1',
      'DROP TABLE orders',
    ]) {
      const session = new Session()
      session.run(text)
      expect(session.labels('SELECT id FROM products')).toEqual(ALL)
      session.mirror.caughtUp()
      expect(session.labels('SELECT id FROM products')).toEqual([])
    }
  })

  test('a function defined here shadows at once', () => {
    const session = new Session()
    session.run("CREATE FUNCTION upper(varchar) RETURNS text LANGUAGE sql AS 'SELECT 1'")
    expect(effectNames(session.resolve("SELECT upper('x')").operation.effects)).toContain('execute')
    expect(effectNames(session.resolve("SELECT pg_catalog.upper('x')").operation.effects)).toEqual(['read'])
  })
})

test('equal meanings are one object, so that decisions can be kept by it', () => {
  const [one, two] = [new Session(), new Session()]
  const text = 'SELECT id FROM customers WHERE id = 1'
  expect(one.resolve(text)).toBe(two.resolve(text))
  expect(one.resolve(text)).toBe(two.resolve('SELECT id FROM customers WHERE id = 99'))
  one.run('SET search_path = archive, public')
  two.run('SET search_path = archive, public')
  expect(one.resolve(text)).toBe(two.resolve(text))
  const executed = new Session()
  executed.run('PREPARE p AS SELECT 1')
  expect(executed.resolve('EXECUTE p')).toBe(executed.resolve('EXECUTE p'))
  executed.run('PREPARE q AS SELECT 2')
  expect(executed.resolve('EXECUTE p')).not.toBe(one.resolve(text))
  expect(Object.isFrozen(one.resolve(text).operation)).toBe(true)
})
