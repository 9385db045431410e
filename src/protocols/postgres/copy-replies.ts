import { ByteReader } from '../../kit/bytes.ts'
import { SluiceError } from '../../kit/errors.ts'
import { BACKEND } from './codec.ts'
import type { Dialogue } from './dialogue.ts'
import { dueRun, type Fate, SWALLOW } from './fate.ts'
import { planCopy } from './plans.ts'
import { cutShort } from './run.ts'

const HEADER = 5

/** One message of the target, where it lies, and whether the client is to hear of it. */
interface CopyMessage {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  readonly muted: boolean
}

/** The target's side of COPY, in, out and both ways (protocol documentation, "COPY Operations"). */
export class CopyReplies {
  readonly #d: Dialogue

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
  }

  message(type: number, message: CopyMessage): Fate {
    switch (type) {
      case BACKEND.CopyData:
        return this.#copyData(message)
      case BACKEND.CopyDone:
        return this.#copyDone(message)
      case BACKEND.CopyOutResponse:
        return this.#copyOut(message)
      case BACKEND.CopyInResponse:
        return this.#copyIn()
      default:
        return this.#copyBoth()
    }
  }

  /** CopyOutResponse: Int8 format, Int16 columns, their formats. */
  #copyOut({ bytes, start, end, muted }: CopyMessage): Fate {
    const run = dueRun(this.#d, 'a CopyOutResponse')
    const reader = new ByteReader(bytes, start + HEADER + 1, end)
    planCopy(this.#d, run, reader.uint16())
    this.#d.copy = 'out'
    return muted ? SWALLOW : undefined
  }

  /** Sync and Flush sent before the COPY data ends are discarded by the server: no ReadyForQuery comes for those Syncs. */
  #copyIn(): Fate {
    if (this.#d.copiesIn === 0 || !this.#d.running())
      throw new SluiceError('protocol.target', 'an unexpected CopyInResponse')
    const { queue } = this.#d
    let lexing = 0
    let place = 1
    for (let next = queue.at(place); next && next.kind !== 'copyEnd'; next = queue.at(++place)) {
      if (next.kind !== 'sync') continue
      next.spent = true
      lexing += next.lexing
      next.lexing = 0
    }
    this.#d.copy = queue.at(place) ? 'none' : 'in'
    this.#d.reopenLexing(lexing, place)
    // Whoever waits here talks to a server that wants COPY data.
    this.#d.wakeWaiters()
    return undefined
  }

  /** CopyBothResponse: a stream of changes nobody here decodes; only a replication session may have one. */
  #copyBoth(): Fate {
    dueRun(this.#d, 'a CopyBothResponse')
    if (!this.#d.parts.replication) throw new SluiceError('protocol.target', 'an unexpected CopyBothResponse')
    this.#d.copy = 'both'
    return undefined
  }

  #copyData({ bytes, start, end, muted }: CopyMessage): Fate {
    if (this.#d.copy === 'both') return undefined
    const run = dueRun(this.#d, 'COPY data')
    if (this.#d.copy !== 'out') throw new SluiceError('protocol.target', 'COPY data outside COPY')
    if (run.cut || muted) return SWALLOW
    const most = run.permit.obligations.rows
    if (most !== undefined && run.rows >= most) {
      cutShort(this.#d, run, 'limit.rows', `at most ${most} rows`)
      return SWALLOW
    }
    run.rows++
    run.bytes += end - start
    return run.copyMasker?.feed(bytes.subarray(start + HEADER, end))
  }

  #copyDone({ muted }: CopyMessage): Fate {
    if (this.#d.copy === 'both') return undefined
    const run = dueRun(this.#d, 'CopyDone')
    if (this.#d.copy !== 'out') throw new SluiceError('protocol.target', 'CopyDone outside COPY')
    this.#d.copy = 'none'
    const rest = run.cut ? undefined : run.copyMasker?.end()
    if (!rest || rest.length === 0) return muted ? SWALLOW : undefined
    return Buffer.concat([rest, Buffer.of(BACKEND.CopyDone, 0, 0, 0, 4)])
  }
}
