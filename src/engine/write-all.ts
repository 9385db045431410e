import type { Writable } from 'node:stream'

/**
 * One write for many small buffers; big ones go as they are. Returns false when the stream asks to wait. `written` is called when the stream
 * has passed the last of them on, with an error when it did not.
 */
export function writeAll(stream: Writable, out: readonly Buffer[], written?: (error?: Error | null) => void): boolean {
  if (out.length === 1) return stream.write(out[0]!, written)
  let total = 0
  for (const bytes of out) total += bytes.length
  if (total <= 16_384) return stream.write(Buffer.concat(out, total), written)
  stream.cork()
  let room = true
  for (const [i, bytes] of out.entries()) room = stream.write(bytes, i === out.length - 1 ? written : undefined)
  stream.uncork()
  return room
}
