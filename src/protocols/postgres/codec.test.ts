/** The framer of the client's side: the same messages whatever the pieces, nothing collected that was not admitted, and nothing past one that waits. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { frame } from '../../../test/rig/wire.ts'
import { SluiceError } from '../../kit/errors.ts'
import { type Admission, Framer, type FrameSink } from './codec.ts'

const LONGEST = 300
const STREAMED = 'd'.charCodeAt(0)
const WAITING = 'w'.charCodeAt(0)

/** Notes what it is told. A message of type `w` is done when the test says so. */
class Notes implements FrameSink {
  readonly seen: string[] = []
  readonly failures: unknown[] = []
  resumes = 0
  done: (() => void)[] = []
  readonly framer = new Framer(this, (error) => this.failures.push(error))

  admit(type: number, length: number): Admission {
    if (length > LONGEST) throw new SluiceError('protocol.malformed', `invalid message length ${length}`)
    return type === STREAMED ? 'stream' : 'whole'
  }
  message(bytes: Buffer, start: number, end: number): void | Promise<void> {
    this.seen.push(bytes.toString('latin1', start, end))
    if (bytes[start] === WAITING) return new Promise((resolve) => this.done.push(resolve))
  }
  piece(bytes: Buffer, first: boolean, last: boolean): void {
    if (first) this.seen.push('')
    this.seen[this.seen.length - 1] += bytes.toString('latin1')
    if (last) this.seen[this.seen.length - 1] += '|'
  }
  resumed(): void {
    this.resumes++
  }
}

function feed(notes: Notes, bytes: Buffer, sizes: readonly number[]): void {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    notes.framer.feed(bytes.subarray(at, at + size))
    at += size
  }
}

const message = fc
  .tuple(fc.constantFrom('Q', 'P', 'S', 'd'), fc.uint8Array({ maxLength: 40 }))
  .map(([type, body]) => frame(type, Buffer.from(body)))
const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 })

test('A53: every segmentation gives the same messages', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), sizes, (messages, cut) => {
      const whole = new Notes()
      whole.framer.feed(Buffer.concat(messages))
      const pieces = new Notes()
      feed(pieces, Buffer.concat(messages), cut)
      expect(pieces.seen).toEqual(whole.seen)
      expect(whole.seen.length).toBe(messages.length)
    }),
    { numRuns: 500, seed: 20_271 },
  )
})

test('A50: whatever comes, it is framed or refused, and a message is refused by its header alone', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(message, fc.uint8Array({ maxLength: 9 })), { maxLength: 9 }), sizes, (parts, cut) => {
      const notes = new Notes()
      try {
        feed(notes, Buffer.concat(parts), cut)
      } catch (error) {
        expect((error as SluiceError).code).toBe('protocol.malformed')
      }
      for (const seen of notes.seen) expect(seen.length).toBeLessThan(LONGEST + 2)
    }),
    { numRuns: 1_000, seed: 20_272 },
  )
})

describe('a message that has to wait', () => {
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const all = Buffer.concat([frame('Q'), frame('w'), frame('S'), frame('d', Buffer.from('xy')), frame('w'), frame('Q')])

  test.each([1, 3, 7, 1000])('stops what is behind it until it is done (pieces of %i)', async (size) => {
    const notes = new Notes()
    feed(notes, all, [size])
    expect(notes.seen.length).toBe(2)
    notes.done.shift()!()
    await settled()
    expect(notes.seen.length).toBe(5)
    expect(notes.resumes).toBe(0)
    notes.done.shift()!()
    await settled()
    expect(notes.seen.length).toBe(6)
    expect(notes.resumes).toBe(1)
  })

  test('hands on what goes wrong behind it', async () => {
    const notes = new Notes()
    notes.framer.feed(Buffer.concat([frame('w'), Buffer.from([0x51, 0, 0, 0, 3])]))
    notes.done.shift()!()
    await settled()
    expect(notes.failures).toEqual([expect.objectContaining({ code: 'protocol.malformed' })])
  })
})
