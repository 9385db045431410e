// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are command lines.

import { type ParsedScript, parse, type Statement } from 'unbash'
import { expect, test } from 'vitest'
import { isPlain, isTiled, unescapeQuoted, unescapeWord } from './literal.ts'
import { isSound } from './sound.ts'

const LINES = [
  'ls -l # a comment',
  'ls a#b "c # d"',
  'if ls; then cat a; elif cat b; then ls; else cat c; fi > d 2>&1',
  'for ((i = 0; i < 3; i++)); do ls; done',
  'case "$x" in (a|b) ls ;; *) cat ;& esac',
  '[[ -f a && ! ( b == c || $x =~ ^a(b|c)$ ) ]] && ls',
  'cat <<A <<-B\nx\nA\n\ty\n\tB\nls',
  'f() { ls; }; function g { cat; } ; f | g & wait',
  'a=(1 2 [3]=4) b+=c ls {fd}> x',
  '! time -p ls |& cat',
  'ls \\\n -l',
]

test.each(LINES)('nothing is left out of %j', (line) => {
  const script = parse(line)
  expect(script.errors).toBeUndefined()
  expect(isSound(script, line)).toBe(true)
})

/** The tree as a parser would give it that had lost one thing. */
function without(script: ParsedScript, at: number): ParsedScript {
  return { ...script, commands: script.commands.filter((_: Statement, i: number) => i !== at) }
}

test.each(['ls; rm x; cat y', 'ls\nrm x\ncat y', 'ls & rm x & cat y'])(
  'a command the tree lacks is missed in %j',
  (line) => {
    const script = parse(line)
    for (const at of [0, 1, 2]) expect(isSound(without(script, at), line)).toBe(false)
  },
)

test('words, redirections and comments the tree lacks are missed', () => {
  const script = parse('ls x')
  // The same tree for another text: what is more in it was not read.
  expect(isSound(script, 'ls x')).toBe(true)
  const longer = (line: string) => isSound({ ...script, end: line.length }, line)
  expect(longer('ls x rm')).toBe(false)
  expect(longer('ls x $(rm)')).toBe(false)
  expect(longer('ls x -f')).toBe(false)
  expect(longer('ls x#y')).toBe(false)
  expect(longer('ls x\u00a0')).toBe(false)
  expect(longer('ls x # y')).toBe(true)
  expect(longer('ls x # y\nrm')).toBe(false)
  expect(longer('ls x "')).toBe(false)
})

test.each([
  ['abc', true],
  ['a\\ b\\;c\\$d', true],
  ['a$', true],
  ['a b', false],
  ['$x', false],
  ['a`b`', false],
  ["a'b", false],
  ['a;b', false],
  ['a(b', false],
  ['a\\\\;b', false],
])('%j is plain: %j', (written, plain) => {
  expect(isPlain(written)).toBe(plain)
})

test.each([
  ['a b;c', 'a b;c'],
  ['\\$(a)\\`b\\`\\"\\\\', '$(a)`b`"\\'],
  ['a\\\nb\\c', 'ab\\c'],
  ['5$', '5$'],
  ['$(a)', undefined],
  ['${a}', undefined],
  ['$a', undefined],
  ['`a`', undefined],
  ['a"b', undefined],
  ['\\\\$(a)', undefined],
])('%j between double quotes is %j', (written, text) => {
  expect(unescapeQuoted(written)).toBe(text)
})

test('backslashes are taken out of words, with the line end behind them', () => {
  expect(unescapeWord('\\r\\m\\\nx\\\\')).toBe('rmx\\')
})

test('the parts of a word cover it', () => {
  const [first] = parse('echo a"b"$c').commands
  const command = first?.command
  if (command?.type !== 'Command') throw new Error('not a command')
  const word = command.args[0]!
  if (word.type !== 'Word') throw new Error('not a word')
  expect(isTiled(word)).toBe(true)
  expect(isTiled({ ...word, parts: word.parts!.slice(1) })).toBe(false)
  expect(isTiled({ ...word, parts: word.parts!.slice(0, -1) })).toBe(false)
})
