import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { describe as describePortal, execute, frame, parse, sync, WireClient } from '../../../test/rig/wire.ts'
import { Secret } from '../../kit/secret.ts'
import {
  type CellType,
  detokenize,
  detokenizeInteger,
  detokenizeUuid,
  type PlannedColumn,
  planColumns,
} from '../../masking/index.ts'
import { knownTypeOids, typeShape } from '../../masking/type-table.ts'
import type { MaskDuty, MaskTransform } from '../../model/decision.ts'
import { RowMasker } from './mask.ts'

const KEY = new Secret('mask key of the tests')
const TRANSFORMS: readonly MaskTransform[] = ['redact', 'partial', 'hash', 'null', 'fixed', 'tokenize']

/** A value of each scalar type that is not its redaction, as text. */
// biome-ignore format: a table reads better than a column
const SAMPLES: Readonly<Record<string, string>> = {
  text: 'Jörg "the one"', 'character varying': 'anna.berg@example.com', character: 'padded   ', name: 'a_name',
  unknown: 'what', cstring: 'c', refcursor: 'cur', '"char"': 'x', json: '{"a": [1, "x"]}', jsonb: '{"a": [1, "x"]}',
  jsonpath: '$.a[*]', xml: '<a>b</a>', smallint: '-123', integer: '123456', bigint: '4111111111111111', oid: '42',
  real: '1.5', 'double precision': '-2.25e10', numeric: '-12345.6789', money: '12.34', boolean: 't', date: '1985-07-14',
  'timestamp without time zone': '1985-07-14 10:11:12.5', 'timestamp with time zone': '1985-07-14 10:11:12+02',
  'time without time zone': '10:11:12', 'time with time zone': '10:11:12+02', interval: '3 days 04:05:06',
  uuid: '550e8400-e29b-41d4-a716-446655440000', bytea: '\\x00ff10', inet: '203.0.113.77/24', cidr: '203.0.113.0/24',
  macaddr: '08:00:2b:01:02:03', macaddr8: '08:00:2b:01:02:03:04:05', bit: '1', 'bit varying': '10101',
  tsvector: "'a':1 'b':2", tsquery: "'a' & 'b'", point: '(1,2)', lseg: '[(1,2),(3,4)]', path: '((1,2),(3,4))',
  box: '(3,4),(1,2)', polygon: '((1,2),(3,4),(5,6))', line: '{1,2,3}', circle: '<(1,2),3>', pg_lsn: '16/B374D848',
  xid: '77', cid: '7', xid8: '77', tid: '(1,2)', regproc: 'now', regprocedure: 'now()', regoper: '||/', regoperator: '+(integer,integer)',
  regclass: 'pg_class', regtype: 'integer', regrole: 'postgres', regnamespace: 'pg_catalog', regconfig: 'simple',
  regdictionary: 'simple', regcollation: '"C"', int4range: '[1,5)', int8range: '[1,5)', numrange: '[1.5,5)',
  tsrange: '["1985-07-14 00:00:00","1986-01-01 00:00:00")', tstzrange: '["1985-07-14 00:00:00+00",)', daterange: '[1985-07-14,1986-01-01)',
  int4multirange: '{[1,5)}', int8multirange: '{[1,5)}', nummultirange: '{[1.5,5)}', datemultirange: '{[1985-07-14,1986-01-01)}',
  tsmultirange: '{["1985-07-14 00:00:00","1986-01-01 00:00:00")}', tstzmultirange: '{["1985-07-14 00:00:00+00",)}',
}

let server: PostgresServer
let wire: WireClient

beforeAll(async () => {
  server = await startPostgres({ hba: ['host all all 127.0.0.1/32 password'] })
  wire = await WireClient.open(server)
})
afterAll(async () => {
  wire?.[Symbol.dispose]()
  await server?.stop()
})

type Cell = Buffer | null

