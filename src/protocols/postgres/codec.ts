import { Carry } from '../../kit/carry.ts'
import { SluiceError } from '../../kit/errors.ts'

/** Message type bytes (PostgreSQL documentation, "Message Formats"). A letter may mean one thing from the client and another from the server. */
export const FRONTEND = {
  Bind: 0x42, // B
  Close: 0x43, // C
  Describe: 0x44, // D
  Execute: 0x45, // E
  FunctionCall: 0x46, // F
  Flush: 0x48, // H
  Parse: 0x50, // P
  Query: 0x51, // Q
  Sync: 0x53, // S
  Terminate: 0x58, // X
  CopyDone: 0x63, // c
  CopyData: 0x64, // d
  CopyFail: 0x66, // f
  Password: 0x70, // p
} as const

export const BACKEND = {
  ParseComplete: 0x31, // 1
  BindComplete: 0x32, // 2
  CloseComplete: 0x33, // 3
  NotificationResponse: 0x41, // A
  CommandComplete: 0x43, // C
  DataRow: 0x44, // D
  ErrorResponse: 0x45, // E
  CopyInResponse: 0x47, // G
  CopyOutResponse: 0x48, // H
  EmptyQueryResponse: 0x49, // I
  BackendKeyData: 0x4b, // K
  NoticeResponse: 0x4e, // N
  Authentication: 0x52, // R
  ParameterStatus: 0x53, // S
  RowDescription: 0x54, // T
  FunctionCallResponse: 0x56, // V
  CopyBothResponse: 0x57, // W
  ReadyForQuery: 0x5a, // Z
  CopyDone: 0x63, // c
  CopyData: 0x64, // d
  NoData: 0x6e, // n
  PortalSuspended: 0x73, // s
  ParameterDescription: 0x74, // t
  NegotiateProtocolVersion: 0x76, // v
} as const

/** What a framer does with a message once its header is read. */
export type Admission = 'whole' | 'stream'

export interface FrameSink {
  /** Called with the type byte and the length field (which counts itself, not the type). Throws for what may not come now or is too long. */
  admit(type: number, length: number): Admission
  /** One whole message, `bytes[start]` its type byte. Returning a promise stops the framer until it settles. */
  message(bytes: Buffer, start: number, end: number): void | Promise<void>
  /** A stretch of a streamed message, header included. `last` with its final byte. */
  piece(bytes: Buffer, first: boolean, last: boolean): void
  /** A message that returned a promise is done and everything behind it in hand was worked off. */
  resumed(): void
}

const HEADER = 5

/**
 * Cuts a byte stream into messages: a type byte, an Int32 length that counts itself, the body. The same emissions come whatever the
 * pieces are (invariant 3). A message is collected only after `admit` accepted its length, so nobody makes us buffer what we never take.
 */
export class Framer {
  readonly #sink: FrameSink
  readonly #carry = new Carry()
  /** Bytes wanted before the carry is worth joining. */
  #wanted = 0
  #streaming = 0
  #waiting = false
  readonly #failed: (error: unknown) => void

  /** `failed` gets what an asynchronous `message` rejected with. */
  constructor(sink: FrameSink, failed: (error: unknown) => void) {
    this.#sink = sink
    this.#failed = failed
  }

  get waiting(): boolean {
    return this.#waiting
  }

  feed(chunk: Buffer): void {
    if (this.#waiting) return this.#carry.keep(chunk)
    if (this.#carry.size === 0) return this.#walk(chunk)
    this.#carry.keep(chunk)
    if (this.#carry.size < this.#wanted) return
    this.#walk(this.#join())
  }

  #join(): Buffer {
    this.#wanted = 0
    return this.#carry.take()
  }

  #walk(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#streaming > 0) {
        at = this.#stream(bytes, at, false)
        continue
      }
      if (bytes.length - at < HEADER) break
      const length = bytes.readInt32BE(at + 1)
      if (length < 4) throw new SluiceError('protocol.malformed', `message length ${length}`)
      const end = at + 1 + length
      // Whole messages in hand are the hot path: `admit` still judges their length.
      if (this.#sink.admit(bytes[at]!, length) === 'stream') {
        this.#streaming = length + 1
        at = this.#stream(bytes, at, true)
        continue
      }
      if (end > bytes.length) {
        this.#wanted = length + 1
        break
      }
      const wait = this.#sink.message(bytes, at, end)
      at = end
      if (wait) {
        this.#wait(wait)
        break
      }
    }
    if (at < bytes.length) this.#carry.keep(at === 0 ? bytes : bytes.subarray(at))
  }

  #stream(bytes: Buffer, at: number, first: boolean): number {
    const end = Math.min(bytes.length, at + this.#streaming)
    this.#streaming -= end - at
    this.#sink.piece(bytes.subarray(at, end), first, this.#streaming === 0)
    return end
  }

  #wait(work: Promise<void>): void {
    this.#waiting = true
    work.then(
      () => {
        this.#waiting = false
        try {
          if (this.#carry.size > 0) this.#walk(this.#join())
          if (!this.#waiting) this.#sink.resumed()
        } catch (error) {
          this.#failed(error)
        }
      },
      (error: unknown) => this.#failed(error),
    )
  }
}
