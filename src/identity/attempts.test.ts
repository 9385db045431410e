import { describe, expect, it } from 'vitest'
import { createAttempts } from './attempts.ts'

const bounds = { burst: 3, forget_ms: 10_000, wait_ms: 1_000, wait_max_ms: 4_000, keys: 2 }

function limiter() {
  let now_ms = 0
  const attempts = createAttempts({ clock: { now_ms: () => 0, monotonic_ms: () => now_ms }, bounds })
  const waits = (from: string) => {
    try {
      attempts.check('user code', from)
      return false
    } catch (error) {
      expect(error).toMatchObject({ code: 'signin.codes' })
      return true
    }
  }
  return {
    attempts,
    failed: (from: string) => attempts.failed('user code', from),
    passed: (from: string) => attempts.passed('user code', from),
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
    for (let i = 0; i < 5; i++) {
      later(4_000)
      failed('a')
    }
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

  it('count at one door only, and of one /64 together', () => {
    const { attempts } = limiter()
    for (const from of ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3']) attempts.failed('scim', from)
    expect([attempts.failed('scim', '2001:db8::4'), attempts.failed('token', '2001:db8::4')]).toEqual([true, false])
    expect(attempts.failed('scim', '2001:db8:0:1::1')).toBe(false)
  })

  it('while a source waits count no more: whoever goes on does not keep it waiting', () => {
    const { failed, waits, later } = limiter()
    for (let i = 0; i < 3; i++) expect(failed('a')).toBe(false)
    for (let i = 0; i < 50; i++) expect(failed('a')).toBe(true)
    later(1_000)
    expect(waits('a')).toBe(false)
  })
})
