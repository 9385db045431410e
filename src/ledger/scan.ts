import fs from 'node:fs'
import { open } from 'node:fs/promises'
import { SluiceError } from '../kit/errors.ts'
import { LINE_bytes, WINDOW_bytes } from './limits.ts'

const NEWLINE = 10

/**
 * Cuts a stream of bytes into lines without copying them. `bytes[start, end)` is the line found last, and `bytes[start - 1]` may be
 * overwritten (leafHashInPlace does). Memory: the longest line, at least WINDOW_bytes.
 */
export class LineWindow {
  bytes: Buffer
  start = 1
  end = 1
  #filled = 1
  #next = 1

  constructor(size_bytes = WINDOW_bytes) {
    this.bytes = Buffer.allocUnsafe(size_bytes)
  }

  /** Forgets what it holds. */
  clear(): void {
    this.#filled = 1
    this.#next = 1
  }

  /** How many bytes fit at `at`; makes room first. Throws `ledger.damaged` for a line beyond LINE_bytes. */
  room(): number {
    if (this.#next > 1) {
      this.bytes.copyWithin(1, this.#next, this.#filled)
      this.#filled -= this.#next - 1
      this.#next = 1
    }
    if (this.#filled === this.bytes.length) {
      if (this.bytes.length > LINE_bytes)
        throw new SluiceError('ledger.damaged', 'a line is longer than any entry can be')
      const larger = Buffer.allocUnsafe(this.bytes.length * 2)
      this.bytes.copy(larger, 0, 0, this.#filled)
      this.bytes = larger
    }
    return this.bytes.length - this.#filled
  }
  get at(): number {
    return this.#filled
  }
  filled(length: number): void {
    this.#filled += length
  }
  /** Bytes after the last whole line. */
  get rest(): Buffer {
    return this.bytes.subarray(this.#next, this.#filled)
  }
  /** Moves on to the next whole line; false when there is none yet. */
  next(): boolean {
    const newline = this.bytes.indexOf(NEWLINE, this.#next)
    if (newline < 0 || newline >= this.#filled) return false
    this.start = this.#next
    this.end = newline
    this.#next = newline + 1
    return true
  }
}

const INDEX = Buffer.from('{"n":')

/** True when `bytes` holds `part` at `at`. */
export function hasAt(bytes: Buffer, at: number, part: Buffer): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false
  return true
}

/** The `n` a line begins with (`{"n":12,"at":…`), or -1. */
export function entryIndex(bytes: Buffer, start: number, end: number): number {
  if (end - start < 7 || !hasAt(bytes, start, INDEX)) return -1
  let index = 0
  for (let at = start + 5; at < end; at++) {
    const digit = bytes[at]! - 48
    if (digit >= 0 && digit <= 9) index = index * 10 + digit
    else return bytes[at] === 44 && at > start + 5 && at < start + 22 ? index : -1
  }
  return -1
}

export interface ScanRange {
  readonly path: string
  /** Byte to begin at: the start of a line. */
  readonly from: number
  /** Byte to stop before. */
  readonly to?: number
  /** To be used again by who scans often. */
  readonly window?: LineWindow
}

/** Calls `line` for every whole line; stops early when it returns false. Returns the offset after the last whole line it took. Blocks. */
export function scanLines(range: ScanRange, line: (window: LineWindow) => boolean | undefined): number {
  const fd = fs.openSync(range.path, 'r')
  const window = range.window ?? new LineWindow()
  window.clear()
  let read = range.from
  let taken = range.from
  try {
    for (;;) {
      const length = Math.min(window.room(), (range.to ?? Number.MAX_SAFE_INTEGER) - read)
      const got = length <= 0 ? 0 : fs.readSync(fd, window.bytes, window.at, length, read)
      if (got === 0) return taken
      read += got
      window.filled(got)
      while (window.next()) {
        if (line(window) === false) return taken
        taken += window.end - window.start + 1
      }
    }
  } finally {
    fs.closeSync(fd)
  }
}

/** Yields one window again and again, filled with what follows: take its lines with `next`, and what is left at the end with `rest`. */
export async function* fills(range: ScanRange): AsyncGenerator<LineWindow> {
  const file = await open(range.path, 'r')
  const window = new LineWindow()
  const to = range.to ?? Number.MAX_SAFE_INTEGER
  try {
    for (let at = range.from; at < to; ) {
      const length = Math.min(window.room(), to - at)
      const { bytesRead } = await file.read(window.bytes, window.at, length, at)
      if (bytesRead === 0) return
      at += bytesRead
      window.filled(bytesRead)
      yield window
    }
  } finally {
    await file.close()
  }
}
