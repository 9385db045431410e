import type { Operation } from '../../model/operation.ts'
import type { Permit, Session } from '../contract.ts'
import { MESSAGE, type Request } from './channel-messages.ts'
import type { Flow } from './channel-pair.ts'
import type { Ends } from './conversation.ts'

export interface ForwardParts {
  readonly session: Session
  readonly ends: Ends
  readonly permit: Permit
  readonly operation: Operation
  /** Runs what happens later: an error in it ends the session, not the process. */
  readonly run: (step: () => void) => void
}

/** A forwarded connection: bytes both ways, counted. What they say belongs to a protocol of its own. */
export class ForwardedStream implements Flow {
  readonly holds = false
  readonly keptOfClient = 0
  readonly keptOfTarget = 0
  readonly #session: Session
  readonly #ends: Ends
  readonly #permit: Permit
  readonly #timer: NodeJS.Timeout | undefined
  #bytes = 0
  /** Why it was ended from here, for the record. */
  #why = ''

  constructor({ session, ends, permit, operation, run }: ForwardParts) {
    this.#session = session
    this.#ends = ends
    this.#permit = permit
    const { timeout_ms } = permit.obligations
    if (timeout_ms !== undefined) this.#timer = setTimeout(() => run(() => this.#end('limit.timeout')), timeout_ms)
    // It has no second stream a sentence could be written to.
    const ended = (_: string, tag: string) => run(() => this.#end(tag))
    session.stand(permit, { operation, call: { text: operation.text }, masks: false, ended })
  }

  #end(why: string): void {
    this.#why ||= why
    this.#ends.client.abandon()
    this.#ends.target.abandon()
  }

  fromClient(bytes: Buffer): void {
    this.#bytes += bytes.length
    this.#ends.target.write(bytes)
  }
  fromTarget(bytes: Buffer): void {
    this.#bytes += bytes.length
    this.#ends.client.write(bytes)
  }
  /** A forward knows no requests (RFC 4254 §5.4). */
  clientRequest({ wantReply }: Request): void {
    if (wantReply) this.#ends.client.say(MESSAGE.FAILURE, NOTHING)
  }
  targetRequest({ wantReply }: Request): void {
    if (wantReply) this.#ends.target.say(MESSAGE.FAILURE, NOTHING)
  }
  clientReply(): void {}
  targetReply(): void {}
  clientEof(): void {
    this.#ends.target.eof()
  }
  targetEof(): void {
    this.#ends.client.eof()
  }
  clientClosed(): void {
    this.#ends.client.close()
    this.#ends.target.close()
  }
  targetClosed(): void {
    this.#ends.target.close()
    this.#ends.client.close()
  }
  over(): void {
    clearTimeout(this.#timer)
    const status = this.#why ? 'cancelled' : 'ok'
    this.#session.settle(this.#permit, { status, tag: this.#why || 'closed', rows: 0, bytes: this.#bytes })
  }
}

const NOTHING = Buffer.alloc(0)
