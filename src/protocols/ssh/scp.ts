import { type Request, STDERR } from './channel-messages.ts'
import { CLIENT_LEFT, type Cut } from './cut.ts'
import { type Lifetime, lifetime } from './lifetime.ts'
import type { Program, ProgramParts } from './program.ts'
import type { ScpOrder } from './scp-order.ts'
import { ScpRelay } from './scp-relay.ts'
import { cleaner, type ErrorStream, errorStream } from './target-text.ts'

/** `scp -t` and `scp -f` on the target: allowed as such, and then file by file. */
export class ScpProgram implements Program {
  readonly granted = true as const
  readonly #parts: ProgramParts
  readonly #puts: boolean
  readonly #errors: ErrorStream
  readonly #relay: ScpRelay
  readonly #lifetime: Lifetime
  #bytes = 0
  /** The client says no more. */
  #eof = false

  constructor(parts: ProgramParts, order: ScpOrder) {
    this.#parts = parts
    const { house, ends } = parts
    this.#puts = order.direction === 'put'
    const toClient = (bytes: Buffer) => {
      this.#bytes += bytes.length
      ends.client.write(bytes)
    }
    const toTarget = (bytes: Buffer) => ends.target.write(bytes)
    this.#errors = errorStream(parts)
    const host = {
      house,
      clean: cleaner(parts.permit.obligations.mask, house.session),
      toSource: this.#puts ? toClient : toTarget,
      toSink: this.#puts ? toTarget : toClient,
      tell: (text: string) => ends.client.write(Buffer.from(text), STDERR),
      endSink: () => ends.target.eof(),
      refill: parts.refill,
    }
    this.#relay = new ScpRelay(host, order)
    this.#lifetime = lifetime(parts, () => this.#bytes)
  }

  get holds(): boolean {
    return this.#relay.holds
  }
  get keptOfTarget(): number {
    return this.#puts ? 0 : this.#relay.kept
  }
  get keptOfClient(): number {
    return this.#puts ? this.#relay.kept : 0
  }
  fromClient(bytes: Buffer): void {
    if (this.#puts) this.#relay.fromSource(bytes)
    else this.#relay.fromSink(bytes)
  }
  fromTarget(bytes: Buffer, type: number): void {
    if (type === STDERR) this.#errors.push(bytes)
    else if (this.#puts) this.#relay.fromSink(bytes)
    else this.#relay.fromSource(bytes)
  }
  clientEof(): void {
    this.#eof = true
    if (this.#puts) this.#relay.sourceEof()
    else this.#parts.ends.target.eof()
  }
  targetEof(): void {
    this.#errors.end()
  }
  said(_: Request): void {}
  resized(): void {}
  failed(): void {}
  over(cut: Cut): void {
    this.#errors.end()
    // Whoever says no more in the middle has left; the target's end is the answer to that.
    const { tag, sudden } = this.#eof && !cut.sudden ? CLIENT_LEFT : cut
    const interrupted = this.#relay.over(tag)
    if (interrupted || sudden) this.#lifetime.end(this.#bytes, 'cancelled', tag)
    else this.#lifetime.end(this.#bytes)
  }
}
