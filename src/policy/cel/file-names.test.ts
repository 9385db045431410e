import { expect, test } from 'vitest'
import { mayBeOneOf } from './file-names.ts'

test.each([
  // A file, a name of a rule, whether it may be one.
  ['/etc/shadow', '/etc/shadow', true],
  ['/etc/shadow-', '/etc/shadow', false],
  ['/etc//./shadow', '/etc/shadow', true],
  ['/etc/**', '/etc/shadow', true],
  ['/**', '/etc/shadow', true],
  ['/etc/nginx/**', '/etc/shadow', false],
  ['/etc/sh*', '/etc/shadow', true],
  ['/etc/[s]hadow', '/etc/shadow', true],
  ['/etc/?hadow', '/etc/shadow', true],
  ['/etc/?adow', '/etc/shadow', false],
  ['/e*/*w', '/etc/shadow', true],
  ['/etc/*', '/root/**', false],
  ['/*', '/root/**', true],
  ['?', '/etc/shadow', true],
  ['etc/shadow', '/etc/shadow', true],
  ['../../etc/shadow', '/etc/shadow', true],
  ['**/etc/shadow', '/etc/shadow', true],
  ['**/shadow', '/etc/shadow', true],
  ['**/hosts', '/etc/shadow', false],
  ['.ssh/id', '**/.ssh/**', true],
  ['~/.ssh', '**/.ssh/**', true],
  ['~/.s?h/*', '**/.ssh/**', true],
  ['~/*/id', '**/.ssh/**', false],
  ['~/**', '**/.ssh/**', true],
  ['x.env', '**/*.env', true],
  ['*.log', '**/*.env', false],
  ['*', '**/.env', false],
  ['a*', '**/*.pem', true],
  ['a*.log', '**/*.pem', false],
  ['/proc/self/environ', '/proc/*/environ', true],
  ['/proc/cpuinfo', '/proc/*/environ', false],
  [`/${'a/'.repeat(5_000)}`, '/etc/shadow', true],
] as const)('%j may be %j: %s', (file, name, may) => {
  expect(mayBeOneOf([file], [name], [])).toBe(may)
})

test('in plain folders a name that may lie anywhere counts where it is written out', () => {
  const may = (file: string) =>
    mayBeOneOf([file], ['**/.env', '**/*.pem', '/var/log/secure'], ['/var/log/**', '/srv/*'])
  expect(['/var/log/**', '/var/log/*.pem', '/var/log/nginx/**', '/srv/a*'].filter(may)).toEqual(['/var/log/**'])
  expect(['/var/log/x/.env', '/var/log/x.pem', '/srv/**', '/var/**', 'x/var/log/*.pem'].filter(may)).toHaveLength(5)
})

test('long names of many stars are compared in time', () => {
  const file = `/${'*a'.repeat(2_000)}`
  expect(mayBeOneOf([file], [`/${'*b'.repeat(200)}`, `/${'*a'.repeat(200)}`], [])).toBe(true)
})
