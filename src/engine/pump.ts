import type { Duplex } from 'node:stream'
import { Carry } from '../kit/carry.ts'
import { type SluiceError, toSluiceError } from '../kit/errors.ts'
import { giveBack } from '../kit/give-back.ts'
import type { Conversation, Wire } from '../protocols/contract.ts'
import { LIMITS } from './limits.ts'
import type { Flushable, Tick } from './tick.ts'
import { writeAll } from './write-all.ts'

export interface PumpParts {
  readonly client: Duplex
  readonly target: Duplex
  readonly tick: Tick
  /** Aborts with a SluiceError when the session must end. */
  readonly ended: AbortSignal
  /** Called when the client is seen to have left, also while its operation is held. */
  readonly left: () => void
  readonly converse: (wire: Wire) => Conversation
  /** Told of an error of our own that ended the session. */
  readonly broken?: (why: SluiceError) => void
}

/** Carries bytes through a conversation until either side leaves, an error ends it or the session is ended. Never rejects. */
export function pump(parts: PumpParts): Promise<void> {
  return new Promise((resolve) => new Pump(parts, resolve).start())
}

type Phase = 'open' | 'closing' | 'closed'

class Pump implements Wire, Flushable {
  readonly #parts: PumpParts
  readonly #resolve: () => void
  readonly #talk: Conversation
  #phase: Phase = 'open'
  #parked = false
  readonly #inbox = new Carry()
  #toTarget: Buffer[] = []
  #toClient: Buffer[] = []
  /** True while a chunk is being worked on: emissions to the client then wait for its end and leave as one write. */
  #working = false
  #linger: NodeJS.Timeout | undefined
  /** Bulk from the target in this turn of the event loop. */
  #turn = 0

  constructor(parts: PumpParts, resolve: () => void) {
    this.#parts = parts
    this.#resolve = resolve
    this.#talk = parts.converse(this)
  }

