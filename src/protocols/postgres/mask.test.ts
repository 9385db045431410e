import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../kit/secret.ts'
import { planColumns } from '../../masking/index.ts'
import { RowMasker } from './mask.ts'

const KEY = new Secret('mask key of the tests')
const TEXT = { typeOid: 25, format: 0 } as const
const INT4 = { typeOid: 23, format: 0 } as const

function dataRow(cells: readonly (Buffer | string | null)[]): Buffer {
  const parts = cells.map((cell) => {
    if (cell === null) return Buffer.from([255, 255, 255, 255])
    const bytes = Buffer.from(cell as string)
    const length = Buffer.alloc(4)
    length.writeInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  })
  const body = Buffer.concat(parts)
  const header = Buffer.alloc(7)
  header.write('D')
  header.writeInt32BE(body.length + 6, 1)
  header.writeInt16BE(cells.length, 5)
  return Buffer.concat([header, body])
}

function readRows(bytes: Buffer): (string | null)[][] {
  const rows: (string | null)[][] = []
  for (let at = 0; at < bytes.length; ) {
    expect(bytes[at]).toBe(0x44)
    const end = at + 1 + bytes.readInt32BE(at + 1)
    const row: (string | null)[] = []
    let cell = at + 7
    for (let i = 0; i < bytes.readInt16BE(at + 5); i++) {
      const length = bytes.readInt32BE(cell)
      row.push(length < 0 ? null : bytes.toString('utf8', cell + 4, cell + 4 + length))
      cell += 4 + Math.max(length, 0)
    }
    expect(cell).toBe(end)
    rows.push(row)
    at = end
  }
  return rows
}

function withInt32(bytes: Buffer, at: number, value: number): Buffer {
  bytes.writeInt32BE(value, at)
  return bytes
}

describe('rows', () => {
  it('come out with masked columns replaced and every other cell byte for byte', () => {
    const columns = [
      { labels: [], type: TEXT },
      { labels: ['crm.contact'], type: TEXT },
      { labels: [], type: TEXT },
      { labels: ['crm.age'], type: INT4 },
      { labels: [], type: TEXT },
    ]
    const duties = [
      { labels: ['crm.contact'], with: 'partial' },
      { labels: ['crm.*'], with: 'redact' },
    ] as const
    for (const duty of duties) {
      const plan = planColumns(columns, [duty], KEY)!
      const masker = new RowMasker(plan, columns.length)
      const cell = fc.option(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 90 }), fc.emailAddress()), { nil: null })
      fc.assert(
        fc.property(fc.array(fc.tuple(cell, cell, cell, cell, cell), { maxLength: 20 }), fc.nat(9), (rows, before) => {
          const run = Buffer.concat(rows.map((row) => dataRow(row)))
          const chunk = Buffer.concat([Buffer.alloc(before, 1), run, Buffer.alloc(3, 1)])
          const copy = Buffer.from(chunk)
          const masked = readRows(masker.maskRows(chunk, before, before + run.length))
          expect(chunk.equals(copy)).toBe(true)
          expect(masked.length).toBe(rows.length)
          masked.forEach((row, i) => {
            row.forEach((value, c) => {
              const original = rows[i]![c]!
              const touched = c === 1 || (c === 3 && duty.with === 'redact')
              if (original === null || !touched) expect(value).toBe(original)
              else if (c === 3) expect(value).toBe('0')
              else expect(value).toMatch(duty.with === 'redact' ? /^\*masked\*$/ : /^\*masked\*$|\*\*\*/)
            })
          })
        }),
      )
    }
  })

  it('that need no change are a view of the same bytes', () => {
    const plan = planColumns(
      [{ labels: ['crm.contact'], type: TEXT }],
      [{ labels: ['crm.contact'], with: 'redact' }],
      KEY,
    )!
    const chunk = dataRow([null])
    const result = new RowMasker(plan, 1).maskRows(chunk, 0, chunk.length)
    expect(result.buffer).toBe(chunk.buffer)
    expect(result.equals(chunk)).toBe(true)
  })

  it('returned earlier are not written to again', () => {
    const plan = planColumns(
      [{ labels: ['crm.contact'], type: TEXT }],
      [{ labels: ['crm.contact'], with: 'partial' }],
      KEY,
    )!
    const masker = new RowMasker(plan, 1)
    const first = masker.maskRows(dataRow(['anna@example.com']), 0, 27)
    const kept = Buffer.from(first)
    for (let i = 0; i < 100; i++) {
      const row = dataRow([`z${'z'.repeat(i)}@other.org`])
      masker.maskRows(row, 0, row.length)
    }
    expect(first.equals(kept)).toBe(true)
  })

  const plan = planColumns([{ labels: ['pii.x'], type: TEXT }], [{ labels: ['pii.x'], with: 'redact' }], KEY)!
  const good = dataRow(['secret value'])
  const broken: [string, (row: Buffer) => Buffer][] = [
    ['another message type', (row) => Buffer.concat([Buffer.from('E'), row.subarray(1)])],
    ['another column count', () => dataRow(['a', 'b'])],
    ['a cell beyond the row', (row) => withInt32(row, 7, 999)],
    ['a negative cell length', (row) => withInt32(row, 7, -2)],
    ['a row beyond the run', (row) => withInt32(row, 1, 999)],
    ['a row shorter than its header', (row) => withInt32(row, 1, 4)],
    ['a row cut off', (row) => row.subarray(0, 5)],
  ]
  it.each(broken)('with %s are refused', (_name, breakIt) => {
    const row = breakIt(Buffer.from(good))
    expect(() => new RowMasker(plan, 1).maskRows(row, 0, row.length)).toThrow(/could not be masked/)
  })
})
