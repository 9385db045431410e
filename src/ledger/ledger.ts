import type { Clock } from '../kit/clock.ts'
import { SluiceError } from '../kit/errors.ts'
import type { Log } from '../kit/log.ts'
import type { TextPiece } from '../kit/text-buffer.ts'
import type { EntryKind } from '../model/ledger.ts'
import type { LedgerPort } from '../model/ports.ts'
import { Batch, carryOver } from './batch.ts'
import { type Disk, syncFolder, writeFully } from './disk.ts'
import { type DurableMark, GroupSync } from './group-sync.ts'
import { type LedgerPaths, segmentPath } from './layout.ts'
import { AUTOCOMMIT_ms, BATCH_bytes, BODY_units, RETRY_ms } from './limits.ts'
import { Segment } from './segment.ts'

/** Told of a failure when writing stops working, and of undefined when it works again. */
export type FailureListener = (failure: SluiceError | undefined) => void

export interface LedgerStart {
  readonly paths: LedgerPaths
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
  readonly fsync_ms: number
  readonly segment_bytes: number
  readonly publicKey: string
  readonly segment: Segment
  /** Entries that are there. */
  readonly size: number
  /** Told what is on disk, for sealing. */
  readonly onDurable: (mark: DurableMark) => void
  /** Why sealing forbids further entries, if it does. */
  readonly sealFailure: () => SluiceError | undefined
  /** Seals what was written and gives back the folder. */
  readonly onClosed: (mark: DurableMark) => void | Promise<void>
}

/** The writing half of the ledger. Appends write bytes into memory; a commit is one write; syncing and sealing happen elsewhere. */
export class Ledger implements LedgerPort {
  /** The verifier key (c2sp.org/signed-note) an auditor needs. */
  readonly publicKey: string
  readonly #start: LedgerStart
  readonly #sync: GroupSync
  readonly #listeners = new Set<FailureListener>()
  #segment: Segment
  readonly #batch = new Batch()
  #size: number
  #next: number
  /** Entries of refused batches that did not fit into the carry. */
  #lost = 0
  #timer: NodeJS.Timeout | undefined
  #failure: SluiceError | undefined
  /** A sync failed: the next commit writes elsewhere what is not on disk before anything else. */
  #mustRescue = false
  #rescued_ms = 0
  #state: 'open' | 'closing' | 'closed' = 'open'

