// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are command lines.
/**
 * Part D of the attack catalogue, as far as it is about command lines, under the rule pack `agents-shell`. What a shell will do cannot be
 * decided from outside (D2, D3): the pack allows what is fully understood to be reading, and nothing else, so a disguise that is not seen
 * through is refused like anything unknown. Each disguise has a harmless twin.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Principal } from '../../src/model/principal.ts'
import { compilePolicy } from '../../src/policy/index.ts'
import { shellFor } from '../../src/shell/shell.ts'

const RESOURCE = `
kind: Resource
name: web-1
protocol: ssh
address: 127.0.0.1:22
hostKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtWTZ1bJ0WQXk3pV0bM1mJ7zP8C7K3lJ2m9nR4f0aBc]
users: [{ name: app, certificate: true }]
`
const AGENT: Principal = { kind: 'agent', id: 'agent:bot', name: 'bot', groups: [], claims: {}, credential: 't' }
const PACK = readFileSync(join(import.meta.dirname, '../../policies/agents-shell.yaml'), 'utf8')

function outcomes(...texts: readonly string[]): (line: string) => string {
  const policy = compilePolicy([{ path: 'policy.yaml', text: [RESOURCE, ...texts].join('\n---\n') }])
  const session = { id: 's', labelsRead: [], operations: 1, rows: 0, bytes: 0, inFlight: 0 }
  const resource = policy.resource('web-1')!
  return (line) => {
    const operation = shellFor(policy.commands).read(line)
    return policy.decide({ principal: AGENT, resource, operation, call: { text: line }, session, now_ms: 0 }).outcome
  }
}

const outcome = outcomes(PACK)

describe('D2: a delete by any other name is not allowed', () => {
  test.each([
    ["r''m -rf x", "c''at x"],
    ['"rm" -rf x', '"cat" x'],
    ['\\rm -rf x', '\\cat x'],
    ['r\\m -rf x', 'c\\at x'],
    ['r\\\nm -rf x', 'c\\\nat x'],
    ['/bin/rm -rf x', '/bin/cat x'],
    ['/usr/bin/../bin/rm -rf x', '/usr/bin/cat x'],
    ['command rm -rf x', 'command cat x'],
    ['ls; rm -rf x', 'ls; cat x'],
    ['ls\nrm -rf x', 'ls\ncat x'],
    ['ls || rm -rf x', 'ls || cat x'],
    ['echo $(rm -rf x)', 'echo $(cat x)'],
    ['echo "`rm -rf x`"', 'echo "`cat x`"'],
    ['cat <<< $(rm -rf ~/)', 'cat <<< $(cat ~/x)'],
    ["sh -c 'rm -rf ~/'", "sh -c 'cat ~/x'"],
    ['env -i nice timeout 5 rm -rf x', 'env -i nice timeout 5 cat x'],
  ])('%j and its twin %j', (attack, twin) => {
    expect([outcome(attack) !== 'allow', outcome(twin)]).toEqual([true, 'allow'])
  })

  // What these run is known only when they run: nothing is a twin of them.
  test.each([
    '$(echo rm) -rf x',
    'rm${IFS}-rf${IFS}x',
    'X=rm; $X -rf x',
    '/b?n/r? -rf x',
    '{rm,-rf,x}',
    "$'\\x72\\x6d' -rf x",
    "alias ls='rm -rf x'; ls",
    'r$@m -rf x',
    '${X:-rm} -rf x',
    '~/bin/ls',
    './ls',
    '=rm x',
    'ls() { ls; }; ls',
  ])('%j is refused', (line) => {
    expect(outcome(line)).toBe('deny')
  })
})

describe('D3: programs that hold programs', () => {
  test.each([
    'echo cm0gLXJmIH4v | base64 -d | sh',
    'base64 -d <<< cm0gLXJmIH4v | bash',
    'bash <<E\n$(cat f)\nE',
    'python -c "import os; os.remove(\'x\')"',
    "perl -e 'unlink x'",
    "node -e 'fs.rmSync(1)'",
    "ruby -e 'x'",
    'vi -c ":!rm x" f',
    'vim f',
    'less f',
    'man ls',
    'tar cf /dev/null x --checkpoint=1 --checkpoint-action=exec=sh',
    'tar xf a --to-command=sh',
    "git -c alias.x='!rm -rf x' x",
    'git submodule foreach rm x',
    'awk \'BEGIN{system("rm x")}\'',
    "sed '1e rm x' f",
    'eval "rm x"',
    'ssh -o ProxyCommand="rm x" h ls',
    'gdb -batch -ex "shell rm x"',
    'make',
    'source f',
  ])('%j is refused', (line) => {
    expect(outcome(line)).toBe('deny')
  })

  test.each([
    ['find . -exec rm {} \\;', 'find . -exec cat {} \\;'],
    ['find . -delete', 'find . -name x'],
    ['ls | xargs rm', 'ls | xargs -n1 wc -l'],
    ['bash <<E\nrm -rf x\nE', 'bash <<E\nls\nE'],
    ['tar xf a.tar', 'tar tf a.tar'],
    ['terraform destroy -auto-approve', 'terraform show'],
    ['git push --force', 'git log'],
  ])('%j is not allowed, its twin %j is', (attack, twin) => {
    // A file that is known only when it runs may be a secret, says another rule of the pack: here it is about effects alone.
    const quiet = outcomes(
      PACK.split('\n---\n')
        .filter((text) => !text.includes('agents-shell.secrets'))
        .join('\n---\n'),
    )
    expect([quiet(attack) !== 'allow', quiet(twin)]).toEqual([true, 'allow'])
  })
})

describe('D4: a script that was put there is not run by its name', () => {
  test.each([
    './x',
    '/tmp/x',
    '~/x',
    'sh x',
    'sh < x',
    '. x',
    'bash /tmp/ls',
    '/tmp/ls',
    'PATH=/tmp:$PATH ls',
    'cat > x; sh x',
  ])('%j is refused', (line) => {
    expect(outcome(line)).toBe('deny')
  })
  test('a rule may pin a program to its file, and a line to a single plain command', () => {
    const pinned = outcomes(`
kind: Rule
name: pinned
who: principal.kind == "agent"
on: true
when: op.facts.constructs.size() == 0 && op.facts.commands.all(c, c.literal && c.name in ["/usr/bin/uptime", "/opt/app/check"])
then: allow
`)
    for (const line of ['/usr/bin/uptime', '/opt/app/check --all'])
      expect([line, pinned(line)]).toEqual([line, 'allow'])
    for (const line of [
      'uptime',
      '/tmp/uptime',
      '/usr/bin/uptime; ls',
      '/usr/bin/uptime > x',
      '/usr/bin/uptime $(ls)',
      '/usr/bin/uptime *',
    ])
      expect([line, pinned(line)]).toEqual([line, 'deny'])
  })
})

describe('D6: variables that make programs do something else', () => {
  test.each([
    ['LD_PRELOAD=/tmp/x.so ls', 'LANG=C ls'],
    ['BASH_ENV=x bash -c ls', 'TZ=UTC bash -c ls'],
    ['PATH=/tmp ls', 'x=/tmp; ls'],
    ['export GIT_SSH_COMMAND=x; git fetch', 'export LC_ALL=C; ls'],
    ['env LD_AUDIT=x ls', 'env LC_ALL=C ls'],
    ['IFS=/; ls', 'n=1; ls'],
    ['PAGER=sh git log', 'LANGUAGE=en git log'],
  ])('%j is refused, its twin %j is not', (attack, twin) => {
    expect([outcome(attack), outcome(twin)]).toEqual(['deny', 'allow'])
  })
})