/** Runs one statement with parameters and results in the formats given; throws the server's error. */
async function ask(
  sql: string,
  format: 0 | 1,
  parameters: readonly { value: Cell; format: 0 | 1 }[] = [],
): Promise<Buffer[]> {
  const words = (values: number[]) => Buffer.concat(values.map((value) => Buffer.of(value >> 8, value & 255)))
  const cell = (value: Cell) => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(value === null ? -1 : value.length)
    return Buffer.concat([length, value ?? Buffer.alloc(0)])
  }
  const formats = words([parameters.length, ...parameters.map((parameter) => parameter.format)])
  const values = Buffer.concat([words([parameters.length]), ...parameters.map((parameter) => cell(parameter.value))])
  const bind = frame('B', Buffer.from('\0\0'), formats, values, words([1, format]))
  wire.send(parse('', sql), bind, describePortal('P', ''), execute(''), sync())
  const rows: Buffer[] = []
  let error = ''
  for (;;) {
    const { type, body } = await wire.next()
    if (type === 'D') rows.push(frame('D', body))
    if (type === 'E') error = body.toString().replaceAll('\0', ' ')
    if (type === 'Z') break
  }
  if (error) throw new Error(`${sql}: ${error}`)
  return rows
}

function cells(row: Buffer): Cell[] {
  const read: Cell[] = []
  let at = 7
  for (let i = 0; i < row.readInt16BE(5); i++) {
    const length = row.readInt32BE(at)
    at += 4
    read.push(length < 0 ? null : row.subarray(at, at + length))
    at += Math.max(length, 0)
  }
  expect(at).toBe(row.length)
  return read
}

function maskRow(row: Buffer, columns: readonly PlannedColumn[], duties: readonly MaskDuty[]): Cell[] {
  const plan = planColumns(columns, duties, KEY)
  return cells(plan ? new RowMasker(plan, columns.length).maskRows(row, 0, row.length) : row)
}

/** The text form of a value given in any format. */
async function asText(value: Cell, typeName: string, format: 0 | 1): Promise<string | null> {
  const [row] = await ask(`SELECT ($1::${typeName})::text`, 0, [{ value, format }])
  return cells(row!)[0]?.toString() ?? null
}

/** Types the server gives no input or cast for. */
const NO_INPUT = new Set(['unknown', 'cstring', 'cstring[]', 'record', 'record[]'])

describe('every known type', () => {
  it('has the name, element and form the table says', async () => {
    for (const oid of knownTypeOids()) {
      const [row] = await ask(
        `SELECT format_type(${oid}, null), typelem::int, typcategory::text FROM pg_type WHERE oid = ${oid}`,
        0,
      )
      if (!row) continue
      const [name, element, category] = cells(row).map(String)
      const shape = typeShape(oid)
      expect(shape.family === 'array', name).toBe(category === 'A' || (category === 'P' && name!.endsWith('[]')))
      if (shape.family === 'array') expect(shape.element, name).toBe(Number(element))
    }
  })

  it.each(TRANSFORMS)('B17: masked by %s, still parses in text and binary, and is not the value', async (transform) => {
    const duties: MaskDuty[] = [{ labels: ['crm.x'], with: transform }]
    let seen = 0
    for (const oid of knownTypeOids()) {
      const [named] = await ask(`SELECT format_type(${oid}, null) FROM pg_type WHERE oid = ${oid}`, 0)
      if (!named) continue
      const name = cells(named)[0]!.toString()
      if (NO_INPUT.has(name)) continue
      const isArray = name.endsWith('[]')
      const sample = SAMPLES[isArray ? name.slice(0, -2) : name]
      expect(sample, `a sample of ${name}`).toBeDefined()
      const literal = pg.escapeLiteral(sample!)
      const expression = isArray ? `ARRAY[${literal}::${name.slice(0, -2)}, NULL]` : `${literal}::${name}`
      for (const format of [0, 1] as const) {
        const [row] = await ask(`SELECT ${expression}`, format)
        const original = cells(row!)[0]!
        const [masked] = maskRow(row!, [{ labels: ['crm.x'], type: { typeOid: oid, format } }], duties)
        seen++
        if (masked === null) {
          expect(transform, name).toBe('null')
          continue
        }
        expect(masked!.equals(original), `${name} ${format}`).toBe(false)
        const text = await asText(masked!, name, format)
        expect(text, name).not.toBeNull()
        if (format === 1) continue
        // The driver takes it too: numbers are numbers, dates are dates.
        const parsed: unknown = pg.types.getTypeParser(oid, 'text')(masked!.toString())
        expect(Number.isNaN(parsed), name).toBe(false)
        expect(String(parsed), name).not.toBe('Invalid Date')
      }
    }
    expect(seen).toBeGreaterThan(200)
  })
})

