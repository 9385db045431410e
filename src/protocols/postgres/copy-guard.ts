import { containsMaskOutput } from '../../masking/index.ts'
import type { Refusal } from '../contract.ts'
import { FRONTEND } from './codec.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'
import { frame } from './messages.ts'

/** Longer than anything a transform writes: what two pieces share is looked at again. */
const OVERLAP = 64
const HEADER = 5
/** The server says it in its error; the client hears the refusal instead. */
const WHY = Buffer.from('refused\0')
const COPY_FAIL = frame(String.fromCharCode(FRONTEND.CopyFail), WHY)

/** What becomes of a piece of COPY data: it passes, it is dropped, or the COPY must end here. */
export type CopyFate = 'pass' | 'drop' | 'fail'

/**
 * Watches the data of COPY FROM STDIN for masked text on its way back (B46). What the server has of the COPY by then is undone with it: the COPY
 * is failed, as its client could have done.
 */
export class CopyGuard {
  readonly #d: Dialogue
  #run: Run | undefined
  /** The end of the data so far. */
  #tail: Buffer = EMPTY
  /** Bytes of the message under way that are still to come. */
  #rest = 0

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
  }

  /** True while a COPY that was failed has not been answered: nothing of it is sent any more. */
  get failed(): boolean {
    return this.#run?.cut !== undefined && this.#run.running
  }

  /** Looks at a stretch of CopyData; `first` begins with the message's header. */
  look(bytes: Buffer, first: boolean): CopyFate {
    if (first) this.#rest = bytes.readInt32BE(1) + 1
    this.#rest -= bytes.length
    if (this.failed) return 'drop'
    if (this.#run?.running !== true) this.#begin()
    if (!this.#run || this.#run.permit.obligations.mask.length === 0) return 'pass'
    const body = first ? bytes.subarray(HEADER) : bytes
    const joint = Buffer.concat([this.#tail, body.subarray(0, OVERLAP)])
    if (containsMaskOutput(joint) || containsMaskOutput(body)) return 'fail'
    this.#tail = body.length >= OVERLAP ? Buffer.from(body.subarray(-OVERLAP)) : joint.subarray(-OVERLAP)
    return 'pass'
  }

  /**
   * Refuses the COPY, and returns what ends it at the server. A message whose header has left leaves whole: the rest of it is zeros, which no
   * text may hold.
   */
  fail(headerSent: boolean, pieceLength: number): readonly Buffer[] {
    const run = this.#run!
    const refusal: Refusal = this.#d.parts.session.refuse('mask.write', 'COPY FROM STDIN', 'in the data of a COPY')
    run.cut = { ...refusal, op: run.permit.op }
    return headerSent ? [Buffer.alloc(this.#rest + pieceLength), COPY_FAIL] : [COPY_FAIL]
  }

  #begin(): void {
    this.#tail = EMPTY
    this.#run = undefined
    for (const exchange of this.#d.queue.waiting()) {
      const run = 'run' in exchange ? exchange.run : undefined
      if (!run?.statements.some(({ result }) => result.kind === 'copyIn')) continue
      this.#run = run
      return
    }
  }
}

const EMPTY = Buffer.alloc(0)
