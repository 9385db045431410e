import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextBuffer, type TextPiece } from './text-buffer.ts'

const written = (pieces: readonly TextPiece[]): string => {
  const buffer = new TextBuffer(Buffer.allocUnsafeSlow(8))
  for (const piece of pieces) buffer.piece(piece)
  return buffer.bytes.toString('utf8', 0, buffer.length)
}

test('pieces read as their concatenation, whatever their length and script', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ maxLength: 60 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
  )
  const number = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(1000), fc.integer(), fc.double({ noNaN: true }))
  fc.assert(
    fc.property(fc.array(fc.oneof(text, number), { maxLength: 20 }), (pieces) => {
      expect(written(pieces)).toBe(Buffer.concat(pieces.map((piece) => Buffer.from(String(piece)))).toString())
    }),
  )
})

test.each([0, 9, 10, 99_999_999, 1e8, 1e8 + 1, 1_790_000_000_123, 1e16 / 2, Number.MAX_SAFE_INTEGER, -7, 0.25])(
  '%d is written in decimal',
  (value) => expect(written([value])).toBe(String(value)),
)

test('bytes are written as base64', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const buffer = new TextBuffer(Buffer.allocUnsafeSlow(4))
      buffer.base64(bytes)
      expect(buffer.bytes.toString('latin1', 0, buffer.length)).toBe(Buffer.from(bytes).toString('base64'))
    }),
  )
})

test('strings are written as JSON', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ maxLength: 60 }), fc.string({ unit: 'binary', maxLength: 60 }))),
      (texts) => {
        const buffer = new TextBuffer(Buffer.allocUnsafeSlow(4))
        for (const text of texts) buffer.json(text)
        expect(buffer.bytes.toString('utf8', 0, buffer.length)).toBe(texts.map((text) => JSON.stringify(text)).join(''))
      },
    ),
  )
})
