import { describe, expect, test } from 'vitest'
import { effects, hasEffect } from '../model/effects.ts'
import { Shell } from './shell.ts'

const isUnknown = (line: string | Uint8Array) => hasEffect(new Shell().read(line).effects, effects('unknown'))

/** Milliseconds of this process's own time. */
function spent_ms(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

describe('what is too much is unknown, and costs little', () => {
  const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}ls${close.repeat(depth)}`
  const quoted = (depth: number): string =>
    depth === 0 ? 'ls' : `sh -c '${quoted(depth - 1).replaceAll("'", "'\\''")}'`
  test.each([
    ['a long line', `echo ${'x'.repeat(70_000)}`],
    ['many commands', 'ls;'.repeat(20_000)],
    ['deep substitutions', nested('echo $(', ')', 5_000)],
    ['deep groups', nested('{ ', ';}', 5_000)],
    ['deep subshells', nested('(', ')', 20_000)],
    ['deep arithmetic', `echo $((${'('.repeat(10_000)}1${')'.repeat(10_000)}))`],
    ['deep parameters', nested('echo ${x:-', '}', 5_000)],
    ['deep braces', `echo ${'{a,'.repeat(10_000)}b${'}'.repeat(10_000)}`],
    ['deep backticks', `echo ${'`echo '.repeat(3_000)}`],
    ['deep sudo', `${'sudo '.repeat(10_000)}ls`],
    ['deep xargs', `${'xargs '.repeat(5_000)}ls`],
    ['deep find', `${'find . -exec '.repeat(3_000)}ls ${'\\; '.repeat(3_000)}`],
    ['deep sh -c', quoted(12)],
    ['many here-documents', `cat ${'<<E '.repeat(5_000)}\n${'E\n'.repeat(5_000)}`],
    ['many quotes', `echo ${'\'a\'"b"'.repeat(8_000)}`],
    ['many openings', '$('.repeat(30_000)],
    ['many brackets', '[['.repeat(30_000)],
    ['many ifs', 'if '.repeat(20_000)],
    ['many cases', 'case a in '.repeat(6_000)],
    ['many functions', 'f() { '.repeat(9_000)],
    ['many globs', `ls ${'[a*?'.repeat(15_000)}`],
    ['many backslashes', `echo ${'\\'.repeat(60_001)}`],
    ['many addresses for sed', `sed '${'/a/'.repeat(15_000)}p' f`],
    ['a long awk program', `awk '${'a>'.repeat(30_000)}' f`],
  ])('%s', (_, line) => {
    const cost_ms = spent_ms(() => new Shell().read(line))
    expect(cost_ms).toBeLessThan(1_500)
  })

  test.each([
    ['a long line', `echo ${'x'.repeat(70_000)}`],
    ['many commands', 'ls;'.repeat(600)],
    ['deep sudo', `${'sudo '.repeat(40)}ls`],
    ['deep substitutions', nested('echo $(', ')', 40)],
    ['deep sh -c', `${'sh -c "'.repeat(1)}${'nice '.repeat(40)}ls"`],
  ])('%s is unknown', (_, line) => {
    expect(isUnknown(line)).toBe(true)
  })
})

test.each([
  ['a NUL', 'ls\0rm -rf x'],
  ['bytes that are not UTF-8', Buffer.from([0x6c, 0x73, 0x20, 0xff, 0xfe])],
  ['an overlong encoding', Buffer.from([0x6c, 0x73, 0xc0, 0xa0, 0x78])],
  ['a lone surrogate', 'ls \ud800'],
  ['a carriage return', 'ls\rrm x'],
  ['an escape', 'ls \x1b[8m; rm x'],
  ['a backspace', 'rm x\b\b\b\bls'],
  ['a right-to-left override', 'ls \u202e fr- mr'],
  ['a zero-width space', 'r\u200bm x'],
  ['a no-break space', 'ls\u00a0x'],
  ['an ideographic space', 'ls\u3000x'],
  ['a line separator', 'ls\u2028rm x'],
  ['a byte order mark', '\ufeffls'],
  ['a soft hyphen', 'ls x\u00ad'],
  ['a tag character', 'ls \u{e0041}'],
  ['a confusable name', '\u0441at x'],
  ['a full-width semicolon is a letter', 'c\u0430t x\uff1b'],
  ['a vertical tab', 'ls\x0bx'],
])('%s makes a line unknown', (_, line) => {
  expect(isUnknown(line)).toBe(true)
})

test.each([
  ['a name in another script', 'cat Übersicht.txt'],
  ['an emoji', 'echo 🚀'],
  ['a tab', 'ls\tx'],
])('%s is a name like any other', (_, line) => {
  expect(isUnknown(line)).toBe(false)
})

test('what cannot be seen is written out for who approves, and the text is bounded', () => {
  const { text } = new Shell().read('ls \u202e fr- mr\x1b[8m')
  expect(text).toBe('ls \\u{202e} fr- mr\\u{001b}[8m')
  expect(new Shell().read(`echo ${'x'.repeat(60_000)}`).text.length).toBeLessThan(8_300)
})

test('the same line is the same object, and a small cache holds', () => {
  const shell = new Shell()
  expect(shell.read('ls -l')).toBe(shell.read('ls -l'))
  expect(shell.read('ls -l')).toBe(shell.read(Buffer.from('ls -l')))
  for (let i = 0; i < 10_000; i++) shell.read(`ls ${i}`)
  expect(shell.read('ls 1').facts.paths.listed).toEqual(['1'])
})
