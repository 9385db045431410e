import { plainLine } from '../../kit/plain-line.ts'
import { SshReader, sshString, sshUint32 } from '../../kit/ssh-wire.ts'
import { textScrubber } from '../../masking/index.ts'
import type { MaskDuty } from '../../model/decision.ts'
import type { Session } from '../contract.ts'
import { TARGET_TEXT_BYTES } from './channel-limits.ts'
import { type Request, STDERR } from './channel-messages.ts'
import { outputMask } from './mask.ts'
import type { ProgramParts } from './program.ts'

/** Makes a text of the target fit to be shown in one line. */
export type Cleaner = (text: string) => string

/** Values a duty names are masked, and nothing moves a cursor. */
export function cleaner(duties: readonly MaskDuty[], { maskKey }: Pick<Session, 'maskKey'>): Cleaner {
  const scrubber = textScrubber(duties, maskKey)
  return (text) => {
    const short = text.length > TARGET_TEXT_BYTES ? `${text.slice(0, TARGET_TEXT_BYTES)}…` : text
    return plainLine(scrubber?.scrubText(short) ?? short)
  }
}

/** Signals of RFC 4254 §6.10; others are written `name@domain`. */
const SIGNAL = /^(?:ABRT|ALRM|FPE|HUP|ILL|INT|KILL|PIPE|QUIT|SEGV|TERM|USR1|USR2|[A-Z0-9+-]{1,16}@openssh\.com)$/

/** What a client is told of a request of the target about a program: the fields its name says, and no more. Throws `protocol.malformed`. */
export function shownRequest({ name, wantReply, rest }: Request, clean: Cleaner): Request {
  const reader = new SshReader(rest)
  const shown = (...fields: Buffer[]) => ({ name, wantReply, rest: Buffer.concat(fields) })
  switch (name) {
    case 'exit-status':
      return shown(sshUint32(reader.uint32()))
    case 'xon-xoff': // client can do
      return shown(reader.boolean())
    case 'exit-signal': {
      // string name, boolean core dumped, string message, string language
      const signal = reader.string().toString('latin1')
      const core = reader.boolean()
      const message = clean(reader.string().toString('utf8'))
      return shown(sshString(SIGNAL.test(signal) ? signal : 'UNKNOWN@sluice'), core, sshString(message), sshString(''))
    }
    default:
      return shown()
  }
}

export interface ErrorStream {
  push(bytes: Buffer): void
  /** Nothing more comes. May be told twice. */
  end(): void
}

/** Standard error of a program that moves files: masked as its permit says, and line by line inert. */
export function errorStream({ house, permit, ends }: Pick<ProgramParts, 'house' | 'permit' | 'ends'>): ErrorStream {
  const show = (bytes: Buffer) => {
    const lines = bytes.toString('utf8').replaceAll('\r\n', '\n').split('\n').map(plainLine)
    ends.client.write(Buffer.from(lines.join('\n')), STDERR)
  }
  const mask = outputMask({ duties: permit.obligations.mask, house, show })
  return mask ?? { push: show, end: () => {} }
}
