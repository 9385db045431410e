import { giveBackWhole } from '../../kit/give-back.ts'
import type { ChannelEnd } from './channel-end.ts'
import { MESSAGE, type Request, readAdjust, readData, readRequest } from './channel-messages.ts'

/** What a channel carries, and who decides about it. */
export interface Flow {
  fromClient(bytes: Buffer): void
  /** `type` 1 is standard error. */
  fromTarget(bytes: Buffer, type: number): void
  clientRequest(request: Request): void
  targetRequest(request: Request): void
  clientReply(granted: boolean): void
  targetReply(granted: boolean): void
  clientEof(): void
  targetEof(): void
  clientClosed(): void
  targetClosed(): void
  /** It looks at bytes it was given again later: while a request is judged. */
  readonly holds: boolean
  /** Bytes of the client, of the target, that it keeps. */
  readonly keptOfClient: number
  readonly keptOfTarget: number
  /** Both ends are closed. */
  over(): void
}

/** One channel of the client and the one of the target that answers to it. */
export class ChannelPair {
  readonly client: ChannelEnd
  readonly target: ChannelEnd
  readonly #flow: Flow
  readonly #gone: () => void
  #over = false

  constructor(ends: { client: ChannelEnd; target: ChannelEnd }, flow: Flow, gone: () => void) {
    this.client = ends.client
    this.target = ends.target
    this.#flow = flow
    this.#gone = gone
    this.client.drained = this.target.drained = () => {
      this.refillTarget()
      this.refillClient()
    }
  }

  get flow(): Flow {
    return this.#flow
  }

  /** What the client is told and does not read counts too: it could ask without end for answers it does not take. */
  refillClient(): void {
    this.client.refill(this.target.pending + this.client.pending + this.#flow.keptOfClient)
  }

  refillTarget(): void {
    this.target.refill(this.client.pending + this.#flow.keptOfTarget)
  }

  /** A message of the client about this channel. */
  fromClient(type: number, message: Buffer): void {
    const flow = this.#flow
    switch (type) {
      case MESSAGE.DATA: {
        const { bytes } = readData(message)
        if (!this.client.received(bytes.length)) return this.#violated()
        if (!this.client.ended) flow.fromClient(bytes)
        this.refillClient()
        return this.#done(message)
      }
      case MESSAGE.EXTENDED_DATA:
        // A client has no second stream (RFC 4254 §5.2): it costs its window and is not passed on.
        if (!this.client.received(readData(message).bytes.length)) this.#violated()
        return
      case MESSAGE.WINDOW_ADJUST:
        return this.client.adjusted(readAdjust(message))
      case MESSAGE.REQUEST:
        return flow.clientRequest(readRequest(message, 5))
      case MESSAGE.SUCCESS:
      case MESSAGE.FAILURE:
        return flow.clientReply(type === MESSAGE.SUCCESS)
      case MESSAGE.EOF:
        if (this.client.ended) return
        this.client.ended = true
        return flow.clientEof()
      case MESSAGE.CLOSE:
        if (this.client.closed) return
        this.client.closed = true
        flow.clientClosed()
        return this.settle()
    }
  }

  /** A message of the target about this channel. */
  fromTarget(type: number, message: Buffer): void {
    const flow = this.#flow
    switch (type) {
      case MESSAGE.DATA:
      case MESSAGE.EXTENDED_DATA: {
        const { bytes, type: stream } = readData(message)
        if (!this.target.received(bytes.length)) return this.#violated()
        flow.fromTarget(bytes, stream)
        this.refillTarget()
        return this.#done(message)
      }
      case MESSAGE.WINDOW_ADJUST:
        return this.target.adjusted(readAdjust(message))
      case MESSAGE.REQUEST:
        return flow.targetRequest(readRequest(message, 5))
      case MESSAGE.SUCCESS:
      case MESSAGE.FAILURE:
        return flow.targetReply(type === MESSAGE.SUCCESS)
      case MESSAGE.EOF:
        if (this.target.ended) return
        this.target.ended = true
        return flow.targetEof()
      case MESSAGE.CLOSE:
        if (this.target.closed) return
        this.target.closed = true
        flow.targetClosed()
        return this.settle()
    }
  }

  /** The memory of data that nobody needs any more goes back at once: bulk data would make the collector run again and again. */
  #done(message: Buffer): void {
    const { client, target } = this
    const { keptOfClient, keptOfTarget, holds } = this.#flow
    if (!holds && client.pending + target.pending + keptOfClient + keptOfTarget === 0) giveBackWhole(message)
  }

  /** It was sent more than the window given: the channel ends (RFC 4254 §5.2). */
  #violated(): void {
    this.client.abandon()
    this.target.abandon()
    this.settle()
  }

  /** Ends the pair once both sides have closed. */
  settle(): void {
    if (this.#over || !this.client.over || !this.target.over) return
    this.#over = true
    this.#flow.over()
    this.#gone()
  }
}
