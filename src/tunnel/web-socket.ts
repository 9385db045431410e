import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket } from 'ws'

/** A WebSocket's binary messages as a byte stream. Message borders mean nothing. */
export function streamOf(socket: WebSocket): Duplex {
  const stream = createWebSocketStream(socket, { readableHighWaterMark: 1 << 18, writableHighWaterMark: 1 << 18 })
  stream.on('error', () => stream.destroy())
  return stream
}
