import { expect, test } from 'vitest'
import { SluiceError } from '../kit/errors.ts'
import { hostNamesOf, loadSettings, parseSettings, reachedAt } from './config.ts'

const where = { file: 'sluice.yaml', base: '/srv' }

test('without a file every setting has a default, on this machine only', () => {
  expect(loadSettings(undefined, '/nowhere')).toEqual({
    dataDir: '/nowhere/.sluice',
    policyDir: '/nowhere/.sluice/policy',
    origin: 'sluice.local/ledger',
    listen: { postgres: { host: '127.0.0.1', port: 15432 }, api: { host: '127.0.0.1', port: 8420 } },
    publicUrl: undefined,
    trustedProxies: [],
    tls: undefined,
    sampleRows: 100,
    drain_ms: 10_000,
    log: 'info',
  })
})

test('paths are relative to the file, and an IPv6 address is understood', () => {
  const settings = parseSettings(
    'dataDir: state\ntls: { cert: c.pem, key: /k.pem }\nlisten: { postgres: "[::1]:5433" }\n',
    where,
  )
  expect(settings.dataDir).toBe('/srv/state')
  expect(settings.tls).toEqual({ cert: '/srv/c.pem', key: '/k.pem' })
  expect(settings.listen.postgres).toEqual({ host: '::1', port: 5433 })
  expect(settings.listen.api.port).toBe(8420)
})

test.each([
  [
    '\nlisten:\n  postgress: 127.0.0.1:1\n',
    'sluice.yaml:3: there is no setting "listen.postgress"; write one of postgres, api',
  ],
  ['dataDir: x\nlog: loud\n', 'sluice.yaml:2: log must be one of debug, info, warn, error'],
  ['listen:\n  api: 8420\n', 'sluice.yaml:2: listen.api: '],
  ['listen:\n  api: localhost\n', 'sluice.yaml:2: listen.api: write host:port, like 127.0.0.1:15432'],
  ['listen: { api: "h:70000" }', '70000 is not a port'],
  ['a: 1\na: 2\n', 'sluice.yaml:2: '],
  ['- a\n', 'sluice.yaml:1: the file: '],
  ['tls:\n  cert: a.pem\n', 'sluice.yaml:2: tls.key: '],
  ['trustedProxies: [proxy.local]\n', 'write an address or a network'],
  ['trustedProxies: [0.0.0.0/0]\n', 'write an address or a network'],
  ['trustedProxies: [10.0.0.0/33]\n', 'write an address or a network'],
  ['dataDir: [\n', 'sluice.yaml:'],
])('a bad setting is named by file and line: %j', (yaml, complaint) => {
  expect(() => parseSettings(yaml, where)).toThrow(SluiceError)
  expect(() => parseSettings(yaml, where)).toThrow(complaint)
})

test('a file that is not there is a sentence', () => {
  expect(() => loadSettings('missing.yaml', '/nowhere')).toThrow('missing.yaml cannot be read (ENOENT)')
})

test('SSH is spoken where an address is given, under the names clients reach it by', () => {
  const named = (yaml: string) => {
    const settings = parseSettings(yaml, { file: 'sluice.yaml', base: '/srv' })
    return { ssh: settings.listen.ssh, names: hostNamesOf(settings) }
  }
  expect(named('').ssh).toBeUndefined()
  const open = named('listen: { ssh: "0.0.0.0:15422" }\npublicUrl: https://gate.example:8443\n')
  expect(open.ssh).toEqual({ host: '0.0.0.0', port: 15422 })
  expect(open.names).toContain('gate.example')
  expect(open.names).not.toContain('0.0.0.0')
  expect(named('listen: { ssh: "10.0.0.5:22" }\n').names[0]).toBe('10.0.0.5')
  expect(named('hostNames: [a.example, b.example]\n').names).toEqual(['a.example', 'b.example'])
})

test.each([
  ['a listener of its own address', '', '10.0.0.5:15432', '10.0.0.5:15432'],
  ['everywhere, under no name', '', '0.0.0.0:15432', '0.0.0.0:15432'],
  ['everywhere, under the first name', 'hostNames: [a.example, b.example]\n', '0.0.0.0:15432', 'a.example:15432'],
  ['a URL', 'hostNames: [a.example]\n', 'https://0.0.0.0:8420', 'https://a.example:8420'],
  ['IPv6 everywhere', 'publicUrl: https://gate.example\n', 'https://[::]:8420', 'https://gate.example:8420'],
  ['IPv6 without brackets', 'publicUrl: https://gate.example\n', ':::15432', 'gate.example:15432'],
  ['an IPv6 name', 'hostNames: ["fd00::1"]\n', '0.0.0.0:15432', '[fd00::1]:15432'],
])('clients are told where they reach a listener: %s', (_, yaml, listener, told) => {
  expect(reachedAt(listener, parseSettings(yaml, { file: 'sluice.yaml', base: '/srv' }))).toBe(told)
})
