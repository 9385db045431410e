import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { SluiceError } from '../kit/errors.ts'
import { LIMITS } from './limits.ts'

/** Messages of one JSON object per line, for the few words two ends of a tunnel exchange. */
export async function* readLines(stream: Duplex): AsyncGenerator<Record<string, unknown>> {
  let rest = ''
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    rest += chunk.toString('latin1')
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield parsed(rest.slice(0, end))
      rest = rest.slice(end + 1)
    }
    if (rest.length > LIMITS.line) throw new SluiceError('tunnel.malformed', 'a message is too long')
  }
}

/** The first message, and nothing behind it is read. Rejects with `tunnel.malformed` when there is none before the end. */
export async function readLine(stream: Duplex): Promise<Record<string, unknown>> {
  try {
    for await (const message of readLines(stream)) return message
  } catch (thrown) {
    if (thrown instanceof SluiceError) throw thrown
    // Cut, or closed here because it took too long.
  }
  throw new SluiceError('tunnel.malformed', 'the other end left without a word')
}

/** Writes a message; waits while the other end does not read. */
export async function writeLine(stream: Duplex, message: object): Promise<void> {
  const line = JSON.stringify(message).replace(
    /[\u0080-\uffff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  if (!stream.write(`${line}\n`, 'latin1')) await Promise.race([once(stream, 'drain'), once(stream, 'close')])
}

function parsed(line: string): Record<string, unknown> {
  if (line.length > LIMITS.line) throw new SluiceError('tunnel.malformed', 'a message is too long')
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new SluiceError('tunnel.malformed', 'a message is not a JSON object')
}

/** A field that must be a text of at most `most` characters. Throws `tunnel.malformed`. */
export function textOf(message: Record<string, unknown>, field: string, most: number): string {
  const value = message[field]
  if (typeof value === 'string' && value.length <= most) return value
  throw new SluiceError('tunnel.malformed', `${field} is missing or too long`)
}