  start(): void {
    const { client, target, ended } = this.#parts
    client.on('data', (chunk: Buffer) => this.#clientBytes(chunk))
    target.on('data', (chunk: Buffer) => this.#targetBytes(chunk))
    client.on('drain', () => target.resume())
    target.on('drain', () => this.#resumeClient())
    client.on('end', () => this.#clientGone())
    client.on('error', () => this.#clientGone())
    client.on('close', () => this.#clientGone())
    target.on('end', () => this.#targetGone())
    target.on('error', () => this.#targetGone())
    target.on('close', () => this.#targetGone())
    if (ended.aborted) this.fail(toSluiceError(ended.reason))
    else ended.addEventListener('abort', this.#onEnded, { once: true })
    if (client.destroyed) this.#clientGone()
    if (target.destroyed) this.#targetGone()
    client.resume()
    target.resume()
  }

  readonly #onEnded = () => this.fail(toSluiceError(this.#parts.ended.reason))

  #clientBytes(chunk: Buffer): void {
    if (this.#phase !== 'open') return
    if (this.#parked) {
      this.#inbox.keep(chunk)
      if (this.#inbox.size > LIMITS.inbox) this.#parts.client.pause()
      return
    }
    this.#working = true
    try {
      this.#talk.fromClient(chunk)
    } catch (thrown) {
      this.fail(toSluiceError(thrown))
    }
    this.#working = false
    this.#flushClient()
  }

  #targetBytes(chunk: Buffer): void {
    if (this.#phase !== 'open') return
    this.#working = true
    let free = false
    try {
      free = this.#talk.fromTarget(chunk)
    } catch (thrown) {
      this.fail(toSluiceError(thrown))
    }
    this.#working = false
    // Its memory, not its length: a tunnel cuts one piece of memory into several chunks.
    const bulk = chunk.buffer.byteLength >= LIMITS.bulk
    this.#flushClient(bulk && free ? () => giveBack(chunk) : undefined)
    if (bulk) this.#share(chunk.length)
  }

  /** One bulk result must not keep the process to itself: a socket is read on and on while there is more. */
  #share(bytes: number): void {
    if (this.#turn === 0) setImmediate(this.#nextTurn)
    this.#turn += bytes
    if (this.#turn >= LIMITS.turn) this.#parts.target.pause()
  }

  readonly #nextTurn = () => {
    const rested = this.#turn >= LIMITS.turn
    this.#turn = 0
    if (rested && !this.#parts.client.writableNeedDrain) this.#parts.target.resume()
  }

  #work(step: () => void): void {
    this.#working = true
    try {
      step()
    } catch (thrown) {
      this.fail(toSluiceError(thrown))
    }
    this.#working = false
    this.#flushClient()
  }

  toClient(bytes: Buffer): void {
    this.#toClient.push(bytes)
    if (!this.#working) this.#flushClient()
  }

  #flushClient(written?: () => void): void {
    const out = this.#toClient
    if (out.length === 0) {
      // What was told on the way (an end, a failure) may have left with these bytes, and lie in the client's queue still.
      if (this.#parts.client.writableLength === 0) written?.()
      return
    }
    this.#toClient = []
    const { client, target } = this.#parts
    if (client.destroyed || client.writableEnded) return
    if (!writeAll(client, out, written) && this.#phase === 'open') target.pause()
  }

  toTarget(bytes: Buffer): void {
    if (this.#phase !== 'open') return
    if (this.#toTarget.push(bytes) === 1) this.#parts.tick.schedule(this)
  }

  flush(): void {
    const out = this.#toTarget
    if (out.length === 0) return
    this.#toTarget = []
    const { client, target } = this.#parts
    if (target.destroyed || target.writableEnded) return
    if (!writeAll(target, out) && this.#phase === 'open') client.pause()
  }

  refuseFlush(why: SluiceError): void {
    this.#toTarget = []
    this.fail(why)
  }

  #resumeClient(): void {
    if (this.#inbox.size <= LIMITS.inbox) this.#parts.client.resume()
  }

  park(): void {
    this.#parked = true
  }

  unpark(): void {
    this.#parked = false
    if (this.#inbox.size > 0) this.#clientBytes(this.#inbox.take())
    if (!this.#parked && this.#phase === 'open') this.#parts.client.resume()
  }

  #clientGone(): void {
    this.#parts.left()
    if (this.#phase !== 'open') return this.#maybeClosed()
    this.#work(() => this.#talk.clientLeft())
    this.finish()
  }

  #targetGone(): void {
    if (this.#phase !== 'open') {
      // Both sides have ended: TLS over a tunnel may never tell that it has closed.
      this.#parts.target.destroy()
      return this.#maybeClosed()
    }
    this.#work(() => this.#talk.targetLeft())
    this.finish()
  }

  finish(): void {
    if (this.#phase !== 'open') return
    this.#phase = 'closing'
    this.#flushClient()
    // What was permitted and recorded may still leave (a Terminate among it); what was not is dropped with the pump.
    this.#parts.tick.run()
    this.#close()
  }

  fail(why: SluiceError): void {
    if (this.#phase !== 'open') return
    this.#phase = 'closing'
    if (why.code === 'internal') this.#parts.broken?.(why)
    this.#toTarget = []
    let words: Buffer
    try {
      words = this.#talk.lastWords(why)
    } catch {
      words = Buffer.alloc(0)
    }
    this.#toClient.push(words)
    this.#flushClient()
    this.#parts.target.destroy()
    this.#close()
  }

  #close(): void {
    const { client, target, ended } = this.#parts
    ended.removeEventListener('abort', this.#onEnded)
    if (this.#inbox.size > 0) this.#inbox.take()
    // A parked or paused client must be drained, or its close is never seen.
    client.resume()
    target.resume()
    client.end()
    target.end()
    this.#linger = setTimeout(() => {
      client.destroy()
      target.destroy()
      this.#maybeClosed()
    }, LIMITS.linger_ms)
    this.#linger.unref()
    this.#maybeClosed()
  }

  #maybeClosed(): void {
    const { client, target } = this.#parts
    // What is destroyed says nothing any more, and needs nobody: its `close` may come late, or never.
    if (this.#phase !== 'closing' || !client.destroyed || !target.destroyed) return
    this.#phase = 'closed'
    clearTimeout(this.#linger)
    this.#resolve()
  }
}
