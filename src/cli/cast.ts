import type { TranscriptEvent } from './events.ts'
import { CommandFailure, EXIT } from './exit.ts'

/** What the header of a recording says beside its size. */
export interface CastHead {
  /** Milliseconds since the epoch. */
  readonly opened_ms: number
  readonly title: string
}

/**
 * A terminal's recording as asciicast v2: a header line, then `[seconds, code, text]` with code `o` output, `i` input, `r` a new size, `m`
 * a mark. Of several terminals in a session the first, or that of operation `op`. Yields lines. Throws CommandFailure when there is none.
 */
export async function* castLines(
  events: AsyncIterable<TranscriptEvent>,
  { opened_ms, title }: CastHead,
  op?: number,
): AsyncGenerator<string> {
  let of = op
  let from = 0
  let begun = false
  const decoders = { output: new TextDecoder(), input: new TextDecoder() }
  for await (const event of events) {
    if (event.kind === 'terminal' && !begun && (of === undefined || event.op === of)) {
      of = event.op
      from = event.at
      begun = true
      const timestamp = Math.floor((opened_ms + event.at) / 1000)
      const { width, height, term } = event
      yield line({ version: 2, width: width || 80, height: height || 24, timestamp, title, env: { TERM: term } })
    }
    if (!begun || !('op' in event) || event.op !== of) continue
    const at = Math.max(0, event.at - from) / 1000
    if (event.kind === 'output' || event.kind === 'input') {
      const text = decoders[event.kind].decode(Buffer.from(event.base64, 'base64'), { stream: true })
      if (text) yield line([at, event.kind === 'output' ? 'o' : 'i', text])
    } else if (event.kind === 'resize') yield line([at, 'r', `${event.width}x${event.height}`])
    else if (event.kind === 'typed') yield line([at, 'm', `typed, it seems: ${event.text}`])
  }
  if (!begun)
    throw new CommandFailure('Nothing in this session ran on a terminal.', EXIT.notFound, 'Replay it: sluice replay')
}

/** JSON that a terminal may be shown: what JSON leaves as it is and a terminal or the eye would act on is escaped (ATTACKS D24). */
const line = (value: unknown) =>
  `${JSON.stringify(value).replace(/[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`
