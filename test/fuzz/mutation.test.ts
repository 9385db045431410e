/**
 * Recorded sessions with bytes changed, on either side. Whatever comes, the session goes on or ends with a reason that is not a fault of ours;
 * no text reaches the target that was not judged, and every Permit is settled.
 */
import { describe, expect, test } from 'vitest'
import { framesOf } from '../rig/frames.ts'
import { Talk } from '../rig/talk.ts'
import { type Capture, readCaptures, type Turn } from './capture.ts'
import { mutated } from './mutate.ts'
import { REGIMES } from './regimes.ts'
import { chance, eachSeed } from './seed.ts'

/** What a refused message is replaced by: it can only fail. */
const STAND_IN_TEXT = 'SLUICE REFUSED'

const SIDES = ['client', 'target', 'both'] as const

/** The text of what a client may say that runs or prepares something. */
function texts(bytes: Buffer): string[] {
  return framesOf(bytes).frames.flatMap(({ type, bytes: frame }) => {
    const parts = frame.subarray(5).toString('utf8').split('\0')
    if (type === 'Q') return [parts[0]!]
    return type === 'P' ? [parts[1]!] : []
  })
}

async function playedOn(capture: Capture, turns: readonly Turn[], seed: number): Promise<Talk> {
  const { below } = chance(seed)
  const talk = await Talk.open(REGIMES[capture.regime]!)
  for (const turn of turns) {
    if (talk.over) break
    if (turn.from === 'people') {
      if (talk.held > 0) await talk.decided(turn.approved)
      continue
    }
    const cut = below(turn.bytes.length + 1)
    for (const piece of [turn.bytes.subarray(0, cut), turn.bytes.subarray(cut)]) {
      if (turn.from === 'client') talk.fromClient(piece)
      else talk.fromTarget(piece)
    }
    await Talk.settled()
  }
  while (talk.held > 0) await talk.decided(below(2) === 0)
  talk.clientLeft()
  await Talk.settled()
  return talk
}

describe.each(readCaptures())('$name', (capture) => {
  test.each(SIDES)(
    'with what comes from %s changed: no fault of ours, nothing unjudged, nothing unsettled',
    async (side) => {
      await eachSeed(15, async (seed) => {
        const talk = await playedOn(capture, mutated(capture.turns, side, seed), seed)
        expect(talk.failure?.code, talk.failure?.stack).not.toBe('internal')
        expect(talk.open.size).toBe(0)
        const known = new Set([...talk.judged, ...talk.granted])
        const unjudged = texts(talk.toTargetAll).filter((text) => !known.has(text) && text !== STAND_IN_TEXT)
        expect(unjudged).toEqual([])
      })
    },
  )
})
