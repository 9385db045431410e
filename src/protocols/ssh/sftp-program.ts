import { type Request, STDERR } from './channel-messages.ts'
import { type Lifetime, lifetime } from './lifetime.ts'
import type { Program, ProgramParts } from './program.ts'
import { SftpRelay } from './sftp.ts'

/** The `sftp` subsystem: allowed as such, and then request by request. */
export class SftpProgram implements Program {
  readonly granted = true as const
  readonly #parts: ProgramParts
  readonly #relay: SftpRelay
  readonly #lifetime: Lifetime
  #bytes = 0

  constructor(parts: ProgramParts) {
    this.#parts = parts
    const { house, ends } = parts
    this.#relay = new SftpRelay({
      house,
      toClient: (bytes) => {
        this.#bytes += bytes.length
        ends.client.write(bytes)
      },
      toTarget: (bytes) => ends.target.write(bytes),
      tell: (text) => ends.client.write(Buffer.from(text), STDERR),
      endTarget: () => ends.target.eof(),
      refill: parts.refill,
    })
    this.#lifetime = lifetime(parts)
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
    if (type === STDERR) this.#parts.ends.client.write(bytes, STDERR)
    else this.#relay.fromTarget(bytes)
  }
  clientEof(): void {
    this.#relay.clientEof()
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
