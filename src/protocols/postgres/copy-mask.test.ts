import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from '../../../test/rig/postgres.ts'
import { copyData, copyDone, query, WireClient } from '../../../test/rig/wire.ts'
import { Secret } from '../../kit/secret.ts'
import type { MaskDuty } from '../../model/decision.ts'
import { CopyMasker, type CopyShape } from './copy-mask.ts'

const KEY = new Secret('mask key of the tests')

let server: PostgresServer
let wire: WireClient

beforeAll(async () => {
  server = await startPostgres({ hba: ['host all all 127.0.0.1/32 password'] })
  wire = await WireClient.open(server)
  await ok('CREATE TABLE t (id int, mail text, n int, note text)')
  await ok('CREATE TABLE back (id int, mail text, n text, note text)')
})
afterAll(async () => {
  wire?.[Symbol.dispose]()
  await server?.stop()
})

async function ok(sql: string): Promise<string[]> {
  const lines = await wire.exchange([query(sql)])
  const error = lines.find((line) => line.startsWith('E'))
  if (error) throw new Error(`${sql}: ${error}`)
  return lines
}

/** The CopyData payloads of a COPY TO STDOUT. */
async function copyOut(sql: string): Promise<Buffer[]> {
  wire.send(query(sql))
  const payloads: Buffer[] = []
  for (;;) {
    const { type, body } = await wire.next()
    if (type === 'd') payloads.push(body)
    if (type === 'E') throw new Error(body.toString())
    if (type === 'Z') return payloads
  }
}

/** Loads data by COPY FROM STDIN: the server is the judge of whether it is well formed. */
async function copyIn(sql: string, bytes: Buffer): Promise<void> {
  wire.send(query(sql))
  expect((await wire.next()).type).toBe('G')
  const lines = await wire.exchange([copyData(bytes), copyDone()])
  expect(lines.filter((line) => line.startsWith('E'))).toEqual([])
}

function payloadsOf(messages: Buffer): Buffer[] {
  const payloads: Buffer[] = []
  for (let at = 0; at < messages.length; ) {
    expect(messages[at]).toBe(0x64)
    const end = at + 1 + messages.readInt32BE(at + 1)
    payloads.push(messages.subarray(at + 5, end))
    at = end
  }
  return payloads
}

function masked(shape: CopyShape, duties: readonly MaskDuty[], payloads: readonly Buffer[]): Buffer[] {
  const masker = CopyMasker.of(shape, duties, KEY)
  if (!masker) return [...payloads]
  const out = payloads.map((payload) => masker.feed(payload))
  return payloadsOf(Buffer.concat([...out, masker.end()]))
}

const DUTIES: MaskDuty[] = [
  { labels: ['crm.who'], with: 'partial' },
  { labels: ['crm.n'], with: 'redact' },
  { labels: ['pii.email', 'secret.*'], with: 'redact' },
]
const COLUMNS = [
  { labels: [] },
  { labels: ['crm.who'], plain: true },
  { labels: ['crm.n'], plain: true },
  { labels: [] },
]
const TYPED = COLUMNS.map((column, i) => ({ ...column, typeOid: [23, 25, 23, 25][i]! }))

const PLAIN = { delimiter: '\t', quote: '"', escape: '"', null: '\\N', header: false } as const
const CSV = { ...PLAIN, delimiter: ',', null: '' } as const

/** Options of COPY, and the shape that says the same. */
const FORMS: readonly (readonly [string, CopyShape])[] = [
  ['', { ...PLAIN, format: 'text', columns: COLUMNS }],
  ["DELIMITER '|', NULL ''", { ...PLAIN, format: 'text', columns: COLUMNS, delimiter: '|', null: '' }],
  ["DELIMITER ',', NULL 'null'", { ...PLAIN, format: 'text', columns: COLUMNS, delimiter: ',', null: 'null' }],
  ['HEADER', { ...PLAIN, format: 'text', columns: COLUMNS, header: true }],
  ['FORMAT csv', { ...CSV, format: 'csv', columns: COLUMNS }],
  ['FORMAT csv, HEADER, FORCE_QUOTE *', { ...CSV, format: 'csv', columns: COLUMNS, header: true }],
  [
    "FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\\', NULL 'NULL'",
    { ...CSV, format: 'csv', columns: COLUMNS, delimiter: ';', quote: "'", escape: '\\', null: 'NULL' },
  ],
  ["FORMAT csv, QUOTE '$', ESCAPE '*'", { ...CSV, format: 'csv', columns: COLUMNS, quote: '$', escape: '*' }],
  ['FORMAT binary', { ...PLAIN, format: 'binary', columns: TYPED }],
]

