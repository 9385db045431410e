import { expect, test } from 'vitest'
import { Typing } from './typing.ts'

/** `>` is typed, `<` is shown. */
function play(...steps: readonly string[]): { input: string; lines: string[] } {
  const lines: string[] = []
  let input = ''
  const typing = new Typing({
    input: (bytes) => {
      input += bytes.toString('latin1')
    },
    line: (text) => lines.push(text),
  })
  for (const step of steps)
    if (step[0] === '>') typing.typed(Buffer.from(step.slice(1)))
    else typing.shown(Buffer.from(step.slice(1)))
  return { input, lines }
}

test.each([
  ['one key at a time', ['>l', '<l', '>s', '<s', '>\r', '<\r\n'], { input: 'ls\r', lines: ['ls'] }],
  ['a line at once', ['>ls -l\n', '<ls -l\r\n', '<total 0\r\n'], { input: 'ls -l\n', lines: ['ls -l'] }],
  ['an echo behind colours', ['>ls\r', '<\x1b[?2004l\x1b[32ml', '<s\r\n'], { input: 'ls\r', lines: ['ls'] }],
  ['a key deleted', ['>lx\x7fs\r', '<lx\b \bs\r\n'], { input: 'lx\x7fs\r', lines: ['ls'] }],
  ['UTF-8', ['>é\r', '<é\r\n'], { input: 'Ã©\r', lines: ['é'] }],
  ['a password', ['>hunter2\r', '<\r\n'], { input: '', lines: ['(not echoed)'] }],
  ['a password echoed as stars', ['>hunter2\r', '<*', '<*****\r\n'], { input: '', lines: ['(not echoed)'] }],
  [
    'a password while something else is written',
    ['>hunter2\r', '<backup at 20 %', '<\r\n'],
    { input: '', lines: ['(not echoed)'] },
  ],
  [
    'a command after a password',
    ['>hunter2\r', '<\r\n', '>id\r', '<id\r\n'],
    { input: 'id\r', lines: ['(not echoed)', 'id'] },
  ],
  ['arrow keys', ['>\x1b[Als\x1bOP\r', '<ls\r\n'], { input: '\x1bls\x1b\r', lines: ['ls'] }],
  ['an empty line', ['>\r', '<\r\n'], { input: '\r', lines: [] }],
])('typing: %s', (_, steps, told) => {
  expect(play(...steps)).toEqual(told)
})

test('D5: a password whose first letters happen to be shown is not recorded in part', () => {
  expect(play('>secret\r', '<se', '<\r\n').input).toBe('')
})

test('what is typed and never shown is bounded', () => {
  const { input, lines } = play(...Array.from({ length: 100 }, () => `>${'x'.repeat(1000)}`), '<\r\n')
  expect({ input, lines }).toEqual({ input: '', lines: [] })
})
