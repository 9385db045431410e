import fs from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../kit/digest.ts'
import { SluiceError } from '../kit/errors.ts'
import { writeWhole } from './disk.ts'
import { type LedgerPaths, listSegments } from './layout.ts'
import { entryIndex, scanLines } from './scan.ts'

export interface Recovered {
  readonly size: number
  readonly last: { readonly path: string; readonly first: number; readonly offset: number } | undefined
  /** What was cut from a torn tail. */
  readonly cut: { readonly bytes: number; readonly sha256: string } | undefined
}

/** Finds the end of the entries. Cuts what a crash tore: an unfinished last line, or the zeros a power loss leaves. Throws `ledger.damaged` for anything else. */
export function recoverEntries(paths: LedgerPaths): Recovered {
  const last = listSegments(paths.entries).at(-1)
  if (!last) return { size: 0, last: undefined, cut: undefined }
  let size = last.first
  const offset = scanLines({ path: last.path, from: 0 }, (line) => {
    if (entryIndex(line.bytes, line.start, line.end) !== size) return false
    size++
    return true
  })
  const cut = cutTail(paths, last.path, offset)
  return { size, last: { ...last, offset }, cut }
}

function cutTail(paths: LedgerPaths, path: string, offset: number): Recovered['cut'] {
  const length = fs.statSync(path).size - offset
  if (length === 0) return undefined
  const tail = Buffer.alloc(length)
  const fd = fs.openSync(path, 'r+')
  try {
    fs.readSync(fd, tail, 0, length, offset)
    const newline = tail.indexOf(10)
    if (newline >= 0 && !tail.subarray(0, newline).includes(0)) {
      throw new SluiceError(
        'ledger.damaged',
        `${path} is not an entry at byte ${offset}; nothing a crash does looks like that`,
      )
    }
    const digest = sha256(tail)
    fs.mkdirSync(paths.torn, { recursive: true, mode: 0o700 })
    writeWhole(join(paths.torn, digest), tail, 0o600)
    fs.ftruncateSync(fd, offset)
    fs.fsyncSync(fd)
    return { bytes: length, sha256: digest }
  } finally {
    fs.closeSync(fd)
  }
}
