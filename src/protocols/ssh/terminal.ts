import { SshReader } from '../../kit/ssh-wire.ts'
import { MODES_BYTES } from './channel-limits.ts'

/** Characters. */
export interface WindowSize {
  readonly width: number
  readonly height: number
}

export interface Terminal extends WindowSize {
  readonly term: string
  /** As RFC 4254 §8 writes them. */
  readonly modes: Buffer
}

/** Names of terminals: with a slash in it some programs would take one for a path. */
const TERM = /^[A-Za-z0-9._+-]{0,64}$/

/** Undefined for one that is not passed on. string TERM, uint32 width, uint32 height, uint32 pixels wide, uint32 pixels high, string modes (RFC 4254 §6.2). */
export function readTerminal(rest: Buffer): Terminal | undefined {
  const reader = new SshReader(rest)
  const term = reader.string().toString('latin1')
  const [width, height] = [reader.uint32(), reader.uint32()]
  reader.uint32()
  reader.uint32()
  const modes = reader.string()
  if (!TERM.test(term) || modes.length > MODES_BYTES || reader.remaining > 0) return undefined
  return { term, width, height, modes: Buffer.from(modes) }
}

/** uint32 width, uint32 height, uint32 pixels wide, uint32 pixels high (RFC 4254 §6.7). */
export function readWindow(rest: Buffer): WindowSize {
  const reader = new SshReader(rest)
  return { width: reader.uint32(), height: reader.uint32() }
}
