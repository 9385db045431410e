import { expect, test } from 'vitest'
import { giveBack, Lender } from './give-back.ts'

/** A piece of memory and `count` chunks of it, as Node cuts them. */
function piece(count: number, size = 16_384): Buffer[] {
  const memory = new ArrayBuffer(size)
  return Array.from({ length: count }, (_, i) => Buffer.from(memory, i * 8, 8))
}

const freed = ([chunk]: readonly Buffer[]) => chunk!.buffer.byteLength === 0

test('memory that lies in several chunks is freed when the last of them comes back and no more can come', () => {
  const lender = new Lender()
  const [one, two] = [piece(3), piece(1)]
  for (const chunk of one) lender.lend(chunk)
  giveBack(one[0]!)
  giveBack(one[2]!)
  lender.lend(two[0]!)
  expect(freed(one)).toBe(false)
  giveBack(one[1]!)
  expect(freed(one)).toBe(true)
  giveBack(two[0]!)
  expect(freed(two)).toBe(false)
  lender.lend(piece(1)[0]!)
  expect(freed(two)).toBe(true)
})

test('a chunk given back twice counts once', () => {
  const lender = new Lender()
  const chunks = piece(2)
  for (const chunk of chunks) lender.lend(chunk)
  lender.lend(piece(1)[0]!)
  giveBack(chunks[0]!)
  giveBack(chunks[0]!)
  expect(freed(chunks)).toBe(false)
  expect(chunks[1]!.length).toBe(8)
})

test('a part that nobody lent stays, and so does memory not worth it', () => {
  const part = piece(1)
  giveBack(part[0]!)
  expect(freed(part)).toBe(false)
  const lender = new Lender()
  const small = piece(1, 4_096)
  lender.lend(small[0]!)
  lender.lend(piece(1)[0]!)
  giveBack(small[0]!)
  expect(freed(small)).toBe(false)
})
