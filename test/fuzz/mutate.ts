import { type Framed, framesOf } from '../rig/frames.ts'
import type { Turn } from './capture.ts'
import { type Chance, chance } from './seed.ts'

/** Numbers a reader of lengths and counts may stumble over. */
const INTEGERS = [-1, 0, 1, 3, 4, 5, 0x7fff, 0x8000, 0xffff, 0x10000, 0x3fffffff, 0x7fffffff, -0x80000000]
const TYPES = Buffer.from('QPBEDCSHXFdcfpTZtnIENA1236789GWVKRs\0\xff', 'latin1')

/** A message, or a run of them, with something wrong. */
type Change = (bytes: Buffer, random: Chance) => Buffer

const CHANGES: readonly Change[] = [
  (bytes, { below }) => {
    bytes[below(bytes.length)]! ^= 1 << below(8)
    return bytes
  },
  (bytes, { below, of }) => {
    bytes[below(bytes.length)] = of([0, 1, 0x27, 0x7f, 0x80, 0xff])
    return bytes
  },
  (bytes, { below, of }) => {
    if (bytes.length >= 4) bytes.writeInt32BE(of(INTEGERS), below(bytes.length - 3))
    return bytes
  },
  // The length of a message, and its type.
  (bytes, { of }) => {
    const frames = wholeMessages(bytes)
    if (frames.length > 0) of(frames).bytes.writeInt32BE(of(INTEGERS), 1)
    return bytes
  },
  (bytes, { of, below }) => {
    const frames = wholeMessages(bytes)
    if (frames.length > 0) of(frames).bytes[0] = TYPES[below(TYPES.length)]!
    return bytes
  },
  // A stretch gone, there twice, or of something else.
  (bytes, { below }) => {
    const at = below(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(16))])
  },
  (bytes, { below }) => {
    const at = below(bytes.length)
    const end = Math.min(bytes.length, at + 1 + below(64))
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])
  },
  (bytes, { below }) => {
    const at = below(bytes.length)
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(Array.from({ length: 1 + below(12) }, () => below(256))),
      bytes.subarray(at),
    ])
  },
  (bytes, { below }) => bytes.subarray(0, below(bytes.length)),
  // Whole messages twice, or in another order.
  (bytes, { of }) => {
    const frames = wholeMessages(bytes)
    return frames.length > 0 ? Buffer.concat([bytes, of(frames).bytes]) : bytes
  },
  (bytes) =>
    Buffer.concat(
      wholeMessages(bytes)
        .map((frame) => frame.bytes)
        .reverse(),
    ),
]

/** The messages of a turn, as long as no earlier change made them unreadable. */
function wholeMessages(bytes: Buffer): Framed[] {
  try {
    return framesOf(bytes).frames
  } catch {
    return []
  }
}

/** A session with one to four changes to what comes from a side; a turn may also be missing, come twice, or come too early. */
export function mutated(turns: readonly Turn[], side: 'client' | 'target' | 'both', seed: number): Turn[] {
  const random = chance(seed * 7919)
  const out = turns.map((turn) => (turn.from === 'people' ? turn : { ...turn, bytes: Buffer.from(turn.bytes) }))
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = random.below(out.length)
    const turn = out[at]!
    if (turn.from === 'people' || turn.bytes.length === 0 || (side !== 'both' && turn.from !== side)) continue
    const kind = random.below(CHANGES.length + 3)
    const change = CHANGES[kind]
    if (change) out[at] = { ...turn, bytes: Buffer.from(change(turn.bytes, random)) }
    else if (kind === CHANGES.length) out.splice(at, 1)
    else if (kind === CHANGES.length + 1) out.splice(at, 0, turn)
    else out.splice(Math.max(0, at - 1), 0, ...out.splice(at, 1))
    if (out.length === 0) break
  }
  return out
}
