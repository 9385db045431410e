import { SluiceError } from '../../kit/errors.ts'
import { BACKEND } from './codec.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'
import { COLLECTED_BYTES, SAMPLE_BYTES } from './limits.ts'
import { planRows } from './plans.ts'
import { type Fate, Replies, SWALLOW } from './replies.ts'
import { cutShort } from './run.ts'

const HEADER = 5

/**
 * Cuts what the target sends into messages, and passes stretches that need no change as the bytes they came in. Rows are walked by
 * their lengths only; a row to be masked is rewritten in runs by its RowMasker.
 */
export class TargetSide {
  readonly #d: Dialogue
  readonly #replies: Replies
  /** Start of a message whose rest is still to come, and the bytes wanted before it is worth joining. */
  #carry: Buffer[] = []
  #carried = 0
  #wanted = 0
  /** Bytes of an unmasked row or COPY message that pass without being collected. */
  #passing = 0
  /** What remains of a message that is swallowed without being collected. */
  #dropping = 0

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
    this.#replies = new Replies(dialogue)
  }

  feed(chunk: Buffer): void {
    if (this.#carried === 0) return this.#walk(chunk)
    this.#carry.push(chunk)
    this.#carried += chunk.length
    if (this.#carried < this.#wanted) return
    const bytes = Buffer.concat(this.#carry, this.#carried)
    this.#carry = []
    this.#carried = 0
    this.#wanted = 0
    this.#walk(bytes)
  }

  #walk(bytes: Buffer): void {
    const { wire } = this.#d.parts
    let at = this.#skipDropped(bytes)
    let kept = at
    const passed = Math.min(this.#passing, bytes.length - at)
    this.#passing -= passed
    at += passed
    while (bytes.length - at >= HEADER) {
      const type = bytes[at]!
      const end = messageEnd(bytes, at)
      if (end > bytes.length) {
        if (!this.#passPartly(type, bytes, at, end)) break
        at = bytes.length
        break
      }
      let fate: Fate
      let until = end
      if (type === BACKEND.DataRow) {
        until = runEnd(bytes, end)
        fate = this.#rows(bytes, at, until)
      } else fate = this.#replies.message(type, bytes, at, end)
      if (fate !== undefined) {
        if (at > kept) wire.toClient(bytes.subarray(kept, at))
        if (fate.length > 0) wire.toClient(fate)
        kept = until
      }
      at = until
    }
    if (at > kept) wire.toClient(kept === 0 && at === bytes.length ? bytes : bytes.subarray(kept, at))
    if (at < bytes.length && this.#dropping === 0) this.#keep(bytes, at)
  }

  #skipDropped(bytes: Buffer): number {
    const dropped = Math.min(this.#dropping, bytes.length)
    this.#dropping -= dropped
    return dropped
  }

  #keep(bytes: Buffer, at: number): void {
    this.#carry.push(bytes.subarray(at))
    this.#carried = bytes.length - at
    if (this.#carried < HEADER) return
    const length = messageEnd(bytes, at) - at
    if (length > COLLECTED_BYTES) throw new SluiceError('mask.unreadable', `a message of ${length} bytes`)
    this.#wanted = length
  }

  /** A row or COPY message that need not be seen whole goes on in pieces, whatever its size. Returns false when it must be collected. */
  #passPartly(type: number, bytes: Buffer, start: number, end: number): boolean {
    if (type !== BACKEND.DataRow && type !== BACKEND.CopyData) return false
    const run = this.#replies.running()
    if (!run || run.permit.obligations.rows !== undefined) return false
    if (type === BACKEND.DataRow && !run.planned) this.#plan(run)
    if (type === BACKEND.DataRow ? run.masker || run.sample > 0 : run.copyMasker || !run.planned) return false
    if (this.#replies.muted || run.cut) return false
    run.rows++
    run.bytes += end - start
    this.#passing = end - bytes.length
    return true
  }

  #plan(run: Run): void {
    const { portal } = run
    const described = run.described ?? portal?.described ?? portal?.prepared.described
    // A portal's own description knows its formats; a statement's does not, Bind asked for them.
    const own = run.described !== undefined || portal?.described !== undefined
    planRows(this.#d, run, described, own || !portal ? ALL_AS_DESCRIBED : portal.bind.resultFormats)
  }

  /** A run of complete DataRow messages. */
  #rows(bytes: Buffer, start: number, end: number): Fate {
    const run = this.#replies.running()
    if (!run) throw new SluiceError('protocol.target', 'a row nobody asked for')
    if (this.#replies.muted || run.cut) return SWALLOW
    if (!run.planned) this.#plan(run)
    const most = run.permit.obligations.rows
    const until = this.#count(run, bytes, start, end, most)
    const masked = run.masker
      ? run.masker.maskRows(bytes, start, until)
      : until === end
        ? undefined
        : bytes.subarray(start, until)
    if (run.sample > 0) this.#sample(run, masked ?? bytes.subarray(start, until))
    return masked
  }

  /** Counts rows and returns where the last one that may pass ends. */
  #count(run: Run, bytes: Buffer, start: number, end: number, most = Number.MAX_SAFE_INTEGER): number {
    let at = start
    while (at < end) {
      if (run.rows >= most) {
        cutShort(this.#d, run, 'limit.rows', `at most ${most} rows`)
        break
      }
      run.rows++
      at = messageEnd(bytes, at)
    }
    run.bytes += at - start
    return at
  }

  /** Keeps the first rows of an operation for the transcript, as the client gets them. */
  #sample(run: Run, rows: Buffer): void {
    let at = 0
    while (at < rows.length && run.sample > 0) {
      const end = messageEnd(rows, at)
      if (end > SAMPLE_BYTES) {
        run.sample = 0
        break
      }
      at = end
      run.sample--
    }
    if (at > 0)
      this.#d.parts.session.note({
        kind: 'rows',
        op: run.permit.op,
        columnsOf: run.columnsOf,
        bytes: rows.subarray(0, at),
      })
  }
}

const ALL_AS_DESCRIBED: readonly (0 | 1)[] = []

/** End of the message at `at`: type byte, then an Int32 length that counts itself. */
function messageEnd(bytes: Buffer, at: number): number {
  const length = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!
  if (length < 4) throw new SluiceError('protocol.target', `message length ${length}`)
  return at + 1 + length
}

/** Where the run of complete DataRow messages ends whose first one ends at `at`. */
function runEnd(bytes: Buffer, at: number): number {
  let end = at
  while (bytes.length - end >= HEADER && bytes[end] === BACKEND.DataRow) {
    const next = messageEnd(bytes, end)
    if (next > bytes.length) break
    end = next
  }
  return end
}
