import { expect, it } from 'vitest'
import { createTurnstile } from './turnstile.ts'

/** A turnstile and what ran, in order; each check ends when it is let go. */
function stage(bounds = { together: 1, waiting_own: 3, waiting: 4 }) {
  const enter = createTurnstile(bounds)
  const ran: string[] = []
  const ends: (() => void)[] = []
  const work = (name: string) => async () => {
    ran.push(name)
    await new Promise<void>((end) => ends.push(end))
    return name
  }
  return {
    ran,
    run: (from: string, name: string) => enter(from, work(name)),
    next: async () => {
      await new Promise((go) => setImmediate(go))
      ends.shift()!()
    },
  }
}

it('gives sources turns: one that sends many waits behind its own', async () => {
  const { ran, run, next } = stage()
  const all = [
    run('192.0.2.1', 'a1'),
    run('192.0.2.1', 'a2'),
    run('192.0.2.1', 'a3'),
    run('2001:db8::1', 'b1'),
    run('2001:db8::2', 'b2'),
  ]
  for (let i = 0; i < all.length; i++) await next()
  expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1', 'b2'])
  expect(ran).toEqual(['a1', 'a2', 'b1', 'a3', 'b2'])
})

it('is bounded, for one source and for all', async () => {
  const { run, next } = stage()
  const kept = [run('a', 'a0'), run('a', 'a1'), run('a', 'a2'), run('a', 'a3')]
  await expect(run('a', 'a4')).rejects.toMatchObject({ code: 'api.busy' })
  kept.push(run('b', 'b1'))
  await expect(run('c', 'c1')).rejects.toMatchObject({ code: 'api.busy' })
  for (let i = 0; i < kept.length; i++) await next()
  expect(await Promise.all(kept)).toHaveLength(5)
  const again = run('c', 'c1')
  await next()
  expect(await again).toBe('c1')
})

it('goes on after a check that fails', async () => {
  const enter = createTurnstile({ together: 1, waiting_own: 1, waiting: 1 })
  const failing = enter('a', () => Promise.reject(new Error('no')))
  const good = enter('a', async () => 'yes')
  await expect(failing).rejects.toThrow('no')
  expect(await good).toBe('yes')
})
