import fs from 'node:fs'
import { realDisk, writeFully } from './disk.ts'
import type { LedgerPaths } from './layout.ts'
import { type Checkpoint, openCheckpoint, type SignerKey, signCheckpoint, type VerifierKey } from './note.ts'
import { scanLines } from './scan.ts'
import type { Hash } from './tree.ts'

/** Signs the tree's head, appends it to the history (on disk when this returns) and makes it the newest. */
export function writeCheckpoint(
  paths: LedgerPaths,
  key: SignerKey,
  head: { size: number; root: Hash; at_ms: number },
): void {
  const note = signCheckpoint(key, head.size, head.root)
  const line = Buffer.from(`${JSON.stringify({ at: head.at_ms, note })}\n`)
  const fd = fs.openSync(paths.checkpoints, 'a', 0o600)
  try {
    const { size } = fs.fstatSync(fd)
    try {
      writeFully(realDisk, fd, line, line.length, size)
      fs.fdatasyncSync(fd)
    } catch (cause) {
      fs.ftruncateSync(fd, size)
      throw cause
    }
  } finally {
    fs.closeSync(fd)
  }
  // Not synced: after a power loss the history has it.
  fs.writeFileSync(`${paths.checkpoint}.new`, note, { mode: 0o644 })
  fs.renameSync(`${paths.checkpoint}.new`, paths.checkpoint)
}

/** The note of a history line, or undefined. */
export function lineNote(line: string): { readonly at_ms: number; readonly note: string } | undefined {
  try {
    const { at, note } = JSON.parse(line) as { at?: unknown; note?: unknown }
    return typeof at === 'number' && typeof note === 'string' ? { at_ms: at, note } : undefined
  } catch {
    return undefined
  }
}

/** The newest checkpoint this key signed, from the history's end and the `checkpoint` file. Cuts a torn line off the history. */
export function newestCheckpoint(paths: LedgerPaths, key: VerifierKey): Checkpoint | undefined {
  let newest: Checkpoint | undefined
  const take = (note: string | undefined): void => {
    const checkpoint = note === undefined ? undefined : openCheckpoint(note, key)
    if (checkpoint && (!newest || checkpoint.size >= newest.size)) newest = checkpoint
  }
  if (fs.existsSync(paths.checkpoints)) {
    let last = ''
    const { size } = fs.statSync(paths.checkpoints)
    const end = scanLines({ path: paths.checkpoints, from: tailStart(paths.checkpoints, size) }, (line) => {
      last = line.bytes.toString('utf8', line.start, line.end)
      return true
    })
    if (end < size) fs.truncateSync(paths.checkpoints, end)
    take(lineNote(last)?.note)
  }
  if (fs.existsSync(paths.checkpoint)) take(fs.readFileSync(paths.checkpoint, 'utf8'))
  return newest
}

/** The start of a line at most 64 KiB before the end. */
function tailStart(path: string, size: number): number {
  const from = Math.max(0, size - 65_536)
  if (from === 0) return 0
  const bytes = Buffer.alloc(size - from)
  const fd = fs.openSync(path, 'r')
  try {
    fs.readSync(fd, bytes, 0, bytes.length, from)
  } finally {
    fs.closeSync(fd)
  }
  return from + bytes.indexOf(10) + 1
}
