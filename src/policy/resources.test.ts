import { expect, test } from 'vitest'
import { Ed25519Key } from '../kit/ssh-key.ts'
import { compilePolicy, formatProblem, PolicyErrors } from './index.ts'

const KEY = new Ed25519Key({ reveal: () => Buffer.alloc(32).toString('base64') } as never).publicLine()
const HEAD = 'kind: Resource\nname: web-1\nprotocol: ssh\naddress: web-1.internal:22\n'
const KEYS = `hostKeys: ["${KEY}"]\n`
const USERS = 'users: [{ name: deploy, certificate: true }]\n'

function problemsOf(text: string): string[] {
  try {
    compilePolicy([{ path: 'p.yaml', text }])
  } catch (thrown) {
    if (thrown instanceof PolicyErrors) return thrown.problems.map(formatProblem)
    throw thrown
  }
  return []
}

test('a host has pinned keys, and accounts that can be logged in', () => {
  expect(problemsOf(HEAD + KEYS + USERS)).toEqual([])
  const resource = compilePolicy([{ path: 'p.yaml', text: HEAD + KEYS + USERS }]).resource('web-1')
  expect(resource).toMatchObject({
    hostKeys: [KEY],
    users: [{ name: 'deploy', certificate: true }],
    tls: { mode: 'disable' },
  })
})

test.each([
  ['no host keys', HEAD + USERS, 'Nothing tells the target from another.'],
  ['a key cut short', `${HEAD}${USERS}hostKeys: ["${KEY.slice(0, -12)}"]\n`, 'This is not a public key.'],
  [
    'a key under another type’s name',
    `${HEAD}${USERS}hostKeys: ["${KEY.replace('ssh-ed25519 ', 'ssh-rsa ')}"]\n`,
    'This is not a public key.',
  ],
  ['a host in front of it', `${HEAD}${USERS}hostKeys: ["web-1 ${KEY}"]\n`, 'hostKeys'],
  ['an account without a way in', `${HEAD}${KEYS}users: [{ name: deploy }]\n`, 'Nothing logs this account in.'],
  [
    'a key from two places',
    `${HEAD}${KEYS}users: [{ name: deploy, key: { env: A, vault: b } }]\n`,
    'A key comes from exactly one place.',
  ],
  [
    'host keys of a database',
    `${HEAD.replace('ssh', 'postgres')}${KEYS}users: [{ name: app }]\n`,
    'Only SSH knows `hostKeys`.',
  ],
  [
    'a certificate for a database',
    `${HEAD.replace('ssh', 'postgres')}${USERS}`,
    'Only SSH knows `key` and `certificate`.',
  ],
])('%s is a mistake, named', (_, text, said) => {
  expect(problemsOf(text).join('\n')).toContain(said)
})