const NASTY = [
  "('anna@example.com', 1, 'plain')",
  '(NULL, NULL, NULL)',
  "('', 0, '')",
  `(E'b\\tb@x.org', 2, E'tab\\there')`,
  `(E'li\\nne@x.org', 3, E'two\\nlines\\r\\nthree')`,
  `(E'back\\\\slash', 4, E'\\\\N')`,
  `('"q""uoted"', 5, 'say "hi", it''s *fine* $now$')`,
  `('semi;colon|pipe,comma', 6, ',;|')`,
  `('NULL', 7, 'NULL')`,
  `('null', 8, 'null')`,
  `(E'\\\\.', 9, E'\\\\.')`,
  `('Jörg Müller', 10, 'straße 漢字 🙂')`,
  `(E'\\b\\f\\x0b', 11, E'\\b\\f\\x0b\\\\t')`,
  `('long ' || repeat('x', 20000), 12, repeat('y', 20000))`,
  `('z', 13, 'mail bob@example.com or ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYaB3d, ok')`,
]

/** What the masked table holds, computed by the server from the plain one. */
const EXPECTED = `SELECT id, CASE WHEN mail IS NULL THEN NULL
    WHEN mail ~ '^[a-z0-9]+@' THEN left(mail, 1) || '***@***' || substring(mail from '[.][a-z]+$')
    WHEN octet_length(mail) >= 4 AND mail ~ '^[A-Za-z0-9]' AND mail !~ '@' THEN left(mail, 1) || '*****'
    WHEN mail ~ '@' THEN left(mail, 1) || '***@***.org' ELSE '*masked*' END,
  CASE WHEN n IS NOT NULL THEN '$N' END,
  regexp_replace(regexp_replace(note, 'bob@example.com', '*masked*'), 'ghp_\\w+', '*masked*')
  FROM (SELECT id, nullif(mail, $M) AS mail, n, nullif(note, $M) AS note FROM t) t ORDER BY id`

describe('COPY TO STDOUT', () => {
  beforeAll(async () => {
    for (const [id, row] of NASTY.entries()) await ok(`INSERT INTO t VALUES (${id}, ${row.slice(1)}`)
  })

  const copySql = (options: string) => `COPY (SELECT * FROM t ORDER BY id) TO STDOUT ${options && `(${options})`}`

  it.each(FORMS)('B14, B15: masked with (%s) loads back as exactly the masked table', async (options, shape) => {
    const binary = shape.format === 'binary'
    const payloads = await copyOut(copySql(options))
    const bytes = Buffer.concat(masked(shape, DUTIES, payloads))
    await ok('TRUNCATE back')
    await ok(`ALTER TABLE back ALTER n TYPE ${binary ? 'int USING NULL' : 'text'}`)
    await copyIn(`COPY back FROM STDIN ${options && `(${options.replace(', FORCE_QUOTE *', '')})`}`, bytes)
    const got = await ok('SELECT id, mail, n, note FROM back ORDER BY id')
    // In text a value that equals the marker is written like NULL; \N is escaped, and CSV quotes it.
    const marker = shape.format === 'text' && shape.null !== '\\N' ? `'${shape.null}'` : 'NULL'
    const want = await ok(EXPECTED.replace('$N', binary ? '0' : '*masked*').replaceAll('$M', marker))
    expect(got.slice(1)).toEqual(want.slice(1))
  })

  it.each(FORMS)('B37: (%s) is the same however the stream is cut, one message per row', async (options, shape) => {
    const payloads = await copyOut(copySql(options))
    const whole = masked(shape, DUTIES, payloads)
    expect(whole.length).toBe(payloads.length)
    const stream = Buffer.concat(payloads)
    const together = Buffer.concat(whole)
    expect(Buffer.concat(masked(shape, DUTIES, [stream])).equals(together)).toBe(true)
    expect(
      Buffer.concat(
        masked(
          shape,
          DUTIES,
          Array.from(stream, (byte) => Buffer.of(byte)),
        ),
      ).equals(together),
    ).toBe(true)
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (places) => {
        const cuts = [0, ...places.sort((a, b) => a - b), stream.length]
        const pieces = cuts.slice(1).map((cut, i) => Buffer.from(stream.subarray(cuts[i], cut)))
        return Buffer.concat(masked(shape, DUTIES, pieces)).equals(together)
      }),
      { numRuns: 30 },
    )
  })

  it('with types known, masked integers load back as integers', async () => {
    const shape: CopyShape = { ...PLAIN, format: 'text', columns: TYPED }
    const bytes = Buffer.concat(masked(shape, DUTIES, await copyOut(copySql(''))))
    await ok('TRUNCATE back')
    await ok('ALTER TABLE back ALTER n TYPE int USING NULL')
    await copyIn('COPY back FROM STDIN', bytes)
    expect((await ok('SELECT DISTINCT n FROM back WHERE n IS NOT NULL'))[1]).toBe('D 0')
  })

  it('binary without types gives NULL for labelled columns', async () => {
    const shape: CopyShape = { ...PLAIN, format: 'binary', columns: COLUMNS }
    await ok('TRUNCATE back')
    await ok('ALTER TABLE back ALTER n TYPE int USING NULL')
    await copyIn(
      'COPY back FROM STDIN (FORMAT binary)',
      Buffer.concat(masked(shape, DUTIES, await copyOut(copySql('FORMAT binary')))),
    )
    expect((await ok('SELECT count(*), count(mail), count(n) FROM back'))[1]).toBe('D 15 | 0 | 0')
  })

  it('a marker for NULL that somebody chose does not tell whether a value equals it', async () => {
    const shape: CopyShape = { ...PLAIN, format: 'text', columns: COLUMNS, null: 'anna@example.com' }
    const text = Buffer.concat(masked(shape, DUTIES, await copyOut(copySql("NULL 'anna@example.com'")))).toString()
    expect(text.split('\n')[0]).toBe('0\ta***@***.com\t*masked*\tplain')
  })

  it('is forwarded untouched when nothing needs a look', () => {
    const shape: CopyShape = { ...PLAIN, format: 'text', columns: [{ labels: [] }] }
    expect(CopyMasker.of(shape, [{ labels: ['crm.who'], with: 'redact' }], KEY)).toBeUndefined()
  })
})

