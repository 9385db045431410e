import { createSecretKey, type KeyObject } from 'node:crypto'
import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Client, Connection } from 'ssh2'
import { sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import { LINE_FULL_BYTES, LINE_OVERRUN_BYTES, LINGER_MS } from './channel-limits.ts'

/** What is used of ssh2's inside: its transport is kept, its channel layer is not (docs/decisions/0008-channels-without-the-library.md). */
interface Inside {
  readonly _protocol: {
    _onPayload: (payload: Buffer) => unknown
    _onPacket: () => void
    readonly _decipher: Keyed & { _onPayload: (payload: Buffer) => unknown }
    readonly _cipher: Keyed & { encrypt(packet: Buffer): void }
    readonly _kexinit: unknown
    _queue: Buffer[] | undefined
    readonly _packetRW: {
      readonly write: { readonly allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer }
    }
    channelData(id: number, bytes: Buffer): void
    channelExtData(id: number, bytes: Buffer, type: number): void
    ping: () => void
    disconnect(reason: number): void
  }
  readonly _sock: Duplex
  readonly _callbacks?: readonly unknown[]
}

/** Where ssh2 keeps the key of an HMAC. */
interface Keyed {
  _macKey?: Buffer | KeyObject
}

/** ssh2 hands node:crypto the key's bytes with every packet, which makes a key of them each time (HMAC of 32 KiB: 32 µs; with a key 21 µs). */
function prepareKey(side: Keyed): void {
  if (Buffer.isBuffer(side._macKey)) side._macKey = createSecretKey(side._macKey)
}

const DISCONNECT = 1
/** Messages of the connection protocol: RFC 4250 §4.1.2. */
const FIRST_MESSAGE = 80
const LAST_MESSAGE = 127
const REQUEST_SUCCESS = 81
const REQUEST_FAILURE = 82

/**
 * The messages of the connection protocol (RFC 4254), 80 to 127, of one authenticated ssh2 connection: taken before ssh2's own channel layer
 * sees them, which drops what a client sends before its request is answered. Key exchange, ciphers and keepalives stay with ssh2.
 */
export class PacketLine {
  readonly #inside: Inside
  readonly #library: (payload: Buffer) => unknown
  /** Whose each outstanding global request is: ssh2's own keepalives need their answers. */
  readonly #asked: ('library' | ((granted: boolean, message: Buffer) => void))[] = []
  #corked = false
  /** Told of every message but answers to global requests. Set before the first arrives. */
  receive: (message: Buffer) => void = () => {}
  /** Told when there is room again. */
  room: () => void = () => {}

  constructor(end: Connection | Client) {
    this.#inside = end as unknown as Inside
    const protocol = this.#inside._protocol
    const library = protocol._onPayload
    this.#library = library
    const take = (payload: Buffer) => this.#take(payload)
    // A key exchange has a handler of its own for the time it takes, and then takes this one.
    if (protocol._decipher._onPayload === library) protocol._decipher._onPayload = take
    protocol._onPayload = take
    for (let i = 0; i < (this.#inside._callbacks?.length ?? 0); i++) this.#asked.push('library')
    const ping = protocol.ping.bind(protocol)
    protocol.ping = () => {
      this.#asked.push('library')
      ping()
    }
    this.#inside._sock.on('drain', () => this.room())
    const keyed = () => {
      prepareKey(protocol._cipher)
      prepareKey(protocol._decipher)
    }
    keyed()
    // Every exchange of keys makes new ones.
    ;(end as EventEmitter).on('handshake', () => {
      keyed()
      this.room()
    })
  }

  #take(payload: Buffer): unknown {
    const type = payload[0]
    if (type === undefined || type < FIRST_MESSAGE || type > LAST_MESSAGE) return this.#library(payload)
    this.#inside._protocol._onPacket()
    if (type !== REQUEST_SUCCESS && type !== REQUEST_FAILURE) {
      this.receive(payload)
      return undefined
    }
    const asked = this.#asked.shift()
    if (asked === 'library') return this.#library(payload)
    asked?.(type === REQUEST_SUCCESS, payload)
    return undefined
  }

  /** Sends one whole message, from its type byte on. */
  send(message: Buffer): void {
    const { write } = this.#inside._protocol._packetRW
    const packet = write.alloc(message.length)
    packet.set(message, write.allocStart)
    const ready = write.finalize(packet)
    const protocol = this.#inside._protocol
    this.#cork()
    // While keys are exchanged nothing else may be sent (RFC 4253 §7.1): ssh2 sends its queue afterwards.
    if (protocol._kexinit === undefined) protocol._cipher.encrypt(ready)
    else {
      protocol._queue ??= []
      protocol._queue.push(ready)
    }
  }

  /** Sends a global request that wants an answer. */
  ask(message: Buffer, answered: (granted: boolean, message: Buffer) => void): void {
    this.#asked.push(answered)
    this.send(message)
  }

  /** CHANNEL_DATA, or with `type` CHANNEL_EXTENDED_DATA. */
  sendData(channel: number, bytes: Buffer, type: number): void {
    this.#cork()
    if (type === 0) this.#inside._protocol.channelData(channel, bytes)
    else this.#inside._protocol.channelExtData(channel, bytes, type)
  }

  /** Every packet is three writes of ssh2's: those of one turn leave together. */
  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    const { _sock } = this.#inside
    _sock.cork()
    process.nextTick(() => {
      this.#corked = false
      _sock.uncork()
    })
  }

  /** The peer does not read, or keys are being exchanged: data waits, what must be said does not. */
  get full(): boolean {
    return this.#inside._protocol._kexinit !== undefined || this.#inside._sock.writableLength > LINE_FULL_BYTES
  }

  /** Even what must be said piles up: whoever causes it is not read meanwhile. */
  get overrun(): boolean {
    return this.#inside._sock.writableLength > LINE_OVERRUN_BYTES
  }

  pause(): void {
    this.#inside._sock.pause()
  }

  resume(): void {
    this.#inside._sock.resume()
  }

  /** Says goodbye and why, and closes: in the end also for a peer that takes nothing any more, or keeps its half open. */
  close(reason: number, text: string): void {
    const { _protocol, _sock } = this.#inside
    if (_sock.destroyed) return
    const late = setTimeout(() => _sock.destroy(), LINGER_MS).unref()
    _sock.once('close', () => clearTimeout(late))
    // A paused stream never sees that its peer has closed.
    _sock.resume()
    if (_sock.writableEnded) return
    try {
      // RFC 4253 §11.1: uint32 reason, string description, string language. While keys are exchanged there is no time for words.
      if (_protocol._kexinit === undefined)
        this.send(Buffer.concat([Buffer.from([DISCONNECT]), sshUint32(reason), sshString(text), sshString('')]))
      else _protocol.disconnect(reason)
    } catch {
      // ssh2 has already given this connection up.
    }
    _sock.end()
  }
}
