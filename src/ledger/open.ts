import { mkdirSync } from 'node:fs'
import { type Clock, systemClock } from '../kit/clock.ts'
import { createLog, type Log } from '../kit/log.ts'
import { type Disk, lockFolder, realDisk } from './disk.ts'
import { ledgerKey } from './key.ts'
import { type LedgerPaths, ledgerPaths } from './layout.ts'
import { Ledger } from './ledger.ts'
import { FSYNC_ms, SEGMENT_bytes } from './limits.ts'
import { formatVerifierKey } from './note.ts'
import { type Recovered, recover } from './recovery.ts'
import type { Place } from './sealer.ts'
import { Sealing } from './sealing.ts'
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
 * Opens the ledger for writing, alone. Cuts a torn tail, checks what is there against the newest checkpoint, and ends what the last run
 * left open: an intent without an outcome becomes one with status `unknown`, a session without a close is closed. Throws `ledger.damaged`
 * when the files do not verify, `config.invalid` when another process writes them or the key is another.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  const paths = ledgerPaths(options.dir)
  mkdirSync(paths.entries, { recursive: true, mode: 0o700 })
  const unlock = lockFolder(paths.lock)
  let ledger: Ledger
  try {
    ledger = start(options, paths, unlock)
  } catch (cause) {
    unlock()
    throw cause
  }
  try {
    ledger.commit()
    await ledger.durable()
    return ledger
  } catch (cause) {
    await ledger.close().catch(() => {})
    throw cause
  }
}

function start(options: LedgerOptions, paths: LedgerPaths, unlock: () => void): Ledger {
  const { clock = systemClock, log = createLog('warn'), disk = realDisk, fsync_ms = FSYNC_ms, origin } = options
  const keyFile = options.key ?? `${options.dir}.key`
  const key = ledgerKey(paths, keyFile, origin)
  const found = recover(paths, key, log)
  const sealing = new Sealing({
    start: { dir: options.dir, key: keyFile, origin, sealed: found.sealed, openWork: found.workAtSeal },
    log,
    monotonic_ms: () => clock.monotonic_ms(),
  })
  const ledger = new Ledger({
    paths,
    disk,
    clock,
    log,
    fsync_ms,
    segment_bytes: options.segment_bytes ?? SEGMENT_bytes,
    publicKey: formatVerifierKey(key),
    segment: resume(disk, paths, found.end),
    size: found.end?.size ?? 0,
    onDurable: (mark) => sealing.advance(place(mark)),
    sealFailure: () => sealing.failure,
    onClosed: async (mark) => {
      try {
        await sealing.close(place(mark))
      } finally {
        unlock()
      }
    },
  })
  appendStart(ledger, found)
  return ledger
}

function resume(disk: Disk, paths: LedgerPaths, end: Place | undefined): Segment {
  return end ? Segment.resume(disk, paths.entries, end) : Segment.create(disk, paths.entries, 0)
}

function place(mark: { size: number; segment: Segment; offset: number }): Place {
  return { size: mark.size, first: mark.segment.first, offset: mark.offset }
}

function appendStart(ledger: Ledger, found: Recovered): void {
  const cut = found.cut ? `,"cut":${JSON.stringify(found.cut)}` : ''
  // Whoever can write to the folder could have added to what no checkpoint covered yet: a crash leaves a second's worth, a stop nothing.
  const unsealed = (found.end?.size ?? 0) - found.sealed.size
  ledger.append('start', `"pid":${process.pid}${cut}${unsealed > 0 ? `,"unsealed":${unsealed}` : ''}`)
  for (const [session, operations] of found.work.sessions) {
    const id = JSON.stringify(session)
    for (const op of operations) ledger.append('outcome', `"session":${id},"op":${op},"status":"unknown"`)
    ledger.append('close', `"session":${id},"why":"the gateway stopped"`)
  }
}