describe('COPY data that is not what the statement says', () => {
  const text: CopyShape = { ...PLAIN, format: 'text', columns: COLUMNS }
  const csv: CopyShape = { ...CSV, format: 'csv', columns: COLUMNS }
  const binary: CopyShape = { ...PLAIN, format: 'binary', columns: COLUMNS }
  const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
  const CASES: readonly (readonly [string, CopyShape, Buffer])[] = [
    ['too few fields', text, Buffer.from('1\ta\n')],
    ['too many fields', text, Buffer.from('1\ta\tb\tc\td\n')],
    ['no end of row', text, Buffer.from('1\ta')],
    ['no end of row after the last field', text, Buffer.from('1\ta\t2\tx')],
    ['a quote left open', csv, Buffer.from('1,"a\n')],
    ['no signature', binary, Buffer.from('PGCOPX\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')],
    ['a critical flag', binary, Buffer.from('PGCOPY\n\xff\r\n\0\0\x01\0\0\0\0\0\0', 'latin1')],
    ['another number of fields', binary, Buffer.concat([header, Buffer.of(0, 3)])],
    ['a negative length', binary, Buffer.concat([header, Buffer.of(0, 4, 255, 255, 255, 254)])],
    ['no trailer', binary, header],
    ['bytes after the trailer', binary, Buffer.concat([header, Buffer.of(255, 255, 0)])],
  ]
  it.each(CASES)('%s is refused', (_what, shape, bytes) => {
    expect(() => masked(shape, DUTIES, [bytes])).toThrow(/could not be masked/)
  })
})

describe('a field larger than what is gathered', () => {
  const value = Buffer.alloc(1 << 20, 'anna@example.com ')
  const feed = (shape: CopyShape, before: Buffer, after: Buffer) => {
    const masker = CopyMasker.of(shape, DUTIES, KEY)!
    const out = [masker.feed(before)]
    for (let i = 0; i < 20; i++) out.push(masker.feed(value))
    out.push(masker.feed(after), masker.end())
    return Buffer.concat(payloadsOf(Buffer.concat(out)))
  }
  it('is replaced whole in text, labelled or not', () => {
    const shape: CopyShape = { ...PLAIN, format: 'text', columns: COLUMNS }
    expect(feed(shape, Buffer.from('1\t'), Buffer.from('\t2\tx\n')).toString()).toBe('1\t*masked*\t*masked*\tx\n')
    expect(feed(shape, Buffer.from('1\t\\N\t2\t'), Buffer.from('\n')).toString()).toBe('1\t\\N\t*masked*\t*masked*\n')
  })
  it('is NULL in binary', () => {
    const shape: CopyShape = { ...PLAIN, format: 'binary', columns: [{ labels: ['crm.who'], plain: true }] }
    const length = Buffer.alloc(4)
    length.writeInt32BE(value.length * 20)
    const header = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
    const out = feed(shape, Buffer.concat([header, Buffer.of(0, 1), length]), Buffer.of(255, 255))
    expect(out.subarray(header.length).toString('hex')).toBe('0001ffffffffffff')
  })
})
