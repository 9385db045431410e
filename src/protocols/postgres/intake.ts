import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../../kit/catalogue.ts'
import { SluiceError } from '../../kit/errors.ts'

/** How long to wait at most, and what ends the wait early: an abort's reason is thrown when it is a SluiceError. */
export interface Wait {
  readonly ms: number
  readonly signals: readonly AbortSignal[]
}

/** What to throw when the peer leaves or is late, which depends on the side it stands on. */
export interface Blame {
  readonly left: ErrorCode
  readonly late: ErrorCode
  readonly malformed: ErrorCode
}

export const CLIENT: Blame = { left: 'client.left', late: 'client.late', malformed: 'protocol.malformed' }
export const TARGET: Blame = { left: 'target.left', late: 'target.unreachable', malformed: 'protocol.target' }

export interface TypedMessage {
  /** The type byte. */
  readonly type: number
  readonly body: Buffer
}

const EMPTY = Buffer.alloc(0)
const EVENTS = ['readable', 'end', 'close', 'error'] as const

/**
 * Reads whole messages off a stream before the pump takes it over. Bytes nobody asked for stay in the stream, so nothing is lost when it is
 * handed on. One deadline covers everything read through one Intake; call `release` when done.
 */
export class Intake {
  readonly #blame: Blame
  readonly #signals: readonly AbortSignal[]
  readonly #timer: NodeJS.Timeout
  #stream: Duplex
  /** The peer left: what it sent before is still read. */
  #gone: SluiceError | undefined
  /** The deadline passed or a signal aborted: nothing more is read. */
  #stopped: SluiceError | undefined
  #wake: (() => void) | undefined
  /** Bytes that may still be read in all. */
  #allowance: number

  constructor(stream: Duplex, wait: Wait, options: { blame: Blame; bytes?: number }) {
    this.#blame = options.blame
    this.#allowance = options.bytes ?? Number.POSITIVE_INFINITY
    this.#signals = wait.signals
    this.#timer = setTimeout(() => this.#stop(new SluiceError(this.#blame.late, `not done in ${wait.ms} ms`)), wait.ms)
    for (const signal of wait.signals) {
      signal.addEventListener('abort', this.#aborted)
      if (signal.aborted) this.#aborted()
    }
    this.#stream = stream
    this.#attach()
  }

  get stream(): Duplex {
    return this.#stream
  }

  /** Exactly `length` bytes, 1 or more. Throws by blame, or the signal's reason. */
  async take(length: number): Promise<Buffer> {
    this.#allowance -= length
    if (this.#allowance < 0) throw this.malformed('more bytes than this phase may have')
    for (;;) {
      if (this.#stopped) throw this.#stopped
      const bytes: Buffer | null = this.#stream.read(length)
      if (bytes !== null) {
        // A stream that has ended hands out whatever is left.
        if (bytes.length === length) return bytes
        throw new SluiceError(this.#blame.left, 'in the middle of a message')
      }
      await this.#event()
    }
  }

  /** Whatever has arrived, at least one byte. The bound on bytes does not count these. */
  async chunk(): Promise<Buffer> {
    for (;;) {
      if (this.#stopped) throw this.#stopped
      const bytes: Buffer | null = this.#stream.read()
      if (bytes !== null) return bytes
      await this.#event()
    }
  }

  /** One typed message with a body of at most `limit` bytes; the length is checked before anything is buffered (A50). */
  async message(limit: number): Promise<TypedMessage> {
    const head = await this.take(5)
    const length = head.readInt32BE(1) - 4
    if (length < 0 || length > limit) throw this.malformed(`message of type ${head[0]} with length ${length + 4}`)
    return { type: head[0]!, body: length === 0 ? EMPTY : await this.take(length) }
  }

  /**
   * Moves to the TLS stream laid over the present one; returns when its handshake is complete. `done` is the event that says so: `secure` on
   * the server's side, and on the client's `secureConnect`, which comes only after the certificate was judged.
   */
  async secure(over: Duplex, done: 'secure' | 'secureConnect'): Promise<void> {
    let secured = false
    const handshaken = () => {
      secured = true
      this.#progress()
    }
    this.#detach()
    this.#stream = over
    this.#attach()
    over.once(done, handshaken)
    while (!secured) await this.#event()
  }

  /** Waits until the peer has closed its side; what it still sends is thrown away. Throws when it does not in time. */
  async left(): Promise<void> {
    while (!this.#gone) {
      if (this.#stopped) throw this.#stopped
      if (this.#stream.read() === null) await this.#event()
    }
  }

  /** True when the peer has sent bytes that were not asked for. */
  get ahead(): boolean {
    return this.#stream.readableLength > 0
  }

  malformed(detail: string): SluiceError {
    return new SluiceError(this.#blame.malformed, detail)
  }

  /** Stops listening; the stream and what it has buffered go on. */
  release(): void {
    clearTimeout(this.#timer)
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#aborted)
    this.#detach()
  }

  async #event(): Promise<void> {
    const fate = this.#stopped ?? this.#gone
    if (fate) throw fate
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #attach(): void {
    const stream = this.#stream
    if (stream.destroyed || stream.readableEnded) this.#left()
    for (const name of EVENTS) stream.on(name, this.#listeners[name])
  }

  #detach(): void {
    for (const name of EVENTS) this.#stream.removeListener(name, this.#listeners[name])
    // Without a listener an error would end the process. Whoever takes the stream over sees the close.
    if (this.#stream.listenerCount('error') === 0) this.#stream.on('error', ignore)
  }

  readonly #progress = () => {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
  readonly #left = (cause?: Error) => {
    this.#gone ??= new SluiceError(this.#blame.left, cause?.message ?? '', { cause })
    this.#progress()
  }
  readonly #listeners = {
    readable: this.#progress,
    end: () => this.#left(),
    close: () => this.#left(),
    error: this.#left,
  }

  readonly #aborted = () => {
    const reason: unknown = this.#signals.find((signal) => signal.aborted)?.reason
    this.#stop(reason instanceof SluiceError ? reason : new SluiceError('session.shutdown', String(reason)))
  }

  #stop(fate: SluiceError): void {
    this.#stopped ??= fate
    this.#progress()
  }
}

function ignore(): void {}
