import { Carry } from '../../kit/carry.ts'
import { SluiceError } from '../../kit/errors.ts'
import { BACKEND } from './codec.ts'
import type { Dialogue } from './dialogue.ts'
import type { Run } from './exchange.ts'
import { type Fate, SWALLOW } from './fate.ts'
import { COLLECTED_BYTES } from './limits.ts'
import { planRows } from './plans.ts'
import { Replies } from './replies.ts'
import { cutShort } from './run.ts'

const HEADER = 5
/** Up to this many bytes a copy costs less than keeping the chunk they are in. */
const COPIED = 4096

/** What becomes of a message whose end has not come yet. */
type Partly = 'collect' | 'pass' | 'drop'

/**
 * Cuts what the target sends into messages, and passes stretches that need no change as the bytes they came in. Rows are walked by
 * their lengths only; a row to be masked is rewritten in runs by its RowMasker.
 */
export class TargetSide {
  readonly #d: Dialogue
  readonly #replies: Replies
  /** Start of a message whose rest is still to come, and the bytes wanted before it is worth joining. */
  readonly #carry = new Carry()
  #wanted = 0
  /** Something of the chunk in hand may be kept. */
  #kept = false
  /** Bytes of an unmasked row or COPY message that pass without being collected. */
  #passing = 0
  /** What remains of a message that is swallowed without being collected. */
  #dropping = 0

  constructor(dialogue: Dialogue) {
    this.#d = dialogue
    this.#replies = new Replies(dialogue)
  }

  /** Returns true when nothing of the chunk is kept but what was emitted. */
  feed(chunk: Buffer): boolean {
    this.#kept = false
    try {
      const rest = this.#carry.size > 0 ? this.#complete(chunk) : chunk
      if (rest !== undefined) this.#walk(rest)
    } catch (thrown) {
      // The byte reader blames the client; here it read the target.
      if (!(thrown instanceof SluiceError) || thrown.code !== 'protocol.malformed') throw thrown
      throw new SluiceError('protocol.target', thrown.detail, { cause: thrown })
    }
    return !this.#kept
  }

  /** Joins what is carried with as much of the chunk as completes it: first a header, then its message. Returns what the chunk holds beyond. */
  #complete(chunk: Buffer): Buffer | undefined {
    let at = 0
    while (this.#carry.size > 0) {
      const missing = (this.#wanted || HEADER) - this.#carry.size
      const part = chunk.subarray(at, at + missing)
      this.#carryOn(part)
      at += part.length
      if (part.length < missing) return undefined
      this.#wanted = 0
      this.#walk(this.#carry.take())
    }
    return at < chunk.length ? chunk.subarray(at) : undefined
  }

  #walk(bytes: Buffer): void {
    const { wire } = this.#d.parts
    let at = this.#passOrDrop(bytes)
    let kept = at
    try {
      while (bytes.length - at >= HEADER) {
        const type = bytes[at]!
        const end = messageEnd(bytes, at)
        if (end > bytes.length) {
          const way = this.#partly(type, end - at)
          if (way === 'collect') break
          if (way === 'pass') this.#pass(end - bytes.length)
          else {
            if (at > kept) wire.toClient(bytes.subarray(kept, at))
            kept = bytes.length
            this.#dropping = end - bytes.length
          }
          at = bytes.length
          break
        }
        let fate: Fate
        let until = end
        if (type === BACKEND.DataRow) {
          until = runEnd(bytes, end)
          fate = this.#rows(bytes, at, until)
        } else {
          this.#kept = true
          fate = this.#replies.message(type, bytes, at, end)
        }
        if (fate !== undefined) {
          if (at > kept) wire.toClient(bytes.subarray(kept, at))
          if (fate.length > 0) wire.toClient(fate)
          kept = until
        }
        at = until
      }
    } finally {
      // Also before an error: what was good in this piece is told, as it would be had it come alone.
      if (at > kept) wire.toClient(kept === 0 && at === bytes.length ? bytes : bytes.subarray(kept, at))
    }
    if (at < bytes.length) this.#keep(bytes, at)
  }

  /** The rest of a message that was begun: passed on or swallowed. Returns where it ends in `bytes`. */
  #passOrDrop(bytes: Buffer): number {
    const dropped = Math.min(this.#dropping, bytes.length)
    this.#dropping -= dropped
    const passed = Math.min(this.#passing, bytes.length - dropped)
    if (passed === 0) return dropped
    this.#passing -= passed
    this.#d.parts.wire.toClient(passed === bytes.length ? bytes : bytes.subarray(dropped, dropped + passed))
    if (this.#passing === 0) this.#d.messageEnded()
    return dropped + passed
  }

  #pass(rest: number): void {
    this.#passing = rest
    this.#d.midMessage = true
  }

  #keep(bytes: Buffer, at: number): void {
    this.#carryOn(at === 0 ? bytes : bytes.subarray(at))
    if (this.#carry.size < HEADER) return
    const length = messageEnd(bytes, at) - at
    if (length > COLLECTED_BYTES) throw new SluiceError('mask.unreadable', `a message of ${length} bytes`)
    this.#wanted = length
  }

  /** A copy of a small piece of a chunk lets go of the chunk. */
  #carryOn(part: Buffer): void {
    const small = part.length <= COPIED
    if (!small) this.#kept = true
    this.#carry.keep(small ? Buffer.from(part) : part)
  }

  /** A row or COPY message that need not be seen whole goes on in pieces, whatever its size. */
  #partly(type: number, length: number): Partly {
    if (type !== BACKEND.DataRow && type !== BACKEND.CopyData) return 'collect'
    const isRow = type === BACKEND.DataRow
    const run = this.#d.running()
    if (!run || (!isRow && this.#d.copy !== 'out')) return this.#d.copy === 'both' ? 'pass' : 'collect'
    if (this.#replies.muted || run.cut) return 'drop'
    if (isRow && !run.planned) this.#plan(run)
    const most = run.permit.obligations.rows
    if (most !== undefined && run.rows >= most) {
      cutShort(this.#d, run, 'limit.rows', `at most ${most} rows`)
      return 'drop'
    }
    if (isRow ? run.masker : run.copyMasker) return 'collect'
    if (isRow && run.sample > 0) {
      if (length <= run.sampleBytes) return 'collect'
      run.sample = 0
    }
    run.rows++
    run.bytes += length
    return 'pass'
  }

  #plan(run: Run): void {
    const { portal } = run
    const own = run.description.fields
    // A portal's own description knows its formats; a statement's does not, Bind asked for them.
    const formats = own || !portal ? ALL_AS_DESCRIBED : portal.bind.resultFormats
    planRows(this.#d, run, own ?? portal?.prepared.description.fields, formats)
  }

  /** A run of complete DataRow messages. */
  #rows(bytes: Buffer, start: number, end: number): Fate {
    const run = this.#d.running()
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
      if (end - at > run.sampleBytes) {
        run.sample = 0
        break
      }
      run.sampleBytes -= end - at
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
