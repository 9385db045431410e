import { expect, test } from 'vitest'
import { CATALOGUE, type ErrorCode } from './catalogue.ts'
import { particulars, SluiceError, withParticulars } from './errors.ts'

test.each([
  ['It is not valid.', '', 'It is not valid.'],
  ['It is not valid.', 'a name is missing', 'It is not valid: a name is missing.'],
  ['It is not valid.', 'A name is missing. Write one.', 'It is not valid: A name is missing. Write one.'],
  ['It does not hold: it is old.', 'it has no form', 'It does not hold: it is old (it has no form).'],
  ['It is not valid.', 'a.yaml:1: no\nb.yaml:2: no', 'It is not valid:\na.yaml:1: no\nb.yaml:2: no'],
])('%s with %j is one sentence', (sentence, detail, both) => {
  expect(withParticulars(sentence, detail)).toBe(both)
})

test.each([
  ['target.login', true, 'said \\u{1b}[2J no'],
  ['vault.missing', true, 'said \\u{1b}[2J no'],
  ['target.login', false, ''],
  ['mask.unreadable', true, ''],
] as const)('%s to an administrator (%s): %j', (code, administrator, told) => {
  expect(particulars(new SluiceError(code, 'said \x1b[2J no'), administrator)).toBe(told)
})

test('every reason is a whole sentence with a remedy that is one too', () => {
  const whole = /^[A-Z].*[.]$/
  const half = (Object.entries(CATALOGUE) as [ErrorCode, { message: string; remedy: string }][]).filter(
    ([code, { message, remedy }]) =>
      !whole.test(message) ||
      (remedy !== '' && !/^\S.*\S$/.test(remedy)) ||
      (remedy === '' && code !== 'policy.allowed'),
  )
  expect(half).toEqual([])
  expect(JSON.stringify(CATALOGUE)).not.toMatch(/Mend what/)
})
