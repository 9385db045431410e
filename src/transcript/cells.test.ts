import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PostgresServer, startPostgres } from '../../test/rig/postgres.ts'
import { decodeRows } from './cells.ts'

/** A DataRow of one cell. */
function row(cell: Buffer | null): Buffer {
  const head = Buffer.alloc(11)
  head.write('D')
  head.writeInt32BE(10 + (cell?.length ?? 0), 1)
  head.writeInt16BE(1, 5)
  head.writeInt32BE(cell?.length ?? -1, 7)
  return Buffer.concat([head, cell ?? Buffer.alloc(0)])
}

const decode = (cell: Buffer | null, typeOid: number, format: number) =>
  decodeRows(row(cell), [{ name: 'x', typeOid, format }])

describe('a binary cell reads as the server itself writes it as text', () => {
  let server: PostgresServer
  let client: pg.Client
  beforeAll(async () => {
    server = await startPostgres()
    client = new pg.Client({ ...server })
    await client.connect()
    await client.query("SET timezone = 'UTC'; SET bytea_output = 'hex'; SET datestyle = ISO")
  })
  afterAll(async () => {
    await client.end()
    await server.stop('immediate')
  })

  test.each<[type: string, send: string, values: string[]]>([
    ['bool', 'boolsend', ['true', 'false']],
    ['bytea', 'byteasend', ['\\x', '\\x00ff']],
    ['name', 'namesend', ['n']],
    ['int8', 'int8send', ['0', '-9223372036854775808', '9223372036854775807']],
    ['int2', 'int2send', ['-32768', '32767']],
    ['int4', 'int4send', ['-2147483648', '2147483647']],
    ['text', 'textsend', ['', 'ünïcödé \u{1f600}']],
    ['oid', 'oidsend', ['0', '4294967295']],
    ['json', 'json_send', ['{"a": [1, null]}']],
    ['jsonb', 'jsonb_send', ['{"a": [1, null]}']],
    ['float8', 'float8send', ['0', '1.5', '-2.25', '0.1']],
    ['varchar', 'varcharsend', ['v']],
    ['bpchar', 'bpcharsend', ['b']],
    ['uuid', 'uuid_send', ['00112233-4455-6677-8899-aabbccddeeff']],
    ['date', 'date_send', ['2000-01-01', '1999-12-31', '2026-07-28', 'infinity', '-infinity']],
    [
      'numeric',
      'numeric_send',
      [
        '0',
        '1',
        '-1',
        '0.1',
        '-0.00012',
        '10000',
        '12345678901234567890.123456',
        '1e40',
        '1e-20',
        '0.00',
        '100.10',
        'NaN',
        '9999.9999',
        '10000.0001',
      ],
    ],
  ])('%s', async (type, send, values) => {
    for (const value of values) {
      const { rows } = await client.query<{ text: string; hex: string; oid: string }>(
        `SELECT format('%s', $1::${type}) AS text, encode(${send}($1::${type}), 'hex') AS hex, '${type}'::regtype::oid AS oid`,
        [value],
      )
      const { text, hex, oid } = rows[0]!
      expect(decode(Buffer.from(hex, 'hex'), Number(oid), 1)).toEqual([[text]])
    }
  })

  test.each(['timestamp', 'timestamptz'])('%s, to the microsecond', async (type) => {
    for (const value of ['2000-01-01 00:00:00', '1999-12-31 23:59:59.999999', '2026-07-28 12:34:56.789012']) {
      const { rows } = await client.query<{ text: string; hex: string }>(
        `SELECT to_char($1::${type}, 'YYYY-MM-DD HH24:MI:SS.US') AS text, encode(${type}_send($1::${type}), 'hex') AS hex`,
        [value],
      )
      const zone = type === 'timestamptz' ? '+00' : ''
      expect(decode(Buffer.from(rows[0]!.hex, 'hex'), zone ? 1184 : 1114, 1)).toEqual([[rows[0]!.text + zone]])
    }
  })
})

describe('what cannot be decoded is shown, never thrown', () => {
  test.each([
    ['NULL', null, 25, 0, null],
    ['text format, whatever the type', Buffer.from('12'), 23, 0, '12'],
    ['text that is no UTF-8', Buffer.from([0x61, 0xff]), 25, 0, 'a\ufffd'],
    ['a binary type nobody knows', Buffer.from([1, 2]), 600, 1, '\\x0102'],
    ['an int4 of three bytes', Buffer.from([1, 2, 3]), 23, 1, '\\x010203'],
    ['a numeric cut short', Buffer.from([0, 2, 0, 0, 0, 0, 0, 0, 0, 1]), 1700, 1, '\\x00020000000000000001'],
    ['a jsonb of another version', Buffer.from([2, 123]), 3802, 1, '\\x027b'],
  ])('%s', (_, cell, typeOid, format, text) => {
    expect(decode(cell, typeOid, format)).toEqual([[text]])
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a message cut short', row(Buffer.from('abc')).subarray(0, -1)],
    ['a cell longer than its message', Buffer.from('D\0\0\0\x0a\0\x01\0\0\0\x09', 'latin1')],
    ['a column count without columns', Buffer.from('D\0\0\0\x06\x7f\xff', 'latin1')],
    ['a length below its own size', Buffer.from('D\0\0\0\0xxxx', 'latin1')],
    ['a negative length', Buffer.from('D\xff\xff\xff\xffxxxx', 'latin1')],
  ])('%s', (_, bytes) => {
    expect(decodeRows(bytes, [])).toEqual([])
  })

  test('messages between the rows are passed over', () => {
    const notice = Buffer.from('N\0\0\0\x06xx', 'latin1')
    expect(decodeRows(Buffer.concat([notice, row(Buffer.from('a')), notice, row(null)]), [])).toEqual([['a'], [null]])
  })
})
