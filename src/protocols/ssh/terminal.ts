import { SshReader } from '../../kit/ssh-wire.ts'

/** Characters. */
export interface WindowSize {
  readonly width: number
  readonly height: number
}

export interface Terminal extends WindowSize {
  readonly term: string
}

/** string TERM, uint32 width, uint32 height, uint32 pixels wide, uint32 pixels high, string modes (RFC 4254 §6.2). */
export function readTerminal(rest: Buffer): Terminal {
  const reader = new SshReader(rest)
  const term = reader.string().toString('latin1').slice(0, 64)
  return { term, width: reader.uint32(), height: reader.uint32() }
}

/** uint32 width, uint32 height, uint32 pixels wide, uint32 pixels high (RFC 4254 §6.7). */
export function readWindow(rest: Buffer): WindowSize {
  const reader = new SshReader(rest)
  return { width: reader.uint32(), height: reader.uint32() }
}