describe('what cannot be masked in its type', () => {
  const MADE = `CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE TYPE pair AS (a int, b text); CREATE DOMAIN mail AS text;
    CREATE TYPE textrange AS RANGE (subtype = text)`
  it('becomes NULL: enums, composites, ranges and other types of the database', async () => {
    for (const statement of MADE.split(';')) await ask(statement, 0)
    for (const expression of [
      "'sad'::mood",
      "ROW(1,'x')::pair",
      "ROW(1,'x')",
      "'[a,b)'::textrange",
      "ARRAY['sad'::mood]",
    ]) {
      for (const format of [0, 1] as const) {
        const [described] = await ask(`SELECT pg_typeof(${expression})::oid::int`, 0)
        const typeOid = Number(cells(described!)[0])
        const [row] = await ask(`SELECT ${expression}, 1`, format)
        const columns = [
          { labels: ['crm.x'], type: { typeOid, format } },
          { labels: [], type: { typeOid: 23, format } },
        ]
        for (const transform of TRANSFORMS) {
          const [masked, kept] = maskRow(row!, columns, [{ labels: ['crm.*'], with: transform }])
          expect(masked, `${expression} ${format} ${transform}`).toBeNull()
          expect(kept!.length).toBe(format === 1 ? 4 : 1)
        }
      }
    }
  })
})

describe('hashed and tokenized values', () => {
  const mask = async (expression: string, type: CellType, transform: MaskTransform) => {
    const [row] = await ask(`SELECT ${expression}`, type.format)
    return maskRow(row!, [{ labels: ['crm.x'], type }], [{ labels: ['crm.x'], with: transform }])[0]!
  }
  const TYPES: readonly [string, number, readonly string[]][] = [
    ['text', 25, ['anna', 'Jörg', '']],
    ['bpchar', 1042, ['anna', 'anna   ']],
    ['int2', 21, ['7', '-7']],
    ['int4', 23, ['7', '-2147483648']],
    ['int8', 20, ['7', '9223372036854775807']],
    ['numeric', 1700, ['7', '7.50', '-0.00012', '123456789012345678', '10000', '0']],
    ['uuid', 2950, ['550e8400-e29b-41d4-a716-446655440000']],
  ]
  it.each(TYPES)('of %s are the same in text and in binary', async (name, typeOid, values) => {
    for (const value of values) {
      for (const transform of ['hash', 'tokenize'] as const) {
        const text = await mask(`'${value}'::${name}`, { typeOid, format: 0 }, transform)
        const binary = await mask(`'${value}'::${name}`, { typeOid, format: 1 }, transform)
        expect(await asText(binary, name, 1), `${value} ${transform}`).toBe(await asText(text, name, 0))
      }
    }
  })

  it('join: equal values of char(n), varchar and text, and of numeric at any scale, have one hash', async () => {
    const hash = async (expression: string, typeOid: number) =>
      String(await mask(expression, { typeOid, format: 0 }, 'hash'))
    expect(await hash("'anna'::char(10)", 1042)).toBe(await hash("'anna'::text", 25))
    expect(await hash('7.50::numeric', 1700)).toBe(await hash('7.5::numeric', 1700))
    expect(await hash("'anna'::text", 25)).not.toBe(await hash("'Anna'::text", 25))
  })

  it('by tokenize are reversible', async () => {
    const token = async (expression: string, typeOid: number) =>
      String(await mask(expression, { typeOid, format: 0 }, 'tokenize'))
    expect(detokenize(await token("'Jörg'::text", 25), KEY)).toBe('Jörg')
    expect(detokenize(await token("'4111 1111 1111 1111'::text", 25), KEY)).toBe('4111 1111 1111 1111')
    expect(detokenizeInteger(BigInt(await token('-42::int4', 23)), 32, KEY)).toBe(-42n)
    expect(detokenizeInteger(BigInt(await token('9223372036854775807::int8', 20)), 64, KEY)).toBe(9223372036854775807n)
    const uuid = await token("'550e8400-e29b-41d4-a716-446655440000'::uuid", 2950)
    expect(detokenizeUuid(uuid.replaceAll('-', ''), KEY)).toBe('550e8400e29b41d4a716446655440000')
  })
})

