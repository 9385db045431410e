import type { Writable } from 'node:stream'

/** Joined up to so many bytes, if no piece has more than a quarter of them: a copy of a large one is new memory for what lies in memory already. */
const JOINED = 16_384

/**
 * One write for many small buffers; big ones go as they are. Returns false when the stream asks to wait. `written` is called when the stream
 * has passed the last of them on, with an error when it did not.
 */
export function writeAll(stream: Writable, out: readonly Buffer[], written?: (error?: Error | null) => void): boolean {
  if (out.length === 1) return stream.write(out[0]!, written)
  let total = 0
  let largest = 0
  for (const { length } of out) {
    total += length
    if (length > largest) largest = length
  }
  if (total <= JOINED && largest <= JOINED / 4) return stream.write(Buffer.concat(out, total), written)
  stream.cork()
  let room = true
  for (const [i, bytes] of out.entries()) room = stream.write(bytes, i === out.length - 1 ? written : undefined)
  stream.uncork()
  return room
}
