import { expect, test } from 'vitest'
import { InertText } from './inert-text.ts'

const ESC = '\x1b'
const CASES: readonly [name: string, written: string, shown: string][] = [
  ['plain lines', 'one\r\ntwo\n', 'one\ntwo\n'],
  ['colours', `${ESC}[31mred${ESC}[0m`, 'red'],
  ['text in no colour is shown (D25)', `${ESC}[8mhidden${ESC}[28m`, 'hidden'],
  ['a line written over (D25)', 'rm -rf /\rls -l   \n', 'rm -rf /\nls -l   \n'],
  ['another screen (D25)', `${ESC}[?1049hthere${ESC}[?1049lhere`, 'therehere'],
  ['the clipboard, OSC 52', `${ESC}]52;c;ZXZpbA==\x07after`, 'after'],
  ['a link, OSC 8', `${ESC}]8;;http://evil.example${ESC}\\text${ESC}]8;;${ESC}\\`, 'text'],
  ['the title, and its report', `${ESC}]0;title\x07${ESC}[21t.`, '.'],
  ['DECRQSS', `${ESC}P$qm${ESC}\\.`, '.'],
  ['the end of a bracketed paste', `${ESC}[201~.`, '.'],
  ['sixel', `${ESC}Pq#0;2;0;0;0~~${ESC}\\.`, '.'],
  ['eight-bit controls', '\u009b31mred\u009d0;t\u009c.', 'red.'],
  ['a character set', `${ESC}(0lqk${ESC}(B.`, 'lqk.'],
  ['a sequence cut short by a line', `${ESC}[31\nnext`, '\nnext'],
  ['a string without its end', `${ESC}]0;never`, ''],
  ['a backspace', 'ab\bc', 'ab\\x08c'],
  ['direction marks', 'a\u202eb', 'a\\u202eb'],
  ['a bell', 'a\x07b', 'ab'],
]

test.each(CASES)('D24: %s does nothing at replay', (_, written, shown) => {
  expect(new InertText().push(Buffer.from(written))).toBe(shown)
})

test.each(CASES)('D24: %s, byte by byte', (_, written, shown) => {
  const text = new InertText()
  const bytes = Buffer.from(written)
  expect([...bytes].map((_byte, i) => text.push(bytes.subarray(i, i + 1))).join('')).toBe(shown)
})

test('nothing but newlines of all controls comes through', () => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i).flatMap((i) => [0x1b, i, 0x41]))
  expect(new InertText().push(every)).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
})

test('a line without an end is cut, not kept', () => {
  expect(new InertText().push(Buffer.alloc(10_000_000, 'x')).length).toBeLessThan(3000)
})
