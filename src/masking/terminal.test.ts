import { expect, test } from 'vitest'
import { Secret } from '../kit/secret.ts'
import { StreamScrubber } from './stream-scrubber.ts'
import { sequenceEnd, sequencesOf } from './terminal-sequences.ts'
import { textScrubber } from './text-scrubber.ts'

const scrubber = textScrubber([{ labels: ['secret', 'pii.*'], with: 'redact' }], new Secret('k'))!
const KEY = 'AKIAQ4CBZ7YKZ2EXAMPL'
const ESC = '\x1b'

const CASES: readonly [name: string, written: string, bare: string][] = [
  ['a colour within it', `k=${KEY.slice(0, 6)}${ESC}[1;31m${KEY.slice(6)}${ESC}[0m.\n`, `k=…${ESC}[1;31m${ESC}[0m.\n`],
  ['a colour for each character', `${[...KEY].map((mark) => `${ESC}[32m${mark}`).join('')}${ESC}[m\n`, ''],
  ['a link around it', `${ESC}]8;;http://x/${ESC}\\${KEY}${ESC}]8;;${ESC}\\\n`, ''],
  ['a link within it', `AKIA${ESC}]8;;http://x/\x07${KEY.slice(4)}\n`, ''],
  ['a character set', `AKIA${ESC}(B${KEY.slice(4)}\n`, ''],
  ['struck over, as man does it', `${[...KEY].map((mark) => `${mark}\b${mark}`).join('')}\n`, ''],
  ['underlined by overstrike', `${[...KEY].map((mark) => `_\b${mark}`).join('')}\n`, ''],
]

test.each(CASES)('a value is found with %s', (_, written, bare) => {
  const shown = new StreamScrubber(scrubber)
  const out = Buffer.concat([shown.push(Buffer.from(written)), shown.end()]).toString()
  const seen = out.replaceAll(/\x1b(?:\[[0-9;]*m|\][^\x07\x1b]*(?:\x07|\x1b\\)|\(B)/g, '').replaceAll(/.\x08/g, '')
  expect(seen).not.toContain(KEY.slice(4))
  // What was drawn around it still is: every sequence is there, whole and in order.
  expect(sequencesOf(out)).toBe(sequencesOf(written))
  if (bare) expect(out).toMatch(/^k=\S+\x1b\[1;31m\x1b\[0m\.\n$/)
})

test.each(CASES)('however it is cut: %s', (_, written) => {
  const whole = new StreamScrubber(scrubber)
  const expected = Buffer.concat([whole.push(Buffer.from(written)), whole.end()]).toString()
  const cut = new StreamScrubber(scrubber)
  const bytes = Buffer.from(written)
  const parts = [...bytes].map((_byte, i) => cut.push(bytes.subarray(i, i + 1)))
  expect(Buffer.concat([...parts, cut.end()]).toString()).toBe(expected)
})

test('what holds no value stays what it was, byte by byte', () => {
  const text = `${ESC}[2J${ESC}]0;títle\x07ls${ESC}[K\b \b é 漢\n`
  const stream = new StreamScrubber(scrubber)
  expect(Buffer.concat([stream.push(Buffer.from(text)), stream.end()]).toString()).toBe(text)
})

test('a long line is not cut within a sequence', () => {
  const span = { window: 256, overlap: 128 }
  const stream = new StreamScrubber(scrubber, span)
  const text = `${ESC}[38;5;196m`.repeat(200)
  const pieces = [stream.push(Buffer.from(text)), stream.end()]
  expect(Buffer.concat(pieces).toString()).toBe(text)
})

test('sequences without an end cost no more than their bytes', () => {
  const text = `${ESC}]`.repeat(50_000)
  const from = performance.now()
  for (let at = 0; at < text.length; at = sequenceEnd(text, at));
  expect(scrubber.scrubText(`${text}${KEY}`)).not.toContain(KEY)
  expect(performance.now() - from).toBeLessThan(3000)
})
