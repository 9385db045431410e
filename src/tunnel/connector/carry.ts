import { constants, type ServerHttp2Stream } from 'node:http2'
import { createConnection, type Socket } from 'node:net'
import { SluiceError } from '../../kit/errors.ts'
import { LIMITS } from '../limits.ts'
import type { RefusalWord } from '../wire.ts'
import { ReadBuffers } from './read-buffers.ts'

/** A connection to a target, and where what it reads goes once a stream takes it. */
export interface Reached {
  readonly socket: Socket
  /** Takes bytes, and with them the large buffer they lie in, if they do, until it gives it back. False: no more for now. */
  deliver: (bytes: Buffer, buffer?: Buffer) => boolean
}

const BUFFERS = new ReadBuffers(LIMITS.readBuffers)

/** Opens a connection to the first address that takes it, within the dial's time. Resolves with why not instead of throwing. */
export function reach(
  addresses: readonly string[],
  port: number,
  given_up: AbortSignal,
): Promise<Reached | RefusalWord> {
  return new Promise((resolve) => {
    let at = 0
    let socket: Socket | undefined
    const finish = (result: Reached | RefusalWord) => {
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
      const candidate = open(address, port)
      socket = candidate.socket
      candidate.socket.once('error', next)
      candidate.socket.once('connect', () => {
        candidate.socket.off('error', next)
        // Nobody takes its bytes yet.
        candidate.socket.pause()
        finish(candidate)
      })
    }
    next()
  })
}

/**
 * A socket has a small buffer of its own, so that a thousand idle ones cost little; small reads are copied out of it. A read that fills it is part
 * of something larger, and the next ones go into large buffers, which travel on without a copy.
 */
function open(host: string, port: number): Reached {
  const small = Buffer.allocUnsafeSlow(LIMITS.bulk)
  let current: Buffer = small
  let last = 0
  const onread = {
    buffer: () => {
      current = last < LIMITS.bulk ? small : BUFFERS.take()
      return current
    },
    callback: (bytes: number) => {
      last = bytes
      const read = current.subarray(0, bytes)
      return current === small ? reached.deliver(Buffer.from(read)) : reached.deliver(read, current)
    },
  }
  const socket = createConnection({ host, port, noDelay: true, allowHalfOpen: true, onread })
  const reached: Reached = { socket, deliver: () => false }
  return reached
}

/** Carries bytes both ways, each direction at the pace of its reader and ended by its own end; an abort of one side is an abort of the other. */
export function carry(stream: ServerHttp2Stream, reached: Reached): void {
  const { socket } = reached
  reached.deliver = (bytes, buffer) => {
    if (!stream.writable) return false
    stream.write(bytes, () => {
      if (buffer) BUFFERS.giveBack(buffer)
      if (stream.writableLength <= LIMITS.ahead / 2) socket.resume()
    })
    // The stream's own mark is one read: it would have each wait for the one before it to be sent.
    return stream.writableLength < LIMITS.ahead
  }
  socket.on('end', () => stream.end())
  stream.on('data', into(socket, stream))
  stream.on('end', () => socket.end())
  socket.on('drain', () => stream.resume())
  // Destroyed, not closed: a close would send an end first, and what was cut would look whole.
  const cut = () => stream.destroy(new SluiceError('target.left'))
  socket.on('error', cut)
  socket.on('close', () => {
    // In order, the target's end came before, and its last bytes wait in the stream. Without it the connection was cut.
    if (!socket.readableEnded) cut()
  })
  stream.on('error', () => socket.resetAndDestroy())
  stream.on('close', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) socket.resetAndDestroy()
    else if (!socket.destroyed) socket.destroySoon()
  })
  socket.resume()
}

/** Bulk arrives in pieces of a frame each: what arrives in one turn leaves in one write. A small message leaves at once. */
function into(socket: Socket, stream: ServerHttp2Stream): (piece: Buffer) => void {
  let gathering = false
  return (piece) => {
    if (!gathering && piece.length >= LIMITS.bulk) begin()
    if (!socket.write(piece)) stream.pause()
  }
  function begin(): void {
    gathering = true
    socket.cork()
    setImmediate(() => {
      gathering = false
      socket.uncork()
    })
  }
}
