import fs from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { SluiceError } from '../kit/errors.ts'

/** The file system as the writer uses it: a port, so that a test can make it fail. */
export interface Disk {
  openSync(path: string, flags: string, mode?: number): number
  closeSync(fd: number): void
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number, position: number): number
  ftruncateSync(fd: number, length: number): void
  fdatasync(fd: number, done: (error: Error | null) => void): void
  fdatasyncSync(fd: number): void
  renameSync(from: string, to: string): void
  unlinkSync(path: string): void
}

export const realDisk: Disk = fs as Disk

/** Writes all of [0, length) at `position`: a short write is continued, and the error that stopped it is thrown. */
export function writeFully(disk: Disk, fd: number, bytes: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) {
    const written = disk.writeSync(fd, bytes, done, length - done, position + done)
    if (written <= 0) throw new SluiceError('ledger.unwritable', 'the disk took no bytes')
    done += written
  }
}

/** A new file with all of `bytes`, on disk when this returns. */
export function writeWhole(path: string, bytes: Uint8Array, mode: number): void {
  const fd = fs.openSync(path, 'w', mode)
  try {
    writeFully(realDisk, fd, bytes, bytes.length, 0)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Makes the names in a folder durable. */
export function syncFolder(dir: string): void {
  const fd = fs.openSync(dir, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/**
 * Takes the folder for this process and returns what gives it back. Two writers would tear the log. SQLite brings what Node lacks: a lock
 * the kernel takes back when the process dies. Throws `config.invalid` when somebody else has it.
 */
export function lockFolder(path: string): () => void {
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    throw new SluiceError('config.invalid', `another gateway is writing this ledger (${path} is locked)`, { cause })
  }
  return () => database.close()
}
