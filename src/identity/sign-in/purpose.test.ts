import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { ownPath } from './purpose.ts'

// F27
it.each([
  '//evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/%2E%2e/.//evil.example',
  '/x/..//evil.example',
  '/x/%2e%2e//evil.example',
  '/x/..///evil.example',
  '/\\evil.example',
  '/.\\/evil.example',
  '/./\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  ' //evil.example',
  'https://evil.example/',
  'http:evil.example',
  'javascript:alert(1)',
  'evil.example',
  '',
  `/${'x'.repeat(5_000)}`,
])('nobody is sent on to %j', (wanted) => {
  expect(ownPath(wanted)).toBe('/')
})

it.each([
  ['/', '/'],
  ['/ssh/lnk_1?a=b&c=//d#e', '/ssh/lnk_1?a=b&c=//d#e'],
  ['/x/../approvals', '/approvals'],
  ['/x//y', '/x//y'],
  ['/@evil.example', '/@evil.example'],
  ['/%2f%2fevil.example', '/%2f%2fevil.example'],
])('a path of ours stays one: %s', (wanted, path) => {
  expect(ownPath(wanted)).toBe(path)
})

it('whatever is asked for, a browser stays with us, under http and https', () => {
  const part = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '\\',
    '%5c',
    '%2f',
    '@',
    ':',
    '?',
    '#',
    'e.example',
    '\t',
    ';',
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
      const path = ownPath(`/${parts.join('')}`)
      for (const base of ['https://gateway.example', 'http://127.0.0.1:7700'])
        expect(new URL(path, `${base}/sign-in/x/callback?y`).origin).toBe(base)
    }),
    { numRuns: 5_000 },
  )
})
