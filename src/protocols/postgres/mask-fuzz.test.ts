import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../kit/errors.ts'
import { Secret } from '../../kit/secret.ts'
import { planColumns, textScrubber } from '../../masking/index.ts'
import { knownTypeOids } from '../../masking/type-table.ts'
import type { MaskTransform } from '../../model/decision.ts'
import { CopyMasker } from './copy-mask.ts'
import { maskErrorFields, maskNotification, maskParameterStatus } from './error-mask.ts'
import { RowMasker } from './mask.ts'

const KEY = new Secret('fuzz')
const RUNS = { numRuns: 500 }
const DUTIES = [
  { labels: ['crm.x'], with: 'partial' },
  { labels: ['*'], with: 'redact' },
] as const
const scrubber = textScrubber(DUTIES, KEY)!

/** Bytes near what a server sends: pieces of real messages, lengths and text, cut and repeated. */
const PIECES = [
  'D',
  'PGCOPY\n\xff\r\n\0',
  'a@example.com',
  '"',
  '\\',
  '\t',
  '\n',
  ',',
  '{',
  '}',
  '[',
  ':',
  '\\u0040',
  '<a>',
  '&#64;',
]
const bytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(...PIECES).map((piece) => Buffer.from(piece, 'latin1')),
      fc.integer({ min: -2, max: 20 }).map((value) => Buffer.of(value >> 24, value >> 16, value >> 8, value)),
      fc.integer({ min: 0, max: 5000 }).map((value) => Buffer.of(value >> 8, value)),
      fc.uint8Array({ maxLength: 12 }).map((value) => Buffer.from(value)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts))

/** Runs it; anything thrown that is not a SluiceError fails the test. */
function safely(action: () => void): void {
  try {
    action()
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SluiceError)
  }
}

describe('bytes of a hostile server', () => {
  it('in rows are masked or refused', () => {
    const columns = [25, 23, 3802].map((typeOid) => ({ labels: ['crm.x'], type: { typeOid, format: 0 as const } }))
    const masker = new RowMasker(planColumns(columns, DUTIES, KEY)!, 3)
    fc.assert(
      fc.property(bytes, (run) => safely(() => masker.maskRows(run, 0, run.length))),
      RUNS,
    )
  })

  it('in a cell of any type and format never throw', () => {
    const oids = [...knownTypeOids(), 0, 22, 99_999]
    const transforms: MaskTransform[] = ['redact', 'partial', 'hash', 'null', 'fixed', 'tokenize']
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(...oids),
        fc.constantFrom(0, 1),
        fc.constantFrom(...transforms),
        (cell, typeOid, format, transform) => {
          const type = { typeOid, format } as const
          const columns = [
            { labels: ['crm.x'], type },
            { labels: [], type },
            { labels: [], type, paths: [{ path: ['a'], labels: ['crm.x'] }] },
          ]
          const plan = planColumns(columns, [{ labels: ['*'], with: transform }], KEY)!
          const around = Buffer.concat([Buffer.from('123'), cell, Buffer.from('456')])
          for (const masker of plan.maskers) masker?.mask(around, 3, 3 + cell.length)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('in COPY data are masked or refused', () => {
    const form = fc.record({
      format: fc.constantFrom('text' as const, 'csv' as const, 'binary' as const),
      delimiter: fc.constantFrom('\t', ',', '|'),
      quote: fc.constantFrom('"', "'"),
      escape: fc.constantFrom('"', '\\'),
      null: fc.constantFrom('\\N', '', 'x'),
      header: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 6 }), form, (payloads, shape) => {
        const masker = CopyMasker.of({ ...shape, columns: [{ labels: ['crm.x'] }, { labels: [] }] }, DUTIES, KEY)!
        safely(() => {
          for (const payload of payloads) masker.feed(payload)
          masker.end()
        })
      }),
      { numRuns: 2000 },
    )
  })

  it('in errors, notices, notifications and settings are masked or refused', () => {
    fc.assert(
      fc.property(bytes, fc.boolean(), (body, labelled) => {
        const message = Buffer.concat([Buffer.from('E\0\0\0\0'), body])
        message.writeInt32BE(message.length - 1, 1)
        safely(() => maskErrorFields(message, { labelled, scrubber }))
        safely(() => maskNotification(message, scrubber, labelled))
        safely(() => maskParameterStatus(message, scrubber, labelled))
      }),
      { numRuns: 2000 },
    )
  })

  it('in records nested without end become NULL, not a stack overflow', () => {
    const int32 = (value: number) => Buffer.of(value >> 24, value >> 16, value >> 8, value)
    let record = Buffer.concat([int32(1), int32(25), int32(13), Buffer.from('a@example.com')])
    const mask = () =>
      planColumns([{ labels: [], type: { typeOid: 2249, format: 1 } }], DUTIES, KEY)!.maskers[0]!.mask(
        record,
        0,
        record.length,
      )
    expect(String(mask())).toContain('*masked*')
    for (let depth = 0; depth < 3000; depth++)
      record = Buffer.concat([int32(1), int32(2249), int32(record.length), record])
    const masked = mask() as Buffer
    expect(masked.length).toBeLessThan(400)
    expect(masked.subarray(-4).toString('hex')).toBe('ffffffff')
  })
})
