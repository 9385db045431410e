import { expect, test } from 'vitest'
import { castLines } from './cast.ts'
import type { TranscriptEvent } from './events.ts'

async function* of(...events: TranscriptEvent[]) {
  yield* events
}
async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}
const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64')
const head = { opened_ms: 1_700_000_000_000, title: 'ada on web-1' }

test('a terminal is an asciicast: its size, its time, what was written, typed and resized', async () => {
  const lines = await all(
    castLines(
      of(
        { at: 5, kind: 'output', op: 1, stream: 1, base64: base64('another program') },
        { at: 1000, kind: 'terminal', op: 2, term: 'xterm', width: 100, height: 30 },
        { at: 1500, kind: 'output', op: 2, stream: 1, base64: base64(Buffer.from('é').subarray(0, 1)) },
        { at: 1600, kind: 'output', op: 2, stream: 1, base64: base64(Buffer.from('é').subarray(1)) },
        { at: 2000, kind: 'input', op: 2, base64: base64('ls\r') },
        { at: 2100, kind: 'resize', op: 2, width: 120, height: 40 },
        { at: 2200, kind: 'typed', op: 2, text: 'ls' },
        { at: 2300, kind: 'end' },
      ),
      head,
    ),
  )
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { version: 2, width: 100, height: 30, timestamp: 1_700_000_001, title: 'ada on web-1', env: { TERM: 'xterm' } },
    [0.6, 'o', 'é'],
    [1, 'i', 'ls\r'],
    [1.1, 'r', '120x40'],
    [1.2, 'm', 'typed, it seems: ls'],
  ])
})

test('a session without a terminal has no cast', async () => {
  await expect(all(castLines(of({ at: 1, kind: 'end' }), head))).rejects.toThrow('terminal')
})

test('D24: nothing in a cast that is shown as it is moves a terminal or turns what is read', async () => {
  const text = 'a\u009b31m\u009d0;t\u009c\x7f\u202eb'
  const events = of(
    { at: 0, kind: 'terminal', op: 1, term: 'xterm', width: 80, height: 24 },
    { at: 1, kind: 'output', op: 1, stream: 1, base64: base64(text) },
  )
  const lines = await all(castLines(events, head))
  expect(lines.join('')).not.toMatch(/[\x7f-\x9f\u202e]/)
  expect(JSON.parse(lines[1]!)[2]).toBe(text)
})
