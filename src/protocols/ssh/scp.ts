import { plainLine } from '../../kit/plain-line.ts'
import { type Request, STDERR } from './channel-messages.ts'
import { type Lifetime, lifetime } from './lifetime.ts'
import type { Program, ProgramParts } from './program.ts'
import type { ScpOrder } from './scp-order.ts'
import { ScpRelay } from './scp-relay.ts'

/** `scp -t` and `scp -f` on the target: allowed as such, and then file by file. */
export class ScpProgram implements Program {
  readonly granted = true as const
  readonly #parts: ProgramParts
  readonly #puts: boolean
  readonly #relay: ScpRelay
  readonly #lifetime: Lifetime
  #bytes = 0

  constructor(parts: ProgramParts, order: ScpOrder) {
    this.#parts = parts
    const { house, ends } = parts
    this.#puts = order.direction === 'put'
    const toClient = (bytes: Buffer) => {
      this.#bytes += bytes.length
      ends.client.write(bytes)
    }
    const toTarget = (bytes: Buffer) => ends.target.write(bytes)
    const host = {
      house,
      toSource: this.#puts ? toClient : toTarget,
      toSink: this.#puts ? toTarget : toClient,
      tell: (text: string) => ends.client.write(Buffer.from(text), STDERR),
      refill: parts.refill,
    }
    this.#relay = new ScpRelay(host, order)
    this.#lifetime = lifetime(parts)
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
    // What scp says on standard error names files of its own choice.
    if (type === STDERR)
      this.#parts.ends.client.write(Buffer.from(`${plainLine(bytes.toString('utf8').trimEnd())}\n`), STDERR)
    else if (this.#puts) this.#relay.fromSink(bytes)
    else this.#relay.fromSource(bytes)
  }
  clientEof(): void {
    this.#parts.ends.target.eof()
  }
  targetEof(): void {}
  said(_: Request): void {}
  resized(): void {}
  failed(): void {}
  over(): void {
    this.#relay.over()
    this.#lifetime.end(this.#bytes)
  }
}