describe('partial masks of dates', () => {
  it.each([
    ['date', 1082, '1985-07-14', '1985-01-01'],
    ['date', 1082, 'infinity', '2000-01-01'],
    ['date', 1082, '0044-03-15 BC', '2000-01-01'],
    ['date', 1082, '1999-12-31', '1999-01-01'],
    ['timestamp', 1114, '1985-07-14 10:11:12', '1985-01-01 00:00:00'],
    ['timestamp', 1114, '-infinity', '2000-01-01 00:00:00'],
    ['timestamptz', 1184, '2024-12-31 23:59:59+00', '2024-01-01 00:00:00+00'],
  ])('%s %i keep the year: %s', async (name, typeOid, value, expected) => {
    await ask("SET timezone = 'UTC'", 0)
    for (const format of [0, 1] as const) {
      const [row] = await ask(`SELECT '${value}'::${name}`, format)
      const [masked] = maskRow(
        row!,
        [{ labels: ['crm.x'], type: { typeOid, format } }],
        [{ labels: ['crm.x'], with: 'partial' }],
      )
      expect(await asText(masked!, name, format), `format ${format}`).toBe(expected)
    }
  })
})

describe('values found in unlabelled columns', () => {
  const DUTIES: MaskDuty[] = [{ labels: ['pii.*', 'pci.*', 'secret.*'], with: 'redact' }]
  const MAIL = 'anna.berg@example.com'
  /** Expression, type of its column, its text when masked. */
  const CASES: readonly [string, string, string | null, (string | null)?][] = [
    [`'by ${MAIL}'`, 'text', 'by *masked*'],
    [`'${MAIL}'::varchar`, 'varchar', '*masked*'],
    [`'${MAIL}'::char(30)`, 'bpchar', '*masked*'],
    [`'${MAIL}'::name`, 'name', '*masked*'],
    [`ARRAY['x y', '${MAIL}', NULL]`, 'text[]', '{"x y",*masked*,NULL}'],
    [`ARRAY[['a','b'],['${MAIL}','d']]`, 'text[]', '{{a,b},{*masked*,d}}'],
    [
      `'{"m": "${MAIL}", "n": 4111111111111111, "x": 1.50}'::json`,
      'json',
      '{"m": "*masked*", "n": "*masked*", "x": 1.50}',
    ],
    [
      `'{"m": "${MAIL}", "n": 4111111111111111, "x": 1.50}'::jsonb`,
      'jsonb',
      '{"m": "*masked*", "n": "*masked*", "x": 1.50}',
    ],
    [`'{"m": "anna.berg\\u0040example.com"}'::json`, 'json', '{"m": "*masked*"}'],
    [`'{"${MAIL}": "k"}'::jsonb`, 'jsonb', '{"*masked*": "k"}'],
    [`'<a m="${MAIL}">t</a>'::xml`, 'xml', '<a m="*masked*">t</a>'],
    [`'<a>anna.berg&#64;example.com</a>'::xml`, 'xml', '<masked/>'],
    [`ROW(7, '${MAIL}', ARRAY['${MAIL}'])::holder`, 'holder', '(7,*masked*,{*masked*})', null],
    [`ARRAY[ROW(7, '${MAIL}', NULL)::holder]`, 'holder[]', '{"(7,*masked*,)"}', null],
    [`ARRAY['{"n": 4111111111111111}'::jsonb]`, 'jsonb[]', null, '{"{\\"n\\": \\"*masked*\\"}"}'],
    [`'${MAIL}'::mail`, 'mail', '*masked*'],
    [`to_tsvector('simple', '${MAIL}')`, 'tsvector', `'${MAIL}':1`],
    [`'{"n": 4111111111111112}'::jsonb`, 'jsonb', '{"n": 4111111111111112}'],
    ['4111111111111111::int8', 'int8', '4111111111111111'],
    [`E'-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG\\n-----END PRIVATE KEY-----'`, 'text', '*masked*'],
  ]
  it.each(CASES)('%s', async (expression, typeName, text, binary = text) => {
    await ask('CREATE TYPE holder AS (a int, b text, c text[])', 0).catch(() => {})
    await ask('CREATE DOMAIN mail AS text', 0).catch(() => {})
    for (const format of [0, 1] as const) {
      wire.send(parse('', `SELECT ${expression} AS v, 'tail' AS t`), describePortal('S', ''), sync())
      let typeOid = 0
      for (let type = ''; type !== 'Z'; ) {
        const message = await wire.next()
        type = message.type
        // Field count, name and NUL, table oid, attribute number, then the type.
        if (type === 'T') typeOid = message.body.readUInt32BE(2 + 2 + 6)
      }
      const [row] = await ask(`SELECT ${expression} AS v, 'tail' AS t`, format)
      const columns = [
        { labels: [], type: { typeOid, format } },
        { labels: [], type: { typeOid: 25, format } },
      ]
      const [masked, tail] = maskRow(row!, columns, DUTIES)
      const expected = format === 0 ? text : binary
      if (expected === null) expect(masked, `format ${format}`).toBeNull()
      else expect(await asText(masked!, typeName, format), `format ${format}`).toBe(expected)
      expect(tail!.toString()).toBe('tail')
    }
  })

  it('a text range in binary, whose form is not known, becomes NULL', async () => {
    const [described] = await ask("SELECT 'textrange'::regtype::oid::int", 0)
    const typeOid = Number(cells(described!)[0])
    const [row] = await ask(`SELECT textrange('a@example.com', 'b@example.com')`, 1)
    expect(maskRow(row!, [{ labels: [], type: { typeOid, format: 1 } }], DUTIES)).toEqual([null])
    const [harmless] = await ask(`SELECT textrange('a', 'b')`, 1)
    expect(maskRow(harmless!, [{ labels: [], type: { typeOid, format: 1 } }], DUTIES)).toEqual(cells(harmless!))
  })
})

