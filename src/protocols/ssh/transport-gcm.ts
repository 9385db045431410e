import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomFillSync } from 'node:crypto'
import { SluiceError } from '../../kit/errors.ts'
import { giveBack } from '../../kit/give-back.ts'
import type { LibraryCipher, LibraryDecipher } from './transport-library.ts'

/**
 * AES-GCM as RFC 5647 has it, in place of the library's: uint32 length (authenticated, in the clear), the packet, a tag of 16 bytes. The
 * library makes a key object, three buffers and padding by a system call for every packet, and pieces a packet together from decrypted
 * parts; a file through the gateway is hundreds of thousands of packets, each of them twice.
 */

const LENGTH_BYTES = 4
const TAG_BYTES = 16
const BLOCK_BYTES = 16
/** RFC 4253 §6.1: what must be taken at least; the library takes no more. */
const PACKET_BYTES = 35_000
/** Packets below this leave as one write. */
const JOINED_BYTES = 1_024

/** Every packet is written here and encrypted at once: no connection keeps one. */
const scratch = Buffer.allocUnsafeSlow(LENGTH_BYTES + PACKET_BYTES + BLOCK_BYTES)

const padding = Buffer.alloc(4_096)
let paddingUsed = padding.length

function pad(packet: Buffer, from: number): void {
  const bytes = packet.length - from
  if (paddingUsed + bytes > padding.length) {
    randomFillSync(padding)
    paddingUsed = 0
  }
  padding.copy(packet, from, paddingUsed, paddingUsed + bytes)
  paddingUsed += bytes
}

/** The invocation counter: the last eight of twelve bytes (RFC 5647 §7.1). */
function advance(iv: Buffer): void {
  for (let at = 11; at >= 4; at--) {
    iv[at] = (iv[at]! + 1) & 0xff
    if (iv[at] !== 0) return
  }
}

type Name = 'aes-128-gcm' | 'aes-256-gcm'

export class GcmCipher implements LibraryCipher {
  outSeqno: number
  readonly #write: (bytes: Buffer) => void
  readonly #name: Name
  readonly #key: KeyObject
  readonly #iv: Buffer
  #dead = false

  /** `write` may keep what it is given. */
  constructor(cipher: LibraryCipher, write: (bytes: Buffer) => void) {
    this.outSeqno = cipher.outSeqno
    this.#write = write
    this.#name = cipher._encSSLName as Name
    this.#key = createSecretKey(cipher._encKey!)
    this.#iv = Buffer.from(cipher._encIV!)
  }

  free(): void {
    this.#dead = true
  }

  /** Room for a packet with this much payload, from its sixth byte on. Good until the next is asked for. */
  allocPacket(payloadBytes: number): Buffer {
    const unpadded = 1 + payloadBytes
    let padded = BLOCK_BYTES - (unpadded % BLOCK_BYTES)
    if (padded < 4) padded += BLOCK_BYTES
    const bytes = LENGTH_BYTES + unpadded + padded
    const packet = bytes <= scratch.length ? scratch.subarray(0, bytes) : Buffer.allocUnsafe(bytes)
    packet.writeUInt32BE(unpadded + padded)
    packet[LENGTH_BYTES] = padded
    pad(packet, LENGTH_BYTES + unpadded)
    return packet
  }

  encrypt(packet: Buffer): void {
    if (this.#dead) return
    const cipher = createCipheriv(this.#name, this.#key, this.#iv)
    const length = Buffer.from(packet.subarray(0, LENGTH_BYTES))
    cipher.setAAD(length)
    const body = cipher.update(packet.subarray(LENGTH_BYTES))
    cipher.final()
    const tag = cipher.getAuthTag()
    advance(this.#iv)
    this.outSeqno = (this.outSeqno + 1) >>> 0
    if (body.length < JOINED_BYTES) return this.#write(Buffer.concat([length, body, tag]))
    this.#write(length)
    this.#write(body)
    this.#write(tag)
  }
}

export class GcmDecipher implements LibraryDecipher {
  inSeqno: number
  /** Set anew by the library for the time of a key exchange. Its answer: undefined to go on, else where to. */
  _onPayload: (payload: Buffer) => number | false | undefined
  readonly #name: Name
  readonly #key: KeyObject
  readonly #iv: Buffer
  /** A packet that came in parts. */
  #part: Buffer | undefined
  #have = 0

  constructor(decipher: LibraryDecipher) {
    this.inSeqno = decipher.inSeqno
    this._onPayload = decipher._onPayload
    this.#name = decipher._decipherSSLName as Name
    this.#key = createSecretKey(decipher._decipherKey!)
    this.#iv = Buffer.from(decipher._decipherIV!)
  }

  free(): void {}

  /** Takes `data` from `at` to `end`; returns where the library goes on with another decipher, undefined when everything is taken. */
  decrypt(data: Buffer, from: number, end: number): number | undefined {
    let at = from
    while (at < end) {
      let packet: Buffer | undefined
      if (this.#have === 0 && end - at >= LENGTH_BYTES) {
        const bytes = wholeBytes(data.readUInt32BE(at))
        if (end - at >= bytes) packet = data.subarray(at, at + bytes)
        at += packet ? bytes : 0
      }
      if (!packet) {
        const had = this.#have
        packet = this.#gather(data, at, end)
        at += packet ? packet.length - had : this.#have - had
        if (!packet) continue
      }
      const next = this.#open(packet)
      if (next !== undefined) return next === false ? at : next
    }
    // Everything was decrypted into memory of its own.
    if (from === 0 && end === data.length) giveBack(data)
    return undefined
  }

  /** Copies what there is of a packet; the packet once it is whole. */
  #gather(data: Buffer, at: number, end: number): Buffer | undefined {
    this.#part ??= Buffer.allocUnsafeSlow(LENGTH_BYTES + PACKET_BYTES + TAG_BYTES)
    const part = this.#part
    if (this.#have < LENGTH_BYTES) {
      const copied = data.copy(part, this.#have, at, Math.min(end, at + LENGTH_BYTES - this.#have))
      this.#have += copied
      at += copied
      if (this.#have < LENGTH_BYTES) return undefined
    }
    const bytes = wholeBytes(part.readUInt32BE(0))
    this.#have += data.copy(part, this.#have, at, Math.min(end, at + bytes - this.#have))
    if (this.#have < bytes) return undefined
    this.#have = 0
    return part.subarray(0, bytes)
  }

  #open(packet: Buffer): number | false | undefined {
    const end = packet.length - TAG_BYTES
    const decipher = createDecipheriv(this.#name, this.#key, this.#iv)
    decipher.setAAD(packet.subarray(0, LENGTH_BYTES))
    decipher.setAuthTag(packet.subarray(end))
    const body = decipher.update(packet.subarray(LENGTH_BYTES, end))
    // Throws for a packet that was altered.
    decipher.final()
    advance(this.#iv)
    this.inSeqno = (this.inSeqno + 1) >>> 0
    const padded = body[0]!
    if (padded < 4 || padded + 1 > body.length)
      throw new SluiceError('protocol.malformed', `padding of ${padded} bytes`)
    return this._onPayload(body.subarray(1, body.length - padded))
  }
}

/** The bytes of a packet with its length and tag. Throws `protocol.malformed` for a length no packet has. */
function wholeBytes(length: number): number {
  if (length + TAG_BYTES + LENGTH_BYTES > PACKET_BYTES || length < BLOCK_BYTES || length % BLOCK_BYTES !== 0)
    throw new SluiceError('protocol.malformed', `a packet of ${length} bytes`)
  return LENGTH_BYTES + length + TAG_BYTES
}
