import { describe, expect, test } from 'vitest'
import type { Operation } from '../model/operation.ts'
import { shellFor } from '../shell/shell.ts'
import { compilePolicy } from './compile.ts'
import { agent, ask, operation, policyOf } from './example.ts'
import { explain } from './explain.ts'
import type { PolicyErrors } from './problem.ts'

function problems(text: string): string[] {
  try {
    compilePolicy([{ path: 'p.yaml', text }])
    return []
  } catch (thrown) {
    return (thrown as PolicyErrors).problems.map(({ line, message }) => `${line}: ${message}`)
  }
}

describe('a table of commands', () => {
  test('describes programs for whoever reads command lines', () => {
    const policy = policyOf(`
kind: CommandTable
name: ours
commands:
  deployctl deploy:
    options: { "-v --verbose": flag, "--log": { takes: write, effects: [session] } }
    subcommands:
      status: { effects: [read], operands: [text, read] }
`)
    expect(Object.keys(policy.commands ?? {})).toEqual(['deployctl', 'deploy'])
    expect(shellFor(policy.commands).read('deploy -v --log=f status web x').facts.paths).toMatchObject({
      read: ['x'],
      written: ['f'],
    })
  })

  test.each([
    [
      'kind: CommandTable\nname: a\ncommands:\n  sudo: { effects: [read] }',
      ['4: "sudo" cannot be described by a table.'],
    ],
    [
      'kind: CommandTable\nname: a\ncommands:\n  /bin/sh: { effects: [read] }',
      ['4: "/bin/sh" cannot be described by a table.'],
    ],
    [
      'kind: CommandTable\nname: a\ncommands: { x y: {} }\n---\nkind: CommandTable\nname: b\ncommands:\n  y: {}',
      ['8: The command "y" is described twice.'],
    ],
    ['kind: CommandTable\nname: a\ncommands: { x: { effects: [destroy] } }', ['3: `0` cannot be "destroy".']],
    ['kind: CommandTable\nname: a\ncommands: { x: { option: {} } }', ['3: `commands.x` has no key "option".']],
  ])('%j is wrong', (text, expected) => {
    expect(problems(text)).toEqual(expected)
  })

  test('programs with a folder of their own may have any name', () => {
    expect(problems('kind: CommandTable\nname: a\ncommands: { /opt/app/make: { effects: [read] } }')).toEqual([])
  })
})

describe('a rule that asks for facts of another kind of operation', () => {
  const line = (text: string): Operation => shellFor().read(text)
  const rule = (name: string, when: string, then: string) => `
kind: Rule
name: ${name}
who: true
on: true
when: ${when}
then: ${then}
`
  test('does not match: neither to allow nor to deny', () => {
    const policy = policyOf(
      rule('sql', 'op.facts.tags.all(t, t == "SELECT")', 'allow'),
      rule('shell', 'op.facts.programs.all(p, p == "ls")', 'allow'),
      rule('not-rm', 'op.facts.programs.exists(p, p == "rm")', 'deny'),
      rule('where', 'op.facts.hasWhere == false', 'deny'),
    )
    expect(ask(policy, agent, operation(['read']))).toMatchObject({ outcome: 'allow', rule: 'sql' })
    expect(ask(policy, agent, line('ls'))).toMatchObject({ outcome: 'allow', rule: 'shell' })
    expect(ask(policy, agent, line('cat x'))).toMatchObject({ outcome: 'deny', reason: 'policy.default' })
    expect(ask(policy, agent, line('rm x'))).toMatchObject({ outcome: 'deny', rule: 'not-rm' })
    expect(ask(policy, agent, operation(['delete'], { hasWhere: false }))).toMatchObject({
      outcome: 'deny',
      rule: 'where',
    })
  })

  test('still matches by what does not hang on them', () => {
    const policy = policyOf(
      rule('all', 'true', 'allow'),
      rule('deletes', 'op.has("delete") || !op.facts.hasWhere', 'deny'),
    )
    expect(ask(policy, agent, line('rm x'))).toMatchObject({ outcome: 'deny', rule: 'deletes' })
    expect(ask(policy, agent, line('ls'))).toMatchObject({ outcome: 'allow', rule: 'all' })
  })

  test('is explained as one that does not match', () => {
    const policy = policyOf(rule('sql', 'op.facts.hasWhere', 'allow'))
    const session = { id: 's', labelsRead: [], operations: 1, rows: 0, bytes: 0, inFlight: 0 }
    const resource = policy.resource('orders')!
    const asked = { principal: agent, resource, operation: line('ls'), call: { text: 'ls' }, session, now_ms: 0 }
    expect(explain(policy, asked).parties[0]?.rules[0]).toMatchObject({ rule: 'sql', state: 'unmatched' })
  })
})

test('conditions see each command with its words and effects', () => {
  const policy = policyOf(`
kind: Rule
name: one
who: true
on: true
when: >-
  op.facts.commands.all(c, c.only(["read", "session"]) || (c.program == "rm" && c.literal && c.arguments.all(a, a.startsWith("/tmp/"))
  && c.within.size() == 0)) && !op.has("unknown")
then: allow
`)
  const outcome = (text: string) => ask(policy, agent, shellFor().read(text)).outcome
  expect(['ls; rm /tmp/x', 'rm /tmp/x /etc/y', 'rm "/tmp/$X"', 'sudo rm /tmp/x', 'frob'].map(outcome)).toEqual([
    'allow',
    'deny',
    'deny',
    'deny',
    'deny',
  ])
})
