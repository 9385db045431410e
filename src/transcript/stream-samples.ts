import type { TranscriptEvent } from '../model/transcript.ts'
import { SAMPLE_bytes } from './limits.ts'

/** How much of programs' streams is kept: on a terminal all, else the first bytes of each. */
export class StreamSamples {
  readonly #whole = new Set<number>()
  readonly #left = new Map<string, number>()

  /** Everything of this operation is kept. */
  whole(op: number): void {
    this.#whole.add(op)
  }

  /** How many of the event's bytes are kept. */
  take(event: Extract<TranscriptEvent, { kind: 'output' | 'input' }>): number {
    if (this.#whole.has(event.op)) return event.bytes.length
    const key = `${event.op} ${event.kind === 'output' ? event.stream : 0}`
    const left = this.#left.get(key) ?? SAMPLE_bytes
    const kept = Math.min(left, event.bytes.length)
    this.#left.set(key, left - kept)
    return kept
  }

  /** The operation is over. */
  over(op: number): void {
    this.#whole.delete(op)
    for (const stream of [0, 1, 2]) this.#left.delete(`${op} ${stream}`)
  }
}
