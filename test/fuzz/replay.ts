import { sha256 } from '../../src/kit/digest.ts'
import { framesOf } from '../rig/frames.ts'
import { type Regime, Talk } from '../rig/talk.ts'
import { printed } from '../rig/wire.ts'
import type { Capture } from './capture.ts'

/** Sizes of the pieces something is cut into, and after which of them what waits for its turn gets it. */
export interface Cut {
  readonly size: () => number
  readonly settles: () => boolean
}

export const WHOLE: Cut = { size: () => Number.POSITIVE_INFINITY, settles: () => true }

/** Everything a session came to, so that two of them can be compared. Where the order of two things is not defined, they stand apart. */
export interface Outcome {
  /** Digest of what was sent to the target. */
  readonly sent: string
  /** Decisions, in order. */
  readonly asked: readonly string[]
  /** Outcomes, and what was noted for replay. */
  readonly told: readonly string[]
  /** Messages the client got. */
  readonly heard: readonly string[]
  /** Among them, told by us while others arrive: that something waits for people. */
  readonly waits: readonly string[]
  readonly failure: string | undefined
  readonly unsettled: number
}

/** Feeds a capture to the conversation under a regime, cut as told. */
export async function replay(capture: Capture, regime: Regime, cut: Cut): Promise<Outcome> {
  return outcomeOf(await talkOf(capture, regime, cut))
}

/** How many bytes had been sent before each decision. Byte by byte, they are those of the operations decided before. */
export async function sentBefore(capture: Capture, regime: Regime, cut: Cut): Promise<readonly number[]> {
  return (await talkOf(capture, regime, cut)).askedAfter
}

async function talkOf(capture: Capture, regime: Regime, cut: Cut): Promise<Talk> {
  const talk = await Talk.open(regime)
  for (const turn of capture.turns) {
    if (turn.from === 'people') {
      if (talk.held > 0) await talk.decided(turn.approved)
      continue
    }
    for (let at = 0; at < turn.bytes.length; ) {
      const end = Math.min(turn.bytes.length, at + cut.size())
      // A chunk of the socket is nobody else's: what is kept of it must not be overwritten, and is not.
      const piece = Buffer.from(turn.bytes.subarray(at, end))
      if (turn.from === 'client') talk.fromClient(piece)
      else talk.fromTarget(piece)
      if (cut.settles()) await Talk.settled()
      at = end
    }
    await Talk.settled()
  }
  talk.clientLeft()
  await Talk.settled()
  return talk
}

export function outcomeOf(talk: Talk): Outcome {
  const { frames, rest } = framesOf(talk.toClientAll)
  if (rest.length > 0) throw new Error('the client was left within a message')
  const lines = frames.map(({ type, bytes }) => `${printed({ type, body: bytes.subarray(5) })} ${sha256(bytes)}`)
  const isWait = (line: string) => line.includes('waiting for approval')
  return {
    sent: sha256(talk.toTargetAll),
    asked: talk.asked,
    told: talk.told,
    heard: lines.filter((line) => !isWait(line)),
    waits: lines.filter(isWait),
    failure: talk.failure?.code,
    unsettled: talk.open.size,
  }
}
