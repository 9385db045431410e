import { expect, test } from 'vitest'
import { formatLogLine } from '../../demo/log-line.ts'
import { createLog } from '../../src/kit/log.ts'

test('the demo tells its terminal what the gateway logs, in words', () => {
  const lines: string[] = []
  const log = createLog('info', (line) => void lines.push(formatLogLine(line)))
  log.info('a new policy is in force', { policy: 'c68be26796086faeec', rules: 8 })
  log.error('the policy folder is broken', {
    policy: 'c68be26796086faeec',
    problems: ['a.yaml:1:1: no', 'a.yaml:2:1: no'],
  })
  log.error('a session ended', { code: 'internal', stack: 'Error: x\n    at y' })
  expect(lines).toEqual([
    'a new policy is in force (policy c68be2679608, 8 rules)',
    'error: the policy folder is broken (policy c68be2679608)\n  a.yaml:1:1: no\n  a.yaml:2:1: no',
    'error: a session ended (code internal)\nError: x\n    at y',
  ])
})
