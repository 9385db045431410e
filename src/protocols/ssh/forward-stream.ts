import type { Permit, Session } from '../contract.ts'
import { MESSAGE, type Request } from './channel-messages.ts'
import type { Flow } from './channel-pair.ts'
import type { Ends } from './conversation.ts'

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
  #late = false

  constructor(session: Session, ends: Ends, permit: Permit) {
    this.#session = session
    this.#ends = ends
    this.#permit = permit
    const { timeout_ms } = permit.obligations
    if (timeout_ms !== undefined)
      this.#timer = setTimeout(() => {
        this.#late = true
        ends.client.abandon()
        ends.target.abandon()
      }, timeout_ms)
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
    const [status, tag] = this.#late ? (['cancelled', 'limit.timeout'] as const) : (['ok', 'closed'] as const)
    this.#session.settle(this.#permit, { status, tag, rows: 0, bytes: this.#bytes })
  }
}

const NOTHING = Buffer.alloc(0)
