import { expect, test } from 'vitest'
import { LIMITS } from './limits.ts'
import { Window } from './window.ts'

/** A link that delivers at most `rate` bytes per second, and a window's worth in each round trip. */
function settled({ rate, rtt_ms, looks = 200 }: { rate: number; rtt_ms: number; looks?: number }): number {
  let size = 0
  const window = new Window((bytes) => {
    size = bytes
  })
  window.roundTrip(rtt_ms, 0)
  let bytes = 0
  for (let i = 1; i <= looks; i++) {
    bytes += Math.min(rate, (size / rtt_ms) * 1000) * (LIMITS.windowLook_ms / 1000)
    window.look(bytes, i * LIMITS.windowLook_ms)
  }
  return size
}

test.each([
  ['a machine next door', 500e6, 0.2],
  ['a fast long line', 50e6, 60],
  ['a slow long line', 1e6, 100],
  ['a slow short line', 1e6, 5],
])('%s: enough to keep it busy, and at most that much again in its queues', (_, rate, rtt_ms) => {
  const size = settled({ rate, rtt_ms })
  const perTrip = (rate * rtt_ms) / 1000
  expect(size).toBeGreaterThanOrEqual(Math.min(LIMITS.windowMost, perTrip))
  const slack = (rate * LIMITS.windowSlack_ms) / 1000
  expect(size).toBeLessThanOrEqual(2 * (perTrip + slack) + LIMITS.windowLeast)
})

test('it opens within two seconds', () => {
  expect(settled({ rate: 50e6, rtt_ms: 60, looks: 20 })).toBeGreaterThan(50e6 * 0.06)
})

test('never more than the bound, whatever a peer makes of its pings', () => {
  expect(settled({ rate: 5e9, rtt_ms: 5_000, looks: 3_000 })).toBe(LIMITS.windowMost)
})

test('a queue that delays pings is not taken for distance; a longer way is, after a while', () => {
  let size = 0
  const window = new Window((bytes) => {
    size = bytes
  })
  let bytes = 0
  const run = (from_ms: number, rtt_ms: number) => {
    for (let i = 0; i < 20; i++) {
      const now_ms = from_ms + i * LIMITS.windowLook_ms
      window.roundTrip(rtt_ms, now_ms)
      bytes += 10e6 * (LIMITS.windowLook_ms / 1000)
      window.look(bytes, now_ms)
    }
  }
  run(0, 10)
  const near = size
  run(5_000, 200)
  expect(size).toBe(near)
  run(3 * LIMITS.windowSpan_ms, 200)
  run(5 * LIMITS.windowSpan_ms, 200)
  expect(size).toBeGreaterThan(10 * near - 10 * LIMITS.windowLeast)
})

test('an idle tunnel keeps what it has', () => {
  const sizes: number[] = []
  const window = new Window((bytes) => void sizes.push(bytes))
  window.roundTrip(1, 0)
  for (let i = 1; i < 50; i++) window.look(i * 100, i * LIMITS.windowLook_ms)
  expect(sizes).toEqual([LIMITS.windowLeast])
})
