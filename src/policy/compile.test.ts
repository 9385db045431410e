import { describe, expect, test } from 'vitest'
import { agent, ask, operation, policyOf } from './example.ts'
import { compilePolicy, type PolicyErrors } from './index.ts'

describe('rules combine', () => {
  const allow =
    'kind: Rule\nname: read\nwho: principal.kind == "agent"\non: resource.labels.env == "prod"\nwhen: op.only(["read", "session"])\nthen: allow'
  const deny = 'kind: Rule\nname: no-delete\nwho: true\non: true\nwhen: op.has("delete")\nthen: deny\nsay: Never.'
  const approveAll = 'kind: Rule\nname: ask\nwho: true\non: true\nthen: approve\napprove: { by: [group:dba], count: 2 }'
  test.each([
    ['nothing matched denies', [deny], ['read'], 'deny', 'policy.default', ''],
    ['an allow allows', [allow], ['read'], 'allow', 'policy.allowed', 'read'],
    ['any deny wins', [allow, approveAll, deny], ['delete'], 'deny', 'policy.denied', 'no-delete'],
    ['an approve needs no allow', [approveAll], ['write'], 'approve', 'approval.pending', 'ask'],
    ['approve beats allow', [allow, approveAll], ['read'], 'approve', 'approval.pending', 'ask'],
    ['unknown never passes only()', [allow], ['unknown'], 'deny', 'policy.default', ''],
  ] as const)('%s', (_, rules, names, outcome, reason, rule) => {
    expect(ask(policyOf(...rules), agent, operation(names))).toMatchObject({ outcome, reason, rule })
  })
})

test('a word outside the vocabulary fails at load, with place and remedy', () => {
  const text = 'kind: Rule\nname: x\nwho: true\non: true\nwhen: op.has("delte")\nthen: deny'
  try {
    compilePolicy([{ path: 'p.yaml', text }])
    expect.unreachable()
  } catch (thrown) {
    expect((thrown as PolicyErrors).problems).toEqual([
      { file: 'p.yaml', line: 5, column: 14, message: '`when`: "delte" is not an effect.', remedy: 'Write `delete`.' },
    ])
  }
})
