import { expect, test } from 'vitest'
import type { Policy } from '../model/ports.ts'
import { LIMITS } from './limits.ts'
import { type Standing, StandingOperations } from './standing.ts'

function world() {
  const policies = { now: {} as Policy, current: () => policies.now }
  const standing = new StandingOperations(policies)
  const judged: number[] = []
  const stand = (id: number): Standing => {
    const each = { policy: policies.now, again: () => void judged.push(id) }
    standing.add(each)
    return each
  }
  const change = () => {
    policies.now = {} as Policy
    standing.changed()
  }
  return { standing, judged, stand, change }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const MOST = LIMITS.standingPerTurn

test('what runs on is judged again when policy changes, and only then', async () => {
  const { judged, stand, standing, change } = world()
  stand(1)
  standing.changed()
  await turn()
  expect(judged).toEqual([])
  change()
  expect(judged).toEqual([])
  await turn()
  expect(judged).toEqual([1])
})

test('one turn judges a bounded number, and repeated changes judge each once', async () => {
  const { judged, stand, change } = world()
  for (let i = 0; i < 2.5 * MOST; i++) stand(i)
  for (let i = 0; i < 20; i++) change()
  await turn()
  expect(judged).toHaveLength(MOST)
  await turn()
  expect(judged).toHaveLength(2 * MOST)
  for (let i = 0; i < 4; i++) await turn()
  expect(judged).toEqual(Array.from({ length: 2.5 * MOST }, (_, i) => i))
})

test('changes without end keep nobody waiting', async () => {
  const { judged, stand, change } = world()
  for (let i = 0; i < 3 * MOST; i++) stand(i)
  for (let i = 0; i < 3; i++) {
    change()
    await turn()
  }
  expect(new Set(judged).size).toBe(3 * MOST)
})

test('policy that changed between the decision and its beginning is not missed', async () => {
  const { judged, standing, change } = world()
  const policy = {} as Policy
  change()
  standing.add({ policy, again: () => void judged.push(1) })
  await turn()
  expect(judged).toEqual([1])
})

test('what is over is judged no more', async () => {
  const { judged, stand, standing, change } = world()
  const each = stand(1)
  stand(2)
  change()
  standing.remove(each)
  for (let i = 0; i < 2; i++) await turn()
  expect(judged).toEqual([2])
  expect(standing.size).toBe(1)
})