  constructor(start: LedgerStart) {
    this.#start = start
    this.publicKey = start.publicKey
    this.#segment = start.segment
    this.#size = start.size
    this.#next = start.size
    const mark = { size: start.size, segment: start.segment, offset: start.segment.offset }
    const { disk, clock, fsync_ms } = start
    this.#sync = new GroupSync(
      {
        disk,
        clock,
        fsync_ms,
        onDurable: start.onDurable,
        onReleased: (bytes) => this.#batch.release(bytes),
        onFailed: (cause) => this.#syncFailed(cause),
        onStalled: () => this.#checkStall(),
        syncNames: () => syncFolder(start.paths.entries),
      },
      mark,
    )
  }

  /** Entries committed so far. */
  get size(): number {
    return this.#size
  }
  /** Entries on disk. */
  get durableMark(): DurableMark {
    return this.#sync.durableMark
  }
  get failure(): SluiceError | undefined {
    return this.#failure
  }

  /** Registers for changes between working and failing. Returns the unsubscriber. */
  onFailure(listener: FailureListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  append(kind: EntryKind, body: string | readonly TextPiece[]): number {
    if (typeof body === 'string') checkText(body, 0)
    else checkPieces(body)
    // Late reports of sessions that end with the gateway: after its last checkpoint nothing is sealed any more.
    if (this.#state === 'closed') return -1
    const index = this.#next++
    this.#batch.add({ n: index, at_ms: this.#start.clock.now_ms(), kind }, body)
    if (this.#timer === undefined) this.#arm(AUTOCOMMIT_ms)
    return index
  }

  commit(): void {
    if (this.#batch.length === 0 && this.#state !== 'closed') return
    const failure = this.#tryCommit()
    if (failure === undefined) return
    this.#refuseBatch()
    throw failure
  }

  durable(): Promise<void> {
    return this.#sync.durable()
  }

  /** Writes, syncs, signs the last checkpoint and lets go of the files. Rejects with `ledger.unwritable`. */
  async close(): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    try {
      this.append('stop', '')
      this.commit()
      await this.durable()
    } finally {
      this.#state = 'closed'
      clearTimeout(this.#timer)
      this.#sync.stop()
      this.#segment.close()
      await this.#start.onClosed(this.#sync.durableMark)
    }
  }

  /** Writes the batch. On failure the batch stays as it is, and the file ends where it did. */
  #tryCommit(): SluiceError | undefined {
    const { stretch } = this.#batch
    try {
      if (this.#state === 'closed') throw new SluiceError('ledger.unwritable', 'the ledger is closed')
      if (this.#batch.length > BATCH_bytes) throw new SluiceError('limit.buffer', 'the ledger batch is too large')
      const sealFailure = this.#start.sealFailure()
      if (sealFailure) throw sealFailure
      if (this.#mustRescue) this.#rescue()
      if (this.#sync.stalled) throw new SluiceError('ledger.unwritable', 'the disk does not finish a sync')
      if (this.#segment.offset >= this.#start.segment_bytes) this.#roll()
      const { bytes, from, to } = stretch
      this.#segment.append(bytes.subarray(from, to), to - from)
    } catch (cause) {
      return this.#raise(cause)
    }
    this.#batch.committed()
    this.#size = this.#next
    this.#sync.committed({ size: this.#size, segment: this.#segment, offset: this.#segment.offset }, stretch)
    if (this.#failure) this.#clear()
    return undefined
  }

  #roll(): void {
    const full = this.#segment
    this.#segment = Segment.create(this.#start.disk, this.#start.paths.entries, this.#size)
    this.#sync.retire(full)
  }

  /** The batch's operations are refused by whoever appended them; what merely reports is carried into the next batch under new numbers. */
  #refuseBatch(): void {
    const { carried, lost } = carryOver(this.#batch.stretch)
    this.#lost += lost
    this.#batch.drop()
    this.#next = this.#size
    for (const entry of carried) this.#batch.add({ n: this.#next++, at_ms: entry.at_ms, kind: entry.kind }, entry.body)
    if (this.#batch.length > 0) this.#arm(RETRY_ms)
  }

  #arm(delay_ms: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#autocommit(), delay_ms)
    this.#timer.unref()
  }

  /** Commits what nobody committed. Never drops: an explicit commit still sees the batch, and its failure. */
  #autocommit(): void {
    this.#timer = undefined
    if (this.#batch.length === 0 || this.#state === 'closed') return
    if (this.#tryCommit() === undefined) return
    if (this.#batch.length > BATCH_bytes) this.#refuseBatch()
    this.#arm(RETRY_ms)
  }

  #raise(cause: unknown): SluiceError {
    const failure =
      cause instanceof SluiceError && cause.code.startsWith('ledger.')
        ? cause
        : new SluiceError('ledger.unwritable', cause instanceof Error ? cause.message : String(cause), { cause })
    if (!this.#failure) {
      this.#failure = failure
      this.#start.log.error('the ledger cannot be written; operations are refused', { cause: failure.detail })
      for (const listener of this.#listeners) listener(failure)
    }
    return failure
  }

  #clear(): void {
    this.#failure = undefined
    this.#start.log.info('the ledger can be written again')
    for (const listener of this.#listeners) listener(undefined)
    if (this.#lost === 0) return
    this.append('gap', `"entries":${this.#lost}`)
    this.#lost = 0
  }

  #checkStall(): void {
    if (this.#sync.stalled) this.#raise(new Error('the disk does not finish a sync'))
    else if (this.#failure && !this.#mustRescue) this.#clear()
  }

  #syncFailed(cause: Error): void {
    this.#mustRescue = true
    this.#rescued_ms = Number.NEGATIVE_INFINITY
    this.#raise(cause)
    try {
      this.#rescue()
      this.#clear()
    } catch (again) {
      this.#raise(again)
      this.#arm(RETRY_ms)
    }
  }

  /**
   * After a failed sync: writes every entry not known to be on disk into a new file, syncs it, and only then cuts the old one. The old
   * file is never synced again as if nothing had been (ATTACKS G43).
   */
  #rescue(): void {
    const { disk, clock, paths } = this.#start
    if (clock.monotonic_ms() - this.#rescued_ms < RETRY_ms) throw new SluiceError('ledger.unwritable', 'a sync failed')
    this.#rescued_ms = clock.monotonic_ms()
    const durable = this.#sync.durableMark
    const path = segmentPath(paths.entries, durable.size)
    const bytes = this.#sync.unsynced()
    const fd = disk.openSync(`${path}.rescue`, 'w', 0o600)
    try {
      writeFully(disk, fd, bytes, bytes.length, 0)
      disk.fdatasyncSync(fd)
    } finally {
      disk.closeSync(fd)
    }
    if (durable.segment.first !== durable.size) durable.segment.cut(durable.offset)
    for (const later of [...this.#sync.retired, this.#segment]) {
      if (later.first > durable.size) unlinkIfThere(disk, later.path)
    }
    disk.renameSync(`${path}.rescue`, path)
    syncFolder(paths.entries)
    this.#segment.close()
    this.#segment = Segment.resume(disk, paths.entries, { first: durable.size, offset: bytes.length })
    this.#sync.rescued({ size: this.#size, segment: this.#segment, offset: bytes.length })
    this.#mustRescue = false
  }
}

/** Throws for what no entry may hold; `before` are the units of the pieces before this one. Returns the units so far. */
function checkText(text: string, before: number): number {
  const units = before + text.length
  if (units > BODY_units) throw new SluiceError('limit.buffer', 'a ledger entry is too large')
  // A raw newline would forge the entry after it (ATTACKS G48). JSON never holds one.
  if (text.includes('\n')) throw new SluiceError('internal', 'a ledger entry holds a newline')
  return units
}

function checkPieces(pieces: readonly TextPiece[]): void {
  let units = 0
  for (const piece of pieces) if (typeof piece === 'string') units = checkText(piece, units)
}

function unlinkIfThere(disk: Disk, path: string): void {
  try {
    disk.unlinkSync(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
  }
}
