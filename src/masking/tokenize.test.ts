import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../kit/secret.ts'
import {
  detokenize,
  detokenizeInteger,
  detokenizeUuid,
  tokenizeInteger,
  tokenizeText,
  tokenizeUuid,
} from './tokenize.ts'

const KEY = new Secret('token tests')
const OTHER = new Secret('another key')
const RUNS = { numRuns: 150 }

describe('a token', () => {
  it('gives back any text of up to 256 bytes, and another key does not', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.stringMatching(/^\d[\d -]{0,30}\d$/))
    fc.assert(
      fc.property(
        text.filter((value) => Buffer.byteLength(value) <= 256),
        (value) => {
          const token = tokenizeText(value, KEY)
          expect(detokenize(token, KEY)).toBe(value)
          expect(detokenize(token, OTHER)).not.toBe(value)
          expect(tokenizeText(value, KEY)).toBe(token)
        },
      ),
      RUNS,
    )
  })

  it('of digits keeps their number and grouping', () => {
    expect(tokenizeText('4111 1111-11111111', KEY)).toMatch(/^tok_n\d{4} \d{4}-\d{8}$/)
    expect(tokenizeText('000000', KEY)).toMatch(/^tok_n\d{6}$/)
  })

  it('of a longer text is a hash, which nothing reverses', () => {
    const token = tokenizeText('x'.repeat(257), KEY)
    expect(token).toMatch(/^mask_[0-9a-f]{32}$/)
    expect(detokenize(token, KEY)).toBeUndefined()
  })

  it('of integers and UUIDs is one of the same type, and reversible', () => {
    const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)
    fc.assert(
      fc.property(fc.integer(), int64, fc.uuid(), (four, eight, uuid) => {
        expect(detokenizeInteger(tokenizeInteger(BigInt(four), 32, KEY), 32, KEY)).toBe(BigInt(four))
        expect(BigInt.asIntN(32, tokenizeInteger(BigInt(four), 32, KEY))).toBe(tokenizeInteger(BigInt(four), 32, KEY))
        expect(detokenizeInteger(tokenizeInteger(eight, 64, KEY), 64, KEY)).toBe(eight)
        const digits = uuid.replaceAll('-', '')
        expect(detokenizeUuid(tokenizeUuid(digits, KEY), KEY)).toBe(digits)
      }),
      { numRuns: 40 },
    )
  })

  it.each([
    '',
    'tok_',
    'tok_x',
    'tok_xabc',
    'tok_xzz00aabb',
    'tok_n123',
    'tok_n12a456',
    'anna',
    `tok_x${'00'.repeat(4000)}`,
  ])('that is none gives nothing: %s', (text) => {
    expect(detokenize(text, KEY)).toBeUndefined()
  })
})
