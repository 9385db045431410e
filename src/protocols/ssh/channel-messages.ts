import { SluiceError } from '../../kit/errors.ts'
import { SshReader, sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import { PACKET_BYTES, REQUEST_BYTES } from './channel-limits.ts'

/** RFC 4254 §9. */
export const MESSAGE = {
  GLOBAL_REQUEST: 80,
  REQUEST_SUCCESS: 81,
  REQUEST_FAILURE: 82,
  OPEN: 90,
  OPEN_CONFIRMATION: 91,
  OPEN_FAILURE: 92,
  WINDOW_ADJUST: 93,
  DATA: 94,
  EXTENDED_DATA: 95,
  EOF: 96,
  CLOSE: 97,
  REQUEST: 98,
  SUCCESS: 99,
  FAILURE: 100,
} as const

/** Why a channel does not open (RFC 4254 §5.1). */
export const OPEN_REASON = {
  PROHIBITED: 1,
  CONNECT_FAILED: 2,
  UNKNOWN_TYPE: 3,
  SHORTAGE: 4,
} as const

export const STDERR = 1

const NOTHING = Buffer.alloc(0)

/** byte type, uint32 recipient channel, the rest. */
export function channelMessage(type: number, channel: number, rest: Buffer = NOTHING): Buffer {
  const message = Buffer.allocUnsafe(5 + rest.length)
  message[0] = type
  message.writeUInt32BE(channel, 1)
  rest.copy(message, 5)
  return message
}

/** string name, boolean want reply, the rest: of a global request as of a channel's. */
export function requestBody(name: string, wantReply: boolean, rest: Buffer = NOTHING): Buffer {
  return Buffer.concat([sshString(name), Buffer.from([wantReply ? 1 : 0]), rest])
}

export function globalRequest(name: string, wantReply: boolean, rest: Buffer = NOTHING): Buffer {
  return Buffer.concat([Buffer.from([MESSAGE.GLOBAL_REQUEST]), requestBody(name, wantReply, rest)])
}

/** string type, uint32 sender channel, uint32 window, uint32 largest packet, the rest. */
export function openMessage(type: string, sender: number, window: number, rest: Buffer = NOTHING): Buffer {
  return Buffer.concat([
    Buffer.from([MESSAGE.OPEN]),
    sshString(type),
    sshUint32(sender),
    sshUint32(window),
    sshUint32(PACKET_BYTES),
    rest,
  ])
}

/** uint32 recipient, uint32 sender, uint32 window, uint32 largest packet. */
export function openConfirmation(recipient: number, sender: number, window: number): Buffer {
  return channelMessage(
    MESSAGE.OPEN_CONFIRMATION,
    recipient,
    Buffer.concat([sshUint32(sender), sshUint32(window), sshUint32(PACKET_BYTES)]),
  )
}

/** uint32 recipient, uint32 reason, string description, string language. */
export function openFailure(recipient: number, reason: number, description: string): Buffer {
  return channelMessage(
    MESSAGE.OPEN_FAILURE,
    recipient,
    Buffer.concat([sshUint32(reason), sshString(description), sshString('')]),
  )
}

export interface OpenRequest {
  readonly type: string
  readonly sender: number
  readonly window: number
  readonly packet: number
  readonly rest: Buffer
}

export function readOpen(message: Buffer): OpenRequest {
  const reader = new SshReader(message.subarray(1))
  const type = nameOf(reader.string())
  const [sender, window, packet] = [reader.uint32(), reader.uint32(), reader.uint32()]
  return { type, sender, window, packet, rest: restOf(message, reader) }
}

export interface Confirmation {
  readonly sender: number
  readonly window: number
  readonly packet: number
}

export function readConfirmation(message: Buffer): Confirmation {
  const reader = new SshReader(message.subarray(5))
  return { sender: reader.uint32(), window: reader.uint32(), packet: reader.uint32() }
}

/** Why a channel did not open; the text is the peer's own, and bounded. */
export function readOpenFailure(message: Buffer): { readonly reason: number; readonly text: string } {
  const reader = new SshReader(message.subarray(5))
  return { reason: reader.uint32(), text: reader.string().toString('utf8', 0, 512) }
}

/** Bytes of a WINDOW_ADJUST. */
export const readAdjust = (message: Buffer): number => new SshReader(message.subarray(5)).uint32()

export interface Request {
  readonly name: string
  readonly wantReply: boolean
  /** What follows, by name. */
  readonly rest: Buffer
}

/** The request within a message, from its name on. Throws `protocol.malformed`. */
export function readRequest(message: Buffer, from: number): Request {
  if (message.length > REQUEST_BYTES) throw new SluiceError('protocol.malformed', 'a request is too long')
  const reader = new SshReader(message.subarray(from))
  const name = nameOf(reader.string())
  const rest = restOf(message, reader)
  if (rest.length === 0) throw new SluiceError('protocol.malformed', 'a request ends too early')
  return { name, wantReply: rest[0] !== 0, rest: rest.subarray(1) }
}

/** Recipient of a channel message. */
export function recipientOf(message: Buffer): number {
  if (message.length < 5) throw new SluiceError('protocol.malformed', 'a channel message without its channel')
  return message.readUInt32BE(1)
}

/** The data of CHANNEL_DATA or CHANNEL_EXTENDED_DATA: a view. `type` is 0 for plain data. */
export function readData(message: Buffer): { readonly type: number; readonly bytes: Buffer } {
  const extended = message[0] === MESSAGE.EXTENDED_DATA
  const at = extended ? 9 : 5
  if (message.length < at + 4) throw new SluiceError('protocol.malformed', 'channel data ends too early')
  const length = message.readUInt32BE(at)
  if (message.length !== at + 4 + length) throw new SluiceError('protocol.malformed', 'channel data of another length')
  return { type: extended ? message.readUInt32BE(5) : 0, bytes: message.subarray(at + 4) }
}

/** Names of requests and types are ASCII (RFC 4250 §4.6.1); any other stands for itself and is known to nobody. */
function nameOf(bytes: Buffer): string {
  if (bytes.length > 128) throw new SluiceError('protocol.malformed', 'a name is too long')
  return bytes.toString('latin1')
}

function restOf(message: Buffer, reader: SshReader): Buffer {
  return message.subarray(message.length - reader.remaining)
}
