import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { frame, query, WireClient } from '../../../test/rig/wire.ts'
import { Secret } from '../../kit/secret.ts'
import { textScrubber } from '../../masking/index.ts'
import { maskErrorFields, maskNotification, maskParameterStatus } from './error-mask.ts'

const SSN = '987-65-4321'
const KNOWN = new Set([
  'customers',
  'public',
  'ssn',
  'email',
  'customers_ssn_key',
  'customers_ssn_check',
  'orders',
  'orders_ssn_fkey',
])
const scrubber = textScrubber([{ labels: ['pii.*'], with: 'redact' }], new Secret('errors'))

let server: PostgresServer
let wire: WireClient

beforeAll(async () => {
  server = await startPostgres({ hba: ['host all all 127.0.0.1/32 password'] })
  wire = await WireClient.open(server)
  await answers(`
    CREATE TABLE customers (id int, ssn text UNIQUE CHECK (ssn <> '111'), email text NOT NULL);
    CREATE TABLE orders (ssn text REFERENCES customers(ssn));
    INSERT INTO customers VALUES (1, '${SSN}', 'anna@example.com');
    INSERT INTO orders VALUES ('${SSN}');
    CREATE FUNCTION shout(v text, level text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
      IF level = 'notice' THEN RAISE NOTICE 'it is %', v; RETURN; END IF;
      IF level = 'info' THEN RAISE INFO 'it is %', v; RETURN; END IF;
      IF level = 'state' THEN RAISE EXCEPTION 'x' USING ERRCODE = translate(left(v, 5), '-', 'A'); END IF;
      IF level = 'detail' THEN RAISE EXCEPTION 'x' USING DETAIL = format('Key (ssn)=(1) is not present in table "%s".', v); END IF;
      IF level = 'hint' THEN RAISE EXCEPTION 'x' USING HINT = v; END IF;
      IF level = 'names' THEN RAISE EXCEPTION 'x' USING COLUMN = v, CONSTRAINT = v, TABLE = v, SCHEMA = v, DATATYPE = v; END IF;
      IF level = 'assert' THEN ASSERT false, v; END IF;
      IF level = 'execute' THEN EXECUTE format('SELECT %L::int', v); END IF;
      RAISE EXCEPTION 'it is %', v;
    END $$;`)
})
afterAll(async () => {
  wire?.[Symbol.dispose]()
  await server?.stop()
})

/** The error, notice, notification and setting messages a query brings, whole. */
async function answers(sql: string): Promise<Buffer[]> {
  wire.send(query(sql))
  const messages: Buffer[] = []
  for (;;) {
    const { type, body } = await wire.next()
    if ('ENAS'.includes(type)) messages.push(frame(type, body))
    if (type === 'Z') return messages
  }
}

function fieldsOf(message: Buffer): Record<string, string> {
  expect(message.readInt32BE(1)).toBe(message.length - 1)
  const parts = message.toString('utf8', 5).split('\0')
  expect(parts.splice(-2)).toEqual(['', ''])
  return Object.fromEntries(parts.map((part) => [part[0]!, part.slice(1)]))
}

