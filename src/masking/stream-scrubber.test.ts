import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/secret.ts'
import { StreamScrubber, textScrubber } from './index.ts'

const scrubber = textScrubber([{ labels: ['*'], with: 'redact' }], new Secret('stream tests'))!

const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${'MIIEowIBAAKCAQEA7bq0\n'.repeat(12)}-----END RSA PRIVATE KEY-----`
const VALUES = [
  'anna.berg@example.com',
  '4111 1111 1111 1111',
  'DE89 3704 0044 0532 0130 00',
  '+49 30 1234567',
  '203.0.113.77',
  'AKIAIOSFODNN7EXAMPLE',
  '４１１１１１１１１１１１１１１１',
  `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${'s'.repeat(43)}`,
  KEY,
]
const FILLER = [
  'straße ',
  'плюс ',
  '漢字',
  '🙂',
  ' = ',
  '\n',
  '\r\n',
  'word ',
  '12',
  'and so on. ',
  '"',
  '<b>',
  '\xff\xfe',
]

/** Texts of values and filler; latin1 pieces are bytes that are no UTF-8. */
const text = fc
  .array(fc.oneof(fc.constantFrom(...VALUES), fc.constantFrom(...FILLER), fc.constantFrom('\n', ' ')), {
    maxLength: 25,
  })
  .map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part, part === '\xff\xfe' ? 'latin1' : 'utf8'))))

function streamed(bytes: Buffer, cuts: readonly number[], span?: { window: number; overlap: number }): string {
  const stream = new StreamScrubber(scrubber, span)
  const out: Buffer[] = []
  let start = 0
  for (const cut of [...cuts, bytes.length]) {
    // The piece's memory is used again, as a socket's reader may.
    const piece = Buffer.from(bytes.subarray(start, cut))
    out.push(Buffer.from(stream.push(piece)))
    piece.fill(0)
    start = cut
  }
  out.push(stream.end())
  return Buffer.concat(out).toString('latin1')
}

describe('a scrubbed stream', () => {
  it('B37: is the same for every single cut', () => {
    const bytes = Buffer.from(`${VALUES.join(' | ')}\nfür ${VALUES.join('\n')}`)
    const whole = streamed(bytes, [])
    expect(whole).toBe(scrubber.scrub(bytes, 0, bytes.length)!.toString('latin1'))
    for (const value of VALUES) expect(whole).not.toContain(Buffer.from(value).toString('latin1'))
    for (let cut = 1; cut < bytes.length; cut++) expect(streamed(bytes, [cut])).toBe(whole)
    expect(streamed(bytes, Array.from(bytes.keys()).slice(1))).toBe(whole)
  })

  it('B37: is the same for any cuts, and equals the text scrubbed at once', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(4000), { maxLength: 12 }), (bytes, places) => {
        const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
        expect(streamed(bytes, cuts)).toBe(streamed(bytes, []))
        expect(streamed(bytes, cuts)).toBe((scrubber.scrub(bytes, 0, bytes.length) ?? bytes).toString('latin1'))
      }),
      { numRuns: 400 },
    )
  })

  it('B37: finds values across windows of a line that does not end, whatever the cuts', () => {
    const span = { window: 1024, overlap: 400 }
    const short = VALUES.filter((value) => value !== KEY)
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...short), fc.nat(300)), { minLength: 10, maxLength: 30 }),
        fc.array(fc.nat(9000), { maxLength: 8 }),
        (parts, places) => {
          const bytes = Buffer.from(parts.map(([value, gap]) => `${value}${' ü🙂, '.repeat(gap % 90)}, `).join(''))
          const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
          const whole = streamed(bytes, [], span)
          expect(streamed(bytes, cuts, span)).toBe(whole)
          expect(whole).toBe(scrubber.scrub(bytes, 0, bytes.length)!.toString('latin1'))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('holds back a window at most, and nothing after a line', () => {
    const stream = new StreamScrubber(scrubber, { window: 4096, overlap: 1024 })
    expect(stream.push(Buffer.from('a line\n')).toString()).toBe('a line\n')
    let shown = 0
    const piece = Buffer.alloc(1000, 'x')
    for (let i = 1; i <= 100; i++) {
      shown += stream.push(piece).length
      expect(i * 1000 - shown).toBeLessThanOrEqual(4096)
    }
    expect(shown + stream.end().length).toBe(100_000)
  })

  it('shows a prompt when it is flushed', () => {
    const stream = new StreamScrubber(scrubber)
    expect(stream.push(Buffer.from('Password for anna@example.com: ')).length).toBe(0)
    expect(stream.flush().toString()).toBe('Password for *masked*: ')
  })

  const LINE = 'MIIEowIBAAKCAQEA7bq0MIIEowIBAAKCAQEA7bq0MIIEowIBAAKCAQEA7bq0'
  const keyOf = (lines: number, newline = '\n') =>
    `-----BEGIN PRIVATE KEY-----${newline}${`${LINE}${newline}`.repeat(lines)}-----END PRIVATE KEY-----`

  it.each([
    ['5,000 lines', keyOf(5_000)],
    ['5,000 lines of a terminal', keyOf(5_000, '\r\n')],
    ['5,000 lines with colours', keyOf(5_000, '\x1b[m\n\x1b[31m')],
    ['one line', keyOf(5_000, '\\n')],
    ['one line without marks', keyOf(5_000, '')],
    ['several', `${keyOf(400)}\n${keyOf(2_000)}${keyOf(300)}`],
  ])('B37: a private key of %s is masked to its end, and what follows is shown, whatever the cuts', (_, key) => {
    const bytes = Buffer.from(`before\n${key}\nafter <anna.berg@example.com>\n`)
    for (const size of [bytes.length, 32_768, 4_099, 701, 65]) {
      const cuts = Array.from({ length: Math.floor((bytes.length - 1) / size) }, (_, i) => (i + 1) * size)
      const shown = streamed(bytes, cuts)
      expect(shown).not.toMatch(/MII|KCAQ/)
      expect(shown.replaceAll(/\x1b\[\d*m/g, '')).toMatch(/^before\n(?:\*masked\*\n?)+\s*after <\*masked\*>\n$/)
    }
  })

  it('B37: a pause within a private key shows nothing of it', () => {
    const stream = new StreamScrubber(scrubber)
    const out: string[] = []
    for (const piece of keyOf(400)
      .concat('\nafter <x>\n')
      .match(/[\s\S]{1,90}/g)!) {
      out.push(stream.push(Buffer.from(piece)).toString(), stream.flush().toString())
    }
    expect(out.join('')).toBe('*masked*\nafter <x>\n')
  })

  it('masks a private key that never ends as long as it may be one, and goes on after it', () => {
    const bytes = Buffer.from(`-----BEGIN PRIVATE KEY-----\n${'MIIEowIBAAKCAQEA7bq0\n'.repeat(1000)}done <\n`)
    const whole = streamed(bytes, [])
    expect(whole).toBe('*masked*<\n')
    expect(streamed(bytes, [100, 5000, 17_000])).toBe(whole)
  })
})
