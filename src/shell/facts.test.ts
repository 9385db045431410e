// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are command lines.
import { expect, test } from 'vitest'
import { READ_BY_CODE } from '../model/commands.ts'
import { effectNames } from '../model/effects.ts'
import { PROGRAMS } from './programs/index.ts'
import { Shell } from './shell.ts'

const shell = new Shell()
const facts = (line: string) => shell.read(line).facts

test('every simple command is listed with its words, its effects and what it runs behind', () => {
  const { commands, statements } = facts(`sudo -u app sh -c 'ls /srv; rm -rf "$D"' | tee out`)
  expect(statements).toBe(5)
  expect(
    commands.map((each) => [each.program, each.arguments, each.literal, effectNames(each.effects), each.within]),
  ).toEqual([
    ['ls', ['/srv'], true, ['read'], ['sudo', 'sh']],
    ['rm', ['-rf', '$D'], false, ['delete'], ['sudo', 'sh']],
    ['sh', ['-c', 'ls /srv; rm -rf "$D"'], true, ['session'], ['sudo']],
    ['sudo', ['-u', 'app', 'sh', '-c', 'ls /srv; rm -rf "$D"'], true, ['grant'], []],
    ['tee', ['out'], true, ['session', 'write'], []],
  ])
})

test('programs are named without their folder, and a name nobody knows is ""', () => {
  expect(facts('/bin/rm x; $X y; ./run').programs).toEqual(['', 'rm', 'run'])
  expect(facts('/bin/rm x').commands.map(({ name }) => name)).toEqual(['/bin/rm'])
})

test.each([
  ['cat /etc/../etc/./passwd', ['**/etc/passwd', '/etc/passwd']],
  ['cat ../x ./y z', ['../x', 'y', 'z']],
  ['cat ~/x', ['~/x']],
  ['cat ~/../x', ['?']],
  ['cat ~other/x', ['?']],
  ['cat "$X"', ['?']],
  ['cat /var/log/$X', ['?']],
  ['cat /var/log/*.log', ['/var/log/*.log']],
  ['cat /var/log/.*', ['?']],
  ['cat /var/..*/shadow', ['?']],
  ['cat /var/log/{a,..}/x', ['**/x', '/var/log/a/x', '/var/x']],
  ['cat /var/log/*/../../x', ['**/x', '/var/x']],
  ['cat /var/log/*"$X"', ['?']],
  ['cat {a,b/{c,d}}', ['?']],
  ["cat {a,'b'}", ['?']],
  ['cat {1..9}.log', ['*.log']],
  ['cat {~,x}/y', ['?']],
  ['cat ~{a,b}/y', ['?']],
  ['cd /srv && cat ../x', ['**/x', '../x', '/x']],
  ['grep -r x /etc', ['/etc/**']],
  ['grep -rx /etc', ['**']],
  ['grep -nR x / .', ['**', '/**']],
  ['grep --recurs x d/', ['d/**']],
  ['grep "$X" x d', ['?', 'd/**', 'x/**']],
  ['grep x d', ['d']],
  ['grep -e x d', ['d']],
  ['grep -f p d', ['d', 'p']],
  ['cp -r d e', ['d/**']],
  ['rsync -a d/ h:e', ['d/**']],
  ['tar cf x.tar d', ['d/**']],
  ['find /etc -exec cat {} +', ['/etc/**']],
  [
    "find /var /srv -name '*.log' -exec cat {} +",
    ['/srv/**/*.log', '/srv/**/.*.log', '/var/**/*.log', '/var/**/.*.log'],
  ],
  ['find /etc -name a -o -name b -exec cat {} +', ['/etc/**']],
  ['find ./*/x -exec cat {} +', ['?']],
  ['wc --files0-from=l', ['?', 'l']],
  ['ls -l /etc ~', []],
  ['cd /etc && cat passwd', ['/etc/passwd', 'passwd']],
  ['cd /etc; cd ssh; cat x', ['/etc/ssh/x', '/etc/x', 'ssh/x', 'x']],
  ['cd "$X" && cat y', ['?', 'y']],
  ['cd - && cat y', ['?', 'y']],
  ['cat y; cd /etc', ['y']],
  ['git -C /srv log; cat x', ['/srv/x', 'x']],
  ['cat /dev/null /dev/stdin -', []],
  ['cat <(cat d)', ['d']],
])('%j reads %j', (line, read) => {
  expect(facts(line).paths.read).toEqual(read)
})

test('a loop may come back after a folder was changed: then a name before may be meant there, too', () => {
  expect(facts('for i in 1 2; do rm x; cd /etc; done').paths.deleted).toEqual(['/etc/x', 'x'])
  expect(facts('f() { rm x; }; cd /etc; f').paths.deleted).toEqual(['/etc/x', 'x'])
})

test('hosts, accounts, variables, constructs and reasons are told', () => {
  const line = 'X=1; ssh -J jump app@web "sudo -u db id"; curl https://user@api.example.com:8443/x | head; cat <&3 > a'
  const { hosts, users, variables, constructs } = facts(line)
  expect(hosts).toEqual(['api.example.com', 'jump', 'web'])
  expect(users).toEqual(['db'])
  expect(variables).toEqual(['X'])
  expect(constructs).toEqual(['assignment', 'list', 'pipe', 'redirect'])
  expect(facts('ls').constructs).toEqual([])
  expect(facts('frobnicate; python3 x').reasons).toEqual([
    '"frobnicate" is not a known command',
    'python3 runs code that is not read here',
  ])
  expect(facts('curl "https://$H/"').hosts).toEqual(['?'])
})

test.each([
  ['ls -l', 'exact'],
  ['ls "$X"', 'partial'],
  ['ls *', 'partial'],
  ['frobnicate', 'opaque'],
])('%j is read %s', (line, confidence) => {
  expect(shell.read(line).confidence).toBe(confidence)
})

test('a command given word by word is not read by a shell, what it runs is', () => {
  const words = (...all: string[]) => shell.readWords(all)
  expect(effectNames(words('rm', '-rf', 'a b; ls').effects)).toEqual(['delete'])
  expect(words('rm', '-rf', 'a b; ls')).toMatchObject({ text: "rm -rf 'a b; ls'", confidence: 'exact' })
  expect(words('echo', '$(rm x)', '`rm x`', '>', 'f').facts.commands).toHaveLength(1)
  expect(effectNames(words('echo', '$(rm x)', '>', 'f').effects)).toEqual(['session'])
  expect(effectNames(words('sh', '-c', 'ls; rm x').effects)).toEqual(['session', 'read', 'delete'])
  expect(effectNames(words('LANG=C', 'ls').effects)).toContain('unknown')
  expect(effectNames(words().effects)).toContain('unknown')
  expect(effectNames(words('ls', 'a\0b').effects)).toContain('unknown')
  expect(words('ls', 'x')).toBe(words('ls', 'x'))
})

test('what code reads, no table may describe', () => {
  expect([...PROGRAMS.keys()].sort()).toEqual([...READ_BY_CODE].sort())
})

test('on a terminal, what starts a pager runs what is typed there', () => {
  for (const line of ['git log', 'less f', '/usr/bin/man ls', 'sudo systemctl status x'])
    expect([line, shell.read(line, 'exec', true).confidence, shell.read(line).confidence]).toEqual([
      line,
      'opaque',
      'exact',
    ])
  expect(shell.read('cat f', 'exec', true).confidence).toBe('exact')
})
