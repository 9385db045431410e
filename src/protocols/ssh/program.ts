import type { Operation } from '../../model/operation.ts'
import type { Permit, Refusal } from '../contract.ts'
import type { Request } from './channel-messages.ts'
import type { Ends } from './conversation.ts'
import type { Cut } from './cut.ts'
import type { Deciding } from './decide.ts'
import { RunningProgram } from './exec.ts'
import { ScpProgram } from './scp.ts'
import type { ScpOrder } from './scp-order.ts'
import { SftpProgram } from './sftp-program.ts'
import type { Terminal, WindowSize } from './terminal.ts'

export type { Terminal } from './terminal.ts'

/** What runs on a session channel after it was permitted. */
export interface Program {
  readonly granted: true
  /** It looks at bytes it was given again later. */
  readonly holds: boolean
  /** Bytes it has not passed on. */
  readonly keptOfTarget: number
  readonly keptOfClient: number
  fromClient(bytes: Buffer): void
  /** `type` 1 is standard error. */
  fromTarget(bytes: Buffer, type: number): void
  clientEof(): void
  /** The target says no more. May be told twice. */
  targetEof(): void
  /** A request of the target about it: how it ended. */
  said(request: Request): void
  resized(size: WindowSize): void
  /** The target did not start it. */
  failed(): void
  over(cut: Cut): void
}

export interface ProgramParts {
  readonly house: Deciding
  readonly ends: Ends
  readonly permit: Permit
  readonly operation: Operation
  readonly terminal: Terminal | undefined
  readonly scp: ScpOrder | undefined
  /** Ends it from here, with a sentence for whoever sits there. */
  readonly exit: (status: number, why: string) => void
  /** What it kept of the client's went on. */
  readonly refill: () => void
}

/** False for rsync and git: a masked byte would break their own protocols. */
export const masksOutput = ({ scp, operation }: Pick<ProgramParts, 'scp' | 'operation'>): boolean =>
  scp !== undefined || operation.facts.kind !== 'file'

/** Begins what was permitted, or refuses it when a duty cannot be fulfilled for it. */
export function begin(parts: ProgramParts): Program | Refusal {
  const { house, permit, operation } = parts
  if (!masksOutput(parts) && permit.obligations.mask.length > 0) {
    house.session.settle(permit, { status: 'refused', tag: 'policy.unfulfilled', rows: 0, bytes: 0 })
    return house.session.refuse('policy.unfulfilled', operation.text, 'contents of files are not masked')
  }
  if (parts.scp) return new ScpProgram(parts, parts.scp)
  if (operation.verb === 'subsystem' && operation.text === 'sftp') return new SftpProgram(parts)
  return new RunningProgram(parts)
}
