import { Carry } from '../../kit/carry.ts'
import { SluiceError } from '../../kit/errors.ts'
import { sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import { SFTP_HANDLE_BYTES, SFTP_PACKET_BYTES } from './channel-limits.ts'

/** draft-ietf-secsh-filexfer-02 §3. */
export const FXP = {
  INIT: 1,
  VERSION: 2,
  OPEN: 3,
  CLOSE: 4,
  READ: 5,
  WRITE: 6,
  LSTAT: 7,
  FSTAT: 8,
  SETSTAT: 9,
  FSETSTAT: 10,
  OPENDIR: 11,
  READDIR: 12,
  REMOVE: 13,
  MKDIR: 14,
  RMDIR: 15,
  REALPATH: 16,
  STAT: 17,
  RENAME: 18,
  READLINK: 19,
  SYMLINK: 20,
  STATUS: 101,
  HANDLE: 102,
  DATA: 103,
  NAME: 104,
  ATTRS: 105,
  EXTENDED: 200,
  EXTENDED_REPLY: 201,
} as const

/** §7. */
export const FX = { OK: 0, EOF: 1, PERMISSION_DENIED: 3, FAILURE: 4, BAD_MESSAGE: 5, OP_UNSUPPORTED: 8 } as const

/** §6.3. */
export const FXF = { READ: 1, WRITE: 2, APPEND: 4, CREAT: 8, TRUNC: 16, EXCL: 32 } as const

/** §5: which attributes follow. */
export const ATTR = { SIZE: 1, UIDGID: 2, PERMISSIONS: 4, TIMES: 8, EXTENDED: 0x8000_0000 } as const

/** Reads packets: `uint32 length, byte type, …`. */
export interface PacketReader {
  /** A whole packet, its length field included. A view. */
  packet(bytes: Buffer): void
  /** The beginning of a packet that carries file contents (WRITE, DATA), up to where they begin, and how many bytes they are. */
  contents(head: Buffer, length: number): void
  /** Contents, as they come; together `length`. Views. */
  piece(bytes: Buffer): void
}

/**
 * Cuts a stream of SFTP packets. File contents are handed on as they come, everything else whole. May be stopped between two packets by
 * whoever gets them; what came meanwhile is kept. Throws `protocol.malformed`.
 */
export class SftpFramer {
  readonly #reader: PacketReader
  /** The packet type that carries contents in this direction. */
  readonly #carrier: number
  readonly #kept = new Carry()
  /** Contents still to come. */
  #open = 0
  #stopped = false
  #pushing = false

  constructor(carrier: typeof FXP.WRITE | typeof FXP.DATA, reader: PacketReader) {
    this.#carrier = carrier
    this.#reader = reader
  }

  /** Bytes kept: of a packet that is not whole, or behind a stop. */
  get kept(): number {
    return this.#kept.size
  }

  stop(): void {
    this.#stopped = true
  }

  go(): void {
    if (!this.#stopped) return
    this.#stopped = false
    if (!this.#pushing) this.push(NOTHING)
  }

  push(chunk: Buffer): void {
    if (this.#stopped) return this.#kept.keep(chunk)
    let bytes = chunk
    if (this.#kept.size > 0) {
      this.#kept.keep(chunk)
      bytes = this.#kept.take()
    }
    this.#pushing = true
    while (!this.#stopped && bytes.length > 0) {
      const used = this.#open > 0 ? this.#contents(bytes) : this.#next(bytes)
      if (used === 0) break
      bytes = bytes.subarray(used)
    }
    this.#pushing = false
    this.#kept.keep(bytes)
  }

  #contents(bytes: Buffer): number {
    const piece = bytes.subarray(0, this.#open)
    this.#open -= piece.length
    this.#reader.piece(piece)
    return piece.length
  }

  /** Hands on the packet that begins here; 0 when more of it must come first. */
  #next(bytes: Buffer): number {
    if (bytes.length < 5) return 0
    const length = bytes.readUInt32BE()
    if (length < 1 || length > SFTP_PACKET_BYTES) throw malformed(`an SFTP packet of ${length} bytes`)
    if (bytes[4] === this.#carrier) {
      const head = this.#headOf(bytes)
      if (head === 0) return 0
      const size = bytes.readUInt32BE(head - 4)
      if (head - 4 + size !== length) throw malformed('an SFTP packet whose contents have another length')
      this.#open = size
      this.#reader.contents(bytes.subarray(0, head), size)
      return head
    }
    if (bytes.length < 4 + length) return 0
    this.#reader.packet(bytes.subarray(0, 4 + length))
    return 4 + length
  }

  /** Bytes before the contents; 0 when more must come. WRITE: id, string handle, uint64 offset, string data. DATA: id, string data. */
  #headOf(bytes: Buffer): number {
    if (this.#carrier === FXP.DATA) return bytes.length < 13 ? 0 : 13
    if (bytes.length < 13) return 0
    const handle = bytes.readUInt32BE(9)
    if (handle > SFTP_HANDLE_BYTES) throw malformed('an SFTP handle is too long')
    const head = 13 + handle + 8 + 4
    return bytes.length < head ? 0 : head
  }
}

const NOTHING = Buffer.alloc(0)

export function malformed(detail: string): SluiceError {
  return new SluiceError('protocol.malformed', detail)
}

/** A packet: length, type, id, the rest. */
export function sftpPacket(type: number, id: number, ...rest: readonly Buffer[]): Buffer {
  const size = rest.reduce((sum, part) => sum + part.length, 5)
  const head = Buffer.allocUnsafe(9)
  head.writeUInt32BE(size)
  head[4] = type
  head.writeUInt32BE(id, 5)
  return Buffer.concat([head, ...rest])
}

/** STATUS: id, uint32 code, string message, string language. */
export function statusPacket(id: number, code: number, message: string): Buffer {
  return sftpPacket(FXP.STATUS, id, sshUint32(code), sshString(message), sshString('en'))
}

/** The code of a STATUS packet; undefined for any other. A STATUS without one says that it failed. */
export function statusOf(packet: Buffer): number | undefined {
  if (packet[4] !== FXP.STATUS) return undefined
  return packet.length < 13 ? FX.FAILURE : packet.readUInt32BE(9)
}
