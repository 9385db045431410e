import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { framesOf } from '../rig/frames.ts'

/** One thing that happened in a recorded session: bytes that came, or people's answer to what was held. */
export type Turn =
  | { readonly from: 'client' | 'target'; readonly bytes: Buffer }
  | { readonly from: 'people'; readonly approved: boolean }

/** A session of a real client and a real server through the conversation, as it came in. */
export interface Capture {
  readonly name: string
  /** The regime it was recorded under (regimes.ts): under another one the target would have been asked other things. */
  readonly regime: string
  readonly turns: readonly Turn[]
  /** SHA-256 of what was sent to the server. Sent anything else, it would have answered something else. */
  readonly sent: string
}

export const CAPTURES = join(import.meta.dirname, 'captures')

/** Every capture of the folder, in order of name. */
export function readCaptures(folder = CAPTURES): Capture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.capture'))
    .sort()
    .map((file) => parseCapture(file.replace(/\.capture$/, ''), readFileSync(join(folder, file), 'utf8')))
}

const MARK = { client: '>', target: '<' } as const

/** A capture as text: one message per line, `>` from the client, `<` from the target, `!` people's answer, an empty line between turns of one side. */
export function printCapture(capture: Capture): string {
  const lines = [`regime ${capture.regime}`, `sent ${capture.sent}`]
  for (const turn of capture.turns) {
    lines.push('')
    if (turn.from === 'people') lines.push(`! ${turn.approved ? 'approve' : 'reject'}`)
    else {
      const { frames, rest } = framesOf(turn.bytes)
      if (rest.length > 0) throw new Error('a turn ends within a message')
      for (const { type, bytes } of frames)
        lines.push(`${MARK[turn.from]} ${type} ${escaped(bytes.subarray(5))}`.trimEnd())
    }
  }
  return `${lines.join('\n')}\n`
}

export function parseCapture(name: string, text: string): Capture {
  const [head, ...paragraphs] = text.trimEnd().split(/\n\n/)
  const [, regime, sent] = /^regime (\S+)\nsent (\S+)$/.exec(head!) ?? []
  if (!regime || !sent) throw new Error(`${name}: does not begin with its regime and what was sent`)
  return { name, regime, sent, turns: paragraphs.map(parseTurn) }
}

function parseTurn(paragraph: string): Turn {
  const lines = paragraph.split('\n')
  const mark = lines[0]![0]
  if (mark === '!') return { from: 'people', approved: lines[0] === '! approve' }
  const bytes = Buffer.concat(lines.map(parseMessage))
  return { from: mark === '>' ? 'client' : 'target', bytes }
}

function parseMessage(line: string): Buffer {
  const body = unescaped(line.slice(4))
  const head = Buffer.alloc(5)
  head.write(line[2]!)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** Printable ASCII as it is; other bytes as `\hh`; sixteen and more of the same as `\{count*hh}`. A last space is escaped, lest it be trimmed. */
function escaped(body: Buffer): string {
  let text = ''
  for (let at = 0; at < body.length; ) {
    const byte = body[at]!
    let end = at + 1
    while (body[end] === byte) end++
    const hex = byte.toString(16).padStart(2, '0')
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x5c
    const one = plain || (byte === 0x20 && end < body.length) ? String.fromCharCode(byte) : `\\${hex}`
    text += end - at >= 16 ? `\\{${end - at}*${hex}}` : one.repeat(end - at)
    at = end
  }
  return text
}

function unescaped(text: string): Buffer {
  const parts = text.split(/(\\[0-9a-f]{2}|\\\{\d+\*[0-9a-f]{2}\})/)
  return Buffer.concat(
    parts.map((part) => {
      if (part.startsWith('\\{')) {
        const [count, hex] = part.slice(2, -1).split('*')
        return Buffer.alloc(Number(count), Number.parseInt(hex!, 16))
      }
      return part.startsWith('\\') ? Buffer.of(Number.parseInt(part.slice(1), 16)) : Buffer.from(part, 'latin1')
    }),
  )
}
