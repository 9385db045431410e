import { type Request, STDERR } from './channel-messages.ts'
import { CLIENT_LEFT, type Cut } from './cut.ts'
import { type Lifetime, lifetime } from './lifetime.ts'
import type { Program, ProgramParts } from './program.ts'
import { SftpRelay } from './sftp.ts'
import { cleaner, type ErrorStream, errorStream } from './target-text.ts'

/** The `sftp` subsystem: allowed as such, and then request by request. */
export class SftpProgram implements Program {
  readonly granted = true as const
  readonly #errors: ErrorStream
  readonly #relay: SftpRelay
  readonly #lifetime: Lifetime
  #bytes = 0
  /** The client says no more. */
  #eof = false

  constructor(parts: ProgramParts) {
    const { house, ends } = parts
    this.#errors = errorStream(parts)
    this.#relay = new SftpRelay({
      house,
      clean: cleaner(parts.permit.obligations.mask, house.session),
      toClient: (bytes) => {
        this.#bytes += bytes.length
        ends.client.write(bytes)
      },
      toTarget: (bytes) => ends.target.write(bytes),
      tell: (text) => ends.client.write(Buffer.from(text), STDERR),
      endTarget: () => ends.target.eof(),
      refill: parts.refill,
    })
    this.#lifetime = lifetime(parts, () => this.#bytes)
  }

  get holds(): boolean {
    return this.#relay.holds
  }
  get keptOfTarget(): number {
    return this.#relay.keptOfTarget
  }
  get keptOfClient(): number {
    return this.#relay.keptOfClient
  }
  fromClient(bytes: Buffer): void {
    this.#relay.fromClient(bytes)
  }
  fromTarget(bytes: Buffer, type: number): void {
    if (type === STDERR) this.#errors.push(bytes)
    else this.#relay.fromTarget(bytes)
  }
  clientEof(): void {
    this.#eof = true
    this.#relay.clientEof()
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
