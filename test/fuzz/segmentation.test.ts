/** Invariants 1 and 3 (A53): recorded sessions come to the same, whatever pieces their bytes arrive in. */
import { describe, expect, test } from 'vitest'
import { readCaptures } from './capture.ts'
import { REGIMES } from './regimes.ts'
import { type Cut, replay, sentBefore, WHOLE } from './replay.ts'
import { chance, eachSeed } from './seed.ts'

const captures = readCaptures()

function randomCut(seed: number): Cut {
  const { below, of } = chance(seed)
  const largest = of([3, 20, 200, 2000])
  return { size: () => 1 + below(largest), settles: () => below(3) === 0 }
}

test('there are captures of every client and regime', () => {
  expect(captures.length).toBeGreaterThan(25)
  expect(new Set(captures.map(({ regime }) => regime))).toEqual(new Set(Object.keys(REGIMES)))
})

describe.each(captures)('$name', (capture) => {
  const regime = REGIMES[capture.regime]!

  test('sends what it sent when it was recorded, and settles what it was permitted', async () => {
    const outcome = await replay(capture, regime, WHOLE)
    expect(outcome.sent, 'record it again: node test/fuzz/record.ts').toBe(capture.sent)
    expect(outcome.failure).toBeUndefined()
    expect(outcome.unsettled).toBe(0)
  })

  if (capture.regime === 'masked') {
    test('shows no labelled value', async () => {
      const { heard, told } = await replay(capture, regime, WHOLE)
      expect([...heard, ...told].join('\n')).not.toMatch(/987-65-432|(ada|bob)@/)
    })
  }

  test('comes to the same byte by byte', async () => {
    const whole = await replay(capture, regime, WHOLE)
    expect(await replay(capture, regime, { size: () => 1, settles: () => true })).toEqual(whole)
    expect(await replay(capture, regime, { size: () => 1, settles: () => false })).toEqual(whole)
  })

  test('sends no byte of an operation before its decision, however many come at once', async () => {
    const exact = await sentBefore(capture, regime, { size: () => 1, settles: () => true })
    for (const cut of [WHOLE, randomCut(7)]) {
      const sent = await sentBefore(capture, regime, cut)
      expect(sent.filter((bytes, decision) => bytes > exact[decision]!)).toEqual([])
    }
  })

  test('comes to the same in random pieces', async () => {
    const whole = await replay(capture, regime, WHOLE)
    await eachSeed(8, async (seed) => expect(await replay(capture, regime, randomCut(seed))).toEqual(whole))
  })
})
