import { PACKET_BYTES } from './channel-limits.ts'
import { channelMessage, MESSAGE } from './channel-messages.ts'
import type { PacketLine } from './packet-line.ts'

type Waiting = { readonly bytes: Buffer; readonly type: number } | { readonly message: Buffer }

/**
 * One end of a channel: what we send to one peer and what it may send us. Keeps what the peer's window has no room for, in order, and says
 * EOF and CLOSE behind it. The bound of what waits is the window given to the other end.
 */
export class ChannelEnd {
  readonly line: PacketLine
  /** Our number for it. */
  readonly id: number
  /** Its number, once both sides know each other. */
  #theirs = -1
  #window = 0
  #packet = 0
  readonly #waiting: Waiting[] = []
  #pending = 0
  #ending: 'open' | 'eof' | 'close' = 'open'
  #sent: 'open' | 'eof' | 'close' = 'open'
  /** What it may still send us. */
  #granted: number
  readonly #most: number
  /** It said EOF, it said CLOSE. */
  ended = false
  closed = false
  /** Told when less waits than before. */
  drained: () => void = () => {}

  constructor(line: PacketLine, id: number, window: number) {
    this.line = line
    this.id = id
    this.#granted = window
    this.#most = window
  }

  get opened(): boolean {
    return this.#theirs >= 0
  }

  /** What it may send us now. */
  get granted(): number {
    return this.#granted
  }

  /** Bytes that wait for the peer's window. */
  get pending(): number {
    return this.#pending
  }

  /** True once both sides have said CLOSE, or the peer never heard of it. */
  get over(): boolean {
    return this.closed && (this.#sent === 'close' || !this.opened)
  }

  open(theirs: number, window: number, packet: number): void {
    this.#theirs = theirs
    this.#window = window
    this.#packet = Math.min(packet, PACKET_BYTES)
    this.flush()
  }

  /** `type` 0 is plain data, 1 standard error. */
  write(bytes: Buffer, type = 0): void {
    if (bytes.length === 0 || this.#ending !== 'open') return
    this.#waiting.push({ bytes, type })
    this.#pending += bytes.length
    this.flush()
  }

  /** A message of this channel, in its turn among the data. `make` gets the peer's number for it. */
  say(type: number, rest: Buffer): void {
    if (this.#ending === 'close') return
    const message = channelMessage(type, 0, rest)
    this.#waiting.push({ message })
    this.flush()
  }

  /** A message that does not wait for the data before it. */
  urge(type: number, rest: Buffer): void {
    if (this.opened && this.#sent !== 'close') this.line.send(channelMessage(type, this.#theirs, rest))
  }

  eof(): void {
    if (this.#ending === 'open') this.#ending = 'eof'
    this.flush()
  }

  close(): void {
    this.#ending = 'close'
    this.flush()
  }

  /** Closes without what still waits. */
  abandon(): void {
    this.#waiting.length = 0
    this.#pending = 0
    this.close()
  }

  adjusted(bytes: number): void {
    // RFC 4254 §5.2: a window never exceeds 2^32 - 1.
    this.#window = Math.min(this.#window + bytes, 0xffffffff)
    this.flush()
  }

  flush(): void {
    if (!this.opened || this.#sent === 'close') return
    const before = this.#pending
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]!
      if ('message' in next) {
        next.message.writeUInt32BE(this.#theirs, 1)
        this.line.send(next.message)
        this.#waiting.shift()
      } else if (!this.#sendData(next)) break
    }
    if (this.#waiting.length === 0) this.#finish()
    if (this.#pending < before) this.drained()
  }

  /** Sends what there is room for; false when some of it waits. */
  #sendData(next: { readonly bytes: Buffer; readonly type: number }): boolean {
    const { bytes, type } = next
    let at = 0
    // Never an empty message: it would take nothing off what waits.
    while (at < bytes.length && this.#window > 0 && this.#packet > 0 && !this.line.full) {
      const size = Math.min(bytes.length - at, this.#window, this.#packet)
      this.line.sendData(this.#theirs, size === bytes.length ? bytes : bytes.subarray(at, at + size), type)
      this.#window -= size
      this.#pending -= size
      at += size
    }
    if (at === bytes.length) {
      this.#waiting.shift()
      return true
    }
    if (at > 0) this.#waiting[0] = { bytes: bytes.subarray(at), type }
    return false
  }

  #finish(): void {
    if (this.#ending !== 'open' && this.#sent === 'open') {
      this.#sent = 'eof'
      this.line.send(channelMessage(MESSAGE.EOF, this.#theirs))
    }
    if (this.#ending === 'close') {
      this.#sent = 'close'
      this.line.send(channelMessage(MESSAGE.CLOSE, this.#theirs))
    }
  }

  /** The peer sent data. False when it had no right to. */
  received(bytes: number): boolean {
    this.#granted -= bytes
    return this.#granted >= 0
  }

  /** Lets the peer send again what is no longer kept anywhere: `backlog` bytes still are. */
  refill(backlog: number): void {
    if (!this.opened || this.ended || this.closed || this.#sent === 'close') return
    const more = this.#most - backlog - this.#granted
    if (more < this.#most / 2) return
    this.#granted += more
    const amount = Buffer.allocUnsafe(4)
    amount.writeUInt32BE(more)
    this.line.send(channelMessage(MESSAGE.WINDOW_ADJUST, this.#theirs, amount))
  }
}
