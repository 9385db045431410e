import { expect, test } from 'vitest'
import { LIMITS } from '../limits.ts'
import { Backoff } from './backoff.ts'

test('spans double up to the longest, and all of each is chance', () => {
  const most = new Backoff(() => 0.999_999)
  const spans = Array.from({ length: 8 }, () => Math.round(most.next(0)))
  expect(spans).toEqual([2_000, 4_000, 8_000, ...Array(5).fill(LIMITS.backoffMost_ms)])
  const least = new Backoff(() => 0)
  expect(Array.from({ length: 8 }, () => least.next(0))).toEqual(Array(8).fill(0))
})

test('a tunnel that held for a while begins the waits anew; one that broke at once does not', () => {
  const backoff = new Backoff(() => 1)
  for (let i = 0; i < 6; i++) backoff.next(0)
  expect(backoff.next(LIMITS.settled_ms - 1)).toBe(LIMITS.backoffMost_ms)
  expect(backoff.next(LIMITS.settled_ms)).toBe(LIMITS.backoffFirst_ms)
})
