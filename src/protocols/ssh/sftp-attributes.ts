import type { SshReader } from '../../kit/ssh-wire.ts'
import { modeText } from './operation.ts'
import { ATTR } from './sftp-packets.ts'

/** What of a file's attributes a request sets. */
export interface Attributes {
  readonly size?: number
  /** User and group, by number. */
  readonly owner?: string
  readonly mode?: number
}

/** uint32 flags, then what they name (draft-ietf-secsh-filexfer-02 §5); read to its end. Throws `protocol.malformed`. */
export function readAttributes(reader: SshReader): Attributes {
  const flags = reader.uint32()
  const size = (flags & ATTR.SIZE) !== 0 ? Number(reader.uint64()) : undefined
  const owner = (flags & ATTR.UIDGID) !== 0 ? `${reader.uint32()}:${reader.uint32()}` : undefined
  const mode = (flags & ATTR.PERMISSIONS) !== 0 ? reader.uint32() & 0o7777 : undefined
  if ((flags & ATTR.TIMES) !== 0) reader.uint64()
  // uint32 count, then pairs of strings: names and values nobody here knows.
  if ((flags & ATTR.EXTENDED) !== 0)
    for (let left = reader.uint32(); left > 0; left--) reader.string() && reader.string()
  return { ...(size !== undefined && { size }), ...(owner && { owner }), ...(mode !== undefined && { mode }) }
}

/** For whoever decides about it, and for the record. Empty when nothing is set but times. */
export function attributesText({ size, owner, mode }: Attributes): string {
  const words = [
    ...(size === undefined ? [] : [`${size} bytes`]),
    ...(owner === undefined ? [] : [`owner ${owner}`]),
    ...(mode === undefined ? [] : [`mode ${modeText(mode)}`]),
  ]
  return words.length === 0 ? '' : ` (${words.join(', ')})`
}