describe('labelled paths in json', () => {
  const paths = [
    { path: ['user', 'email'], labels: ['crm.mail'] },
    { path: ['orders', 'card'], labels: ['crm.card'] },
    { path: ['tags', '*'], labels: ['crm.tag'] },
  ]
  const duties: MaskDuty[] = [
    { labels: ['crm.mail'], with: 'partial' },
    { labels: ['crm.card', 'crm.tag'], with: 'redact' },
  ]
  const value =
    '{"user": {"email": "anna@example.com", "age": 41}, "orders": [{"card": 4111}, {"card": {"n": "4"}}], "tags": {"a": true, "b": null}}'
  const expected =
    '{"user": {"email": "a***@***.com", "age": 41}, "orders": [{"card": 0}, {"card": "*masked*"}], "tags": {"a": false, "b": null}}'
  it.each([
    ['json', 114],
    ['jsonb', 3802],
  ])('are masked in %s, text and binary, and the rest is kept', async (name, typeOid) => {
    for (const format of [0, 1] as const) {
      const [row] = await ask(`SELECT '${value}'::${name}`, format)
      const [masked] = maskRow(row!, [{ labels: [], type: { typeOid, format }, paths }], duties)
      const [sorted] = await ask(`SELECT '${expected}'::${name}::text`, 0)
      expect(await asText(masked!, name, format)).toBe(cells(sorted!)[0]!.toString())
    }
  })

  it('hold for the whole value in a column of another type', async () => {
    const [row] = await ask(`SELECT '${value}'::text`, 0)
    expect(maskRow(row!, [{ labels: [], type: { typeOid: 25, format: 0 }, paths }], duties)[0]!.toString()).toBe(
      '*masked*',
    )
  })
})
