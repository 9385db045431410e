import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Carry } from './carry.ts'

/** Buffers that a megabyte may be kept in, whoever sends it: some of 64 KB at least, and smaller ones that only shrink. */
const MOST = 200

test('what is taken is what was kept, in order, and afterwards nothing is', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 200 }), (pieces) => {
      const carry = new Carry()
      for (const piece of pieces) carry.keep(Buffer.from(piece))
      const all = Buffer.concat(pieces)
      expect(carry.size).toBe(all.length)
      if (all.length > 0) expect(carry.take().equals(all)).toBe(true)
      expect([carry.size, carry.pieces]).toEqual([0, 0])
    }),
    { seed: 20_270 },
  )
})

test.each<[string, (i: number) => number]>([
  ['byte by byte', () => 1],
  ['in pieces that grow', (i) => 1 + (i % 500)],
  ['in pieces that shrink', (i) => 500 - (i % 500)],
  ['in large and small pieces by turns', (i) => (i % 2 === 0 ? 40_000 : 1)],
])('a megabyte that comes %s is kept in few buffers', (_, size) => {
  const carry = new Carry()
  let most = 0
  for (let i = 0, at = 0; at < 1 << 20; i++) {
    carry.keep(Buffer.alloc(size(i)))
    at += size(i)
    most = Math.max(most, carry.pieces)
  }
  expect(most).toBeLessThan(MOST)
})
