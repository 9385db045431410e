import { describe, expect, it } from 'vitest'
import { createAttempts } from './attempts.ts'

const bounds = { burst: 3, forget_ms: 10_000, wait_ms: 1_000, wait_max_ms: 4_000, keys: 2 }

function limiter() {
  let now_ms = 0
  const attempts = createAttempts({ clock: { now_ms: () => 0, monotonic_ms: () => now_ms }, bounds })
  const waits = (key: string) => {
    try {
      attempts.check(key)
      return false
    } catch (error) {
      expect(error).toMatchObject({ code: 'api.limited' })
      return true
    }
  }
  return {
    ...attempts,
    waits,
    later: (ms: number) => {
      now_ms += ms
    },
  }
}

describe('wrong credentials', () => {
  it('are free up to the burst, then cost a wait that doubles up to its bound', () => {
    const { failed, waits, later } = limiter()
    failed('a')
    failed('a')
    expect(waits('a')).toBe(false)
    failed('a')
    expect(waits('a')).toBe(true)
    expect(waits('b')).toBe(false)
    later(1_000)
    expect(waits('a')).toBe(false)
    failed('a')
    later(999)
    expect(waits('a')).toBe(true)
    for (let i = 0; i < 50; i++) failed('a')
    later(3_999)
    expect(waits('a')).toBe(true)
    later(1)
    expect(waits('a')).toBe(false)
  })

  it('are forgotten with time, and by the right credential', () => {
    const { failed, passed, waits, later } = limiter()
    for (let i = 0; i < 2; i++) failed('a')
    later(20_000)
    failed('a')
    expect(waits('a')).toBe(false)
    for (let i = 0; i < 3; i++) failed('a')
    expect(waits('a')).toBe(true)
    passed('a')
    expect(waits('a')).toBe(false)
  })

  it('of many keys take a bounded memory', () => {
    const { failed, waits } = limiter()
    for (let i = 0; i < 3; i++) failed('a')
    for (const key of ['b', 'c', 'd']) failed(key)
    expect(waits('a')).toBe(false)
  })
})
