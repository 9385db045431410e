import type { Context } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { SluiceError } from '../kit/errors.ts'
import type { ApiEnv } from './env.ts'
import { LIMITS } from './limits.ts'

/** Counts open event streams: each holds a socket and a listener. */
export interface Streams {
  /** Throws `api.busy`. Returns what gives the place back. */
  enter(principal: string): () => void
}

export function createStreams(): Streams {
  const own = new Map<string, number>()
  let all = 0
  return {
    enter(principal) {
      const mine = own.get(principal) ?? 0
      if (mine >= LIMITS.streams_own || all >= LIMITS.streams_all)
        throw new SluiceError('api.busy', 'too many event streams')
      own.set(principal, mine + 1)
      all++
      return () => {
        all--
        const left = own.get(principal)! - 1
        if (left > 0) own.set(principal, left)
        else own.delete(principal)
      }
    },
  }
}

export interface StreamEvent {
  readonly event: string
  readonly data: unknown
}

/**
 * Answers with server-sent events until the source ends, the client leaves, or the caller's proof does. Waits for the client's reading
 * before it asks the source for more.
 */
export function serveEvents(c: Context<ApiEnv>, source: (signal: AbortSignal) => AsyncIterable<StreamEvent>): Response {
  const { caller, services, streams } = c.var
  const leave = streams.enter(caller.id)
  const over = new AbortController()
  const unwatch = services.identity.onRevoked(caller, () => over.abort())
  c.header('X-Accel-Buffering', 'no')
  return streamSSE(c, async (stream) => {
    stream.onAbort(() => over.abort())
    const stopBeating = heartbeat(stream)
    try {
      for await (const { event, data } of source(over.signal)) {
        if (over.signal.aborted) break
        await stream.writeSSE({ event, data: JSON.stringify(data) })
      }
    } catch (error) {
      if (!over.signal.aborted) services.log.warn('an event stream failed', { error: String(error) })
    } finally {
      over.abort()
      stopBeating()
      unwatch()
      leave()
    }
  })
}

/** A comment now and then: proxies close what is silent, and only a write finds a client that vanished. */
function heartbeat(stream: SSEStreamingApi): () => void {
  let writing = false
  const beat = async () => {
    if (writing) return
    writing = true
    await stream.write(': still here\n\n').catch(() => undefined)
    writing = false
  }
  void beat()
  const timer = setInterval(beat, LIMITS.heartbeat_ms)
  timer.unref()
  return () => clearInterval(timer)
}

/** Turns a listener into something to iterate. A reader that falls too far behind loses the stream, not single events. */
export async function* listen<T>(
  follow: (listener: (event: T) => void) => () => void,
  signal: AbortSignal,
): AsyncIterable<T> {
  const waiting: T[] = []
  let wake = () => {}
  let overrun = false
  const stop = follow((event) => {
    if (waiting.length >= LIMITS.stream_backlog) overrun = true
    else waiting.push(event)
    wake()
  })
  signal.addEventListener('abort', () => wake())
  try {
    while (!signal.aborted) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else if (overrun) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    stop()
  }
}
