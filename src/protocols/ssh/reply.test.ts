import { expect, test } from 'vitest'
import type { Refusal } from '../contract.ts'
import { exitOf, refusalText } from './reply.ts'

const refusal = (status: Refusal['status'], code: string, retry: boolean): Refusal => ({
  granted: false,
  op: 1,
  status,
  code,
  rule: 'r',
  message: 'No.',
  hint: 'Ask.',
  retry,
})

test.each([
  ['a rule refused it', 'denied', 'policy.denied', false, 126],
  ['no rule allows it', 'denied', 'policy.default', false, 126],
  ['a person said no', 'rejected', 'approval.rejected', false, 126],
  ['approved, and refused when it was to run', 'denied', 'policy.denied', false, 126],
  ['it can never be asked for', 'error', 'approval.too_large', false, 126],
  ['it waits', 'pending', 'approval.pending', true, 77],
  ['nobody answered', 'expired', 'approval.expired', true, 77],
  ['too many others wait', 'error', 'approval.too_many', true, 77],
  ['nobody could be asked', 'error', 'approval.unavailable', true, 77],
] as const)('%s (%s %s, retry %s): exit %i, and a line of JSON that says the same', (_, status, code, retry, exit) => {
  const refused = refusal(status, code, retry)
  expect(exitOf(refused)).toBe(exit)
  expect(JSON.parse(refusalText(refused).split('\n')[1]!)).toMatchObject({ status, code, retry })
})