/** Statement, its number, what is left of message and detail. */
// biome-ignore format: a table reads better than a column
const LABELLED: readonly (readonly [string, string, string, string, string?])[] = [
  ['B18', 'SELECT ssn::int FROM customers', '22P02', 'invalid input syntax for type integer: "*masked*"'],
  ['B18', 'SELECT ssn::date FROM customers', '22008', 'date/time field value out of range: "*masked*"'],
  ['B18', 'SELECT ssn::uuid FROM customers', '22P02', 'invalid input syntax for type uuid: "*masked*"'],
  ['B18', 'SELECT ssn::json FROM customers', '22P02', 'invalid input syntax for type json'],
  ['B18', `SELECT ('{"x": "' || ssn)::jsonb FROM customers`, '22P02', 'invalid input syntax for type json'],
  ['B18', 'SELECT ssn::xml::text, xmlparse(document ssn) FROM customers', '2200M', 'invalid XML document'],
  ['B18', 'SELECT ssn::inet FROM customers', '22P02', 'invalid input syntax for type inet: "*masked*"'],
  ['B18', "SELECT ('[' || ssn)::int4range FROM customers", '22P02', 'malformed range literal: "*masked*"'],
  ['B18', "SELECT ('{' || ssn)::int[] FROM customers", '22P02', 'malformed array literal: "*masked*"'],
  ['B18', "SELECT chr(replace(ssn, '-', '')::int) FROM customers", '54000', 'requested character too large for encoding: *masked*'],
  ['B18', "SELECT lo_get(replace(ssn, '-', '')::int::oid) FROM customers", '42704', 'large object *masked* does not exist'],
  ['B18', "SELECT set_config('TimeZone', ssn || 'x/', false) FROM customers", '22023', 'invalid value for parameter "*masked*"'],
  ['B18', "SELECT ('a\" of relation \"customers\" ' || ssn || ' \"ssn')::int FROM customers", '22P02', 'invalid input syntax for type integer: "*masked*"'],
  ['B18', "SELECT to_tsquery('''' || ssn) FROM customers", '42601', 'syntax error in tsquery: "*masked*"'],
  ['B18', "SELECT convert_from(decode('ff' || replace(ssn, '-', ''), 'hex'), 'UTF8') FROM (SELECT '987-65-432'::text AS ssn) c", '22021', 'invalid byte sequence for encoding "*masked*": *masked*'],
  ['B18', 'SELECT decode(ssn, $$hex$$) FROM customers', '22023', 'invalid hexadecimal digit: "*masked*"'],
  ['B19', 'INSERT INTO customers SELECT 2, ssn, email FROM customers', '23505', 'duplicate key value violates unique constraint "customers_ssn_key"', 'Key (ssn)=(*masked*) already exists.'],
  ['B19', 'INSERT INTO customers SELECT 2, ssn || 1, NULL FROM customers', '23502', 'null value in column "email" of relation "customers" violates not-null constraint', 'Failing row contains (*masked*).'],
  ['B19', "INSERT INTO customers VALUES (3, '111', 'x')", '23514', 'new row for relation "customers" violates check constraint "customers_ssn_check"', 'Failing row contains (*masked*).'],
  ['B19', 'INSERT INTO orders SELECT ssn || 1 FROM customers', '23503', 'insert or update on table "orders" violates foreign key constraint "orders_ssn_fkey"', 'Key (ssn)=(*masked*) is not present in table "customers".'],
  ['B19', 'DELETE FROM customers', '23503', 'update or delete on table "customers" violates foreign key constraint "orders_ssn_fkey" on table "orders"', 'Key (ssn)=(*masked*) is still referenced from table "orders".'],
  ['B22', "SELECT shout(ssn, 'notice') FROM customers", '00000', '*masked*'],
  ['B22', "SELECT shout(ssn, 'info') FROM customers", '00000', '*masked*'],
  ['B20', "SELECT shout(ssn, 'error') FROM customers", 'P0001', '*masked*'],
  ['B20', "SELECT shout(ssn, 'names') FROM customers", 'P0001', '*masked*'],
  ['B20', "SELECT shout(ssn, 'detail') FROM customers", 'P0001', '*masked*'],
  ['B20', "SELECT shout(ssn, 'hint') FROM customers", 'P0001', '*masked*'],
  ['B20', "SELECT shout(ssn, 'assert') FROM customers", 'P0004', '*masked*'],
  ['B20', "SELECT shout(ssn, 'state') FROM customers", 'P0001', '*masked*'],
  ['B21', "SELECT shout(ssn, 'execute') FROM customers", '22P02', 'invalid input syntax for type integer: "*masked*"'],
  ['', 'SELECT 1/0 FROM customers', '22012', 'division by zero'],
  ['', 'SELECT customers.nothing FROM customers', '42703', 'column customers.nothing does not exist'],
]

describe('an error with labelled columns in reach', () => {
  it.each(LABELLED)('%s keeps its sense and no value: %s', async (_case, sql, state, message, detail) => {
    const said = (await answers(sql!)).find((m) => 'EN'.includes(String.fromCharCode(m[0]!)))!
    const before = fieldsOf(said)
    const masked = maskErrorFields(said, { labelled: true, scrubber, known: KNOWN })
    const fields = fieldsOf(masked)
    expect(fields.M).toBe(message)
    expect(fields.D).toBe(detail)
    expect(fields.C).toBe(state)
    for (const code of ['S', 'V', 'P', 'F', 'L', 'R']) expect(fields[code], code).toBe(before[code])
    for (const code of ['q', 'p', 'W']) expect(fields[code], code).toBeUndefined()
    for (const part of ['987', '654', '4321', '111', 'anna']) {
      const text = Object.entries(fields)
        .filter(([code]) => !'PLC'.includes(code))
        .map(([, value]) => value)
      expect(text.join(' ')).not.toContain(part)
    }
  })

  it('keeps names it knows and drops the others', async () => {
    const [said] = await answers('INSERT INTO customers SELECT 2, ssn, email FROM customers')
    const known = fieldsOf(maskErrorFields(said!, { labelled: true, scrubber, known: KNOWN }))
    expect([known.s, known.t, known.n]).toEqual(['public', 'customers', 'customers_ssn_key'])
    const unknown = fieldsOf(maskErrorFields(said!, { labelled: true, scrubber }))
    expect([unknown.s, unknown.t, unknown.n]).toEqual([undefined, undefined, undefined])
    expect(unknown.M).toBe('duplicate key value violates unique constraint "*masked*"')
    expect(unknown.D).toBe('Key (*masked*)=(*masked*) already exists.')
  })

  it('B22: debug output, which carries the text of statements, says nothing', async () => {
    await answers('SET client_min_messages = debug1')
    const said = await answers(`DO $$ BEGIN RAISE DEBUG 'it is %', (SELECT ssn FROM customers); END $$`)
    await answers('RESET client_min_messages')
    expect(said.length).toBeGreaterThan(0)
    for (const message of said) {
      expect(maskErrorFields(message, { labelled: true, scrubber, known: KNOWN }).toString()).not.toContain(SSN)
    }
  })

  it('loses the values in any language of the server', () => {
    const build = (text: string) => frame('E', Buffer.from(`SFEHLER\0VERROR\0C22P02\0M${text}\0Fint.c\0\0`))
    for (const text of [
      `ungültige Eingabesyntax für Typ integer: »${SSN}«`,
      `syntaxe invalide : « ${SSN} »`,
      `無効な構文: "${SSN}"`,
      `‘${SSN}’`,
    ]) {
      expect(maskErrorFields(build(text), { labelled: true, scrubber: undefined }).toString()).not.toMatch(
        /987|65-|4321/,
      )
    }
  })
})

