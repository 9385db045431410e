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

// D24, G34
test('what a caller wrote cannot act on the terminal, nor begin a line of its own', () => {
  const line = formatLogLine(
    JSON.stringify({
      level: 'error',
      message: 'BREAK-GLASS: the sealed account was opened',
      why: 'fine\n\u001b[2Jerror: all is well\u202e\r\u009b31m',
      problems: ['a\u001b]0;title\u0007b\nc'],
    }),
  )
  expect(line.split('\n')).toHaveLength(2)
  expect(line).not.toMatch(/[^\n\x20-\x7e]/)
})
