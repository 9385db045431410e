import { expect, test } from 'vitest'
import { createLog } from './log.ts'

// D24
test('a line of the log is plain text whatever callers wrote, and the same JSON', () => {
  const lines: string[] = []
  const why = 'a\u001b[2J\n\r\u009b31m\u202e\u2028\u{e0041}é'
  createLog('info', (line) => void lines.push(line)).info('told', { why })
  expect(lines.join('')).toMatch(/^[\x20-\x7eé]+\n$/)
  expect(JSON.parse(lines.join(''))).toMatchObject({ message: 'told', why })
})