describe('an error without labelled columns in reach', () => {
  it('is left as it is, byte for byte', async () => {
    for (const sql of [
      "SELECT 'abc'::int",
      'SELECT nothing',
      "SELECT shout('hello', 'names')",
      "SELECT shout('hello', 'execute')",
    ]) {
      for (const said of await answers(sql)) {
        expect(maskErrorFields(said, { labelled: false, scrubber })).toBe(said)
        expect(maskErrorFields(said, { labelled: false, scrubber: undefined })).toBe(said)
      }
    }
  })

  it('loses values the detectors find, in every field', async () => {
    const [said] = await answers(`SELECT shout('${SSN}', 'names')`)
    const [inner] = await answers(`SELECT shout('${SSN}', 'execute')`)
    const names = fieldsOf(maskErrorFields(said!, { labelled: false, scrubber }))
    expect([names.s, names.t, names.c, names.d, names.n]).toEqual(Array.from({ length: 5 }, () => '*masked*'))
    const fields = fieldsOf(maskErrorFields(inner!, { labelled: false, scrubber }))
    expect(fields.q).toBe("SELECT '*masked*'::int")
    expect(fields.M).toBe('invalid input syntax for type integer: "*masked*"')
  })
})

describe('messages that come unasked', () => {
  it('B23: a notification loses its payload', async () => {
    await answers('LISTEN ch')
    const [said] = await answers(`SELECT pg_notify('ch', 'it is ${SSN}')`)
    expect(maskNotification(said!, scrubber).toString('utf8', 9)).toBe('ch\0it is *masked*\0')
    expect(maskNotification(said!, undefined, true).toString('utf8', 9)).toBe('ch\0*masked*\0')
    expect(maskNotification(said!, undefined)).toBe(said)
    const [plain] = await answers("SELECT pg_notify('ch', '')")
    expect(maskNotification(plain!, scrubber, true)).toBe(plain)
  })

  it('B24: a setting loses its value, unless the server chose the words', async () => {
    const show = async (name: string, value: string, labelled: boolean) => {
      const [said] = await answers(`SELECT set_config('${name}', '${value}', false)`)
      const masked = maskParameterStatus(said!, scrubber, labelled)
      expect(masked.readInt32BE(1)).toBe(masked.length - 1)
      return masked.toString('utf8', 5)
    }
    expect(await show('application_name', SSN, true)).toBe('application_name\0*masked*\0')
    expect(await show('application_name', `x ${SSN}`, false)).toBe('application_name\0x *masked*\0')
    expect(await show('application_name', 'psql', false)).toBe('application_name\0psql\0')
    expect(await show('TimeZone', 'Europe/Berlin', true)).toBe('TimeZone\0Europe/Berlin\0')
    expect(await show('TimeZone', '<987-65-4321>5', true)).toBe('TimeZone\0*masked*\0')
    expect(await show('DateStyle', 'German', true)).toBe('DateStyle\0German, DMY\0')
  })
})

describe('a message that is broken', () => {
  it.each([
    ['no end', Buffer.from('E\0\0\0\x08MabC')],
    ['a field without end', Buffer.from('E\0\0\0\x07Mab')],
    ['nothing', Buffer.from('E\0\0\0\x04')],
  ])('%s ends the session, not the process', (_what, message) => {
    expect(() => maskErrorFields(message, { labelled: true, scrubber })).toThrow(/target broke the protocol/)
  })
  it('a notification or setting without its strings, too', () => {
    for (const message of [
      frame('A', Buffer.from('\0\0\0\x01ch')),
      frame('A', Buffer.from('\0\0\0\x01ch\0x\0y')),
      frame('A'),
    ]) {
      expect(() => maskNotification(message, scrubber, true)).toThrow(/target broke the protocol/)
      expect(() => maskParameterStatus(message, scrubber, true)).toThrow(/target broke the protocol/)
    }
  })
})
