import { constants, type ServerHttp2Stream } from 'node:http2'
import { createConnection, type Socket } from 'node:net'
import { LIMITS } from '../limits.ts'
import type { RefusalWord } from '../wire.ts'

/** Opens a connection to the first address that takes it, within the dial's time. Resolves with why not instead of throwing. */
export function reach(
  addresses: readonly string[],
  port: number,
  given_up: AbortSignal,
): Promise<Socket | RefusalWord> {
  return new Promise((resolve) => {
    let at = 0
    let socket: Socket | undefined
    const finish = (result: Socket | RefusalWord) => {
      clearTimeout(timer)
      given_up.removeEventListener('abort', abandon)
      resolve(result)
    }
    const abandon = () => {
      socket?.destroy()
      finish('unreachable')
    }
    const timer = setTimeout(() => {
      socket?.destroy()
      finish('late')
    }, LIMITS.targetDial_ms)
    given_up.addEventListener('abort', abandon)
    const next = () => {
      const address = addresses[at++]
      if (address === undefined || given_up.aborted) return finish('unreachable')
      const candidate = createConnection({ host: address, port, noDelay: true, allowHalfOpen: true })
      socket = candidate
      candidate.once('error', next)
      candidate.once('connect', () => {
        candidate.off('error', next)
        finish(candidate)
      })
    }
    next()
  })
}

/** Carries bytes both ways, each direction at the pace of its reader and ended by its own end; an abort of one side is an abort of the other. */
export function carry(stream: ServerHttp2Stream, socket: Socket): void {
  stream.pipe(socket)
  socket.pipe(stream)
  socket.on('error', () => stream.close(constants.NGHTTP2_CONNECT_ERROR))
  socket.on('close', () => {
    // In order, the target's end came before, and its last bytes wait in the stream. Without it the connection was cut.
    if (!socket.readableEnded) stream.close(constants.NGHTTP2_CONNECT_ERROR)
    else stream.end()
  })
  stream.on('error', () => socket.resetAndDestroy())
  stream.on('close', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) socket.resetAndDestroy()
    else if (!socket.destroyed) socket.destroySoon()
  })
}
