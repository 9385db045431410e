import { expect, test } from 'vitest'
import { briefly, durationOf } from './duration.ts'
import { paintFor, visible } from './paint.ts'
import { formatTable } from './table.ts'

test('a table lines up wide characters and shows what would move the cursor', () => {
  const rows = [
    { name: 'plain', count: 1 },
    { name: '漢字\x1b[2J', count: 22 },
    { name: 'e\u0301tude and more', count: 333 },
  ]
  const columns = [
    { title: 'name', value: (row: (typeof rows)[number]) => row.name, most: 14 },
    { title: 'count', value: (row: (typeof rows)[number]) => String(row.count), right: true },
  ]
  expect(formatTable(rows, columns)).toBe(
    'NAME           COUNT\nplain              1\n漢字\\x1b[2J       22\ne\u0301tude and mo…    333\n',
  )
})

test.each([
  ['a\tb\nc', 'a\\tb\\nc'],
  ['\u202egpj.exe', '\\u202egpj.exe'],
  ['bell\x07 \x9b31m', 'bell\\x07 \\x9b31m'],
  ['plain ü 漢', 'plain ü 漢'],
])('control and direction characters are spelled out: %j', (text, shown) => {
  expect(visible(text)).toBe(shown)
})

test('colour is for terminals only, and can be turned off there', () => {
  const painted = (tty: boolean, env: NodeJS.ProcessEnv) => paintFor({ isTTY: tty }, env).red('x') !== 'x'
  expect([
    painted(true, {}),
    painted(false, {}),
    painted(true, { NO_COLOR: '1' }),
    painted(true, { TERM: 'dumb' }),
    painted(false, { FORCE_COLOR: '1' }),
  ]).toEqual([true, false, false, false, true])
})

test.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['15m', 900_000],
  ['8h', 28_800_000],
  ['30d', 2_592_000_000],
])('%s is %d ms', (text, ms) => {
  expect(durationOf(text)).toBe(ms)
})
test.each(['', '5', '5 s', '-1s', '1.5h', '1w'])('%j is no duration', (text) => {
  expect(() => durationOf(text)).toThrow('is not a duration')
})
test.each([
  [-5, '0 s'],
  [119_000, '119 s'],
  [180_000, '3 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('%d ms is %s', (ms, text) => {
  expect(briefly(ms)).toBe(text)
})
