/** One message of the session phase as it stands on the wire: its type letter, and all its bytes. */
export interface Framed {
  readonly type: string
  readonly bytes: Buffer
}

/** Cuts bytes into messages. Throws for a length below 4; what is left over comes back as `rest`. */
export function framesOf(bytes: Buffer): { frames: Framed[]; rest: Buffer } {
  const frames: Framed[] = []
  let at = 0
  while (bytes.length - at >= 5) {
    const length = bytes.readUInt32BE(at + 1)
    if (length < 4) throw new Error(`a message of length ${length} at byte ${at}`)
    const end = at + 1 + length
    if (end > bytes.length) break
    frames.push({ type: String.fromCharCode(bytes[at]!), bytes: bytes.subarray(at, end) })
    at = end
  }
  return { frames, rest: bytes.subarray(at) }
}

const STRINGS: Readonly<Record<string, number>> = { Q: 1, P: 2, B: 2, E: 1, f: 1 }

/** A frontend message on one line: type, then the strings it begins with. `P s1 select 1`, `B p s1`, `D S s1`. */
export function said({ type, bytes }: Framed): string {
  const body = bytes.subarray(5)
  if (type === 'D' || type === 'C')
    return `${type} ${String.fromCharCode(body[0]!)} ${body.toString('utf8', 1, body.length - 1)}`.trim()
  if (type === 'd') return `d ${body.length}`
  const strings = body
    .toString()
    .split('\0')
    .slice(0, STRINGS[type] ?? 0)
  return [type, ...strings.map((text) => (text.length > 80 ? `${text.slice(0, 20)}…` : text))].join(' ').trim()
}
