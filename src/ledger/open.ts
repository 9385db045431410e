import { mkdirSync } from 'node:fs'
import { type Clock, systemClock } from '../kit/clock.ts'
import { createLog, type Log } from '../kit/log.ts'
import { type Disk, lockFolder, realDisk } from './disk.ts'
import { ledgerKey } from './key.ts'
import { ledgerPaths } from './layout.ts'
import { Ledger } from './ledger.ts'
import { FSYNC_ms } from './limits.ts'
import { formatVerifierKey } from './note.ts'
import { recoverEntries } from './recovery.ts'
import { Segment } from './segment.ts'

export interface LedgerOptions {
  readonly dir: string
  /** The Ed25519 signing key, made on first use with mode 0600. Default: `<dir>.key`, outside the folder auditors copy. */
  readonly key?: string
  /** The log's name in checkpoints, one word: `gateway.example/ledger`. It cannot change later. */
  readonly origin: string
  /** Most milliseconds between a commit and its sync. */
  readonly fsync_ms?: number
  readonly segment_bytes?: number
  readonly clock?: Clock
  readonly log?: Log
  readonly disk?: Disk
}

/**
 * Opens the ledger for writing, alone. Cuts a torn tail, checks what is there against the newest checkpoint, ends what the last run left
 * open. Throws `ledger.damaged` when the files do not verify, `config.invalid` when another process writes it or the key is another.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const { dir, clock = systemClock, log = createLog('warn'), disk = realDisk, fsync_ms = FSYNC_ms } = options
  const paths = ledgerPaths(dir)
  mkdirSync(paths.entries, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(paths.lock)
  const key = ledgerKey(paths, options.key ?? `${dir}.key`, options.origin)
  const found = recoverEntries(paths)
  const segment = found.last ? Segment.resume(disk, found.last) : Segment.create(disk, paths.entries, 0)
  const ledger = new Ledger({
    paths,
    disk,
    clock,
    log,
    fsync_ms,
    ...(options.segment_bytes === undefined ? {} : { segment_bytes: options.segment_bytes }),
    publicKey: formatVerifierKey(key),
    segment,
    size: found.size,
    onClosed: unlock,
  })
  ledger.append('start', `"pid":${process.pid}${found.cut ? `,"cut":${JSON.stringify(found.cut)}` : ''}`)
  ledger.commit()
  await ledger.durable()
  return ledger
}
