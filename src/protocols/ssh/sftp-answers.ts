import { SshReader, sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import type { TextScrubber } from '../../masking/index.ts'
import { readAttributes } from './sftp-attributes.ts'
import { FXP, sftpPacket, statusOf, statusPacket } from './sftp-packets.ts'
import type { Cleaner } from './target-text.ts'

/** How words of the server are shown. */
export interface AnswerWords {
  /** Its sentences, and what `ls -l` prints. */
  readonly clean: Cleaner
  /** Names of files: changed only where a duty says so, for a name is there to be used again. */
  readonly names: TextScrubber | undefined
}

/** An answer of the server as the client gets it. Throws `protocol.malformed`. */
export function shownAnswer(packet: Buffer, words: AnswerWords): Buffer {
  const id = packet.readUInt32BE(5)
  if (packet[4] === FXP.STATUS) return shownStatus(packet, words)
  return packet[4] === FXP.NAME ? sftpPacket(FXP.NAME, id, ...shownNames(packet.subarray(9), words)) : packet
}

/** uint32 code, string message, string language (draft-ietf-secsh-filexfer-02 §7). The last two are not sent by every server. */
function shownStatus(packet: Buffer, { clean }: AnswerWords): Buffer {
  const text = packet.length > 17 ? new SshReader(packet.subarray(13)).string().toString('utf8') : ''
  return statusPacket(packet.readUInt32BE(5), statusOf(packet)!, clean(text))
}

/** uint32 count, then of each file string name, string long name, attributes. */
function shownNames(body: Buffer, { clean, names }: AnswerWords): Buffer[] {
  const reader = new SshReader(body)
  const count = reader.uint32()
  const parts = [sshUint32(count)]
  for (let i = 0; i < count; i++) {
    const name = reader.string()
    const long = clean(reader.string().toString('utf8'))
    const from = body.length - reader.remaining
    readAttributes(reader)
    const attributes = body.subarray(from, body.length - reader.remaining)
    parts.push(sshString(names?.scrub(name, 0, name.length) ?? name), sshString(long), attributes)
  }
  reader.end()
  return parts
}
