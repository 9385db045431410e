import { createHash, X509Certificate } from 'node:crypto'
import { expect, test } from 'vitest'
import { Authority } from '../../../test/rig/certificates.ts'
import { Secret } from '../../kit/secret.ts'
import { endPointBinding, ScramClient, saslPrep } from './scram.ts'

test.each([
  ['pencil', 'pencil'],
  ['I\u00adX', 'IX'],
  ['user', 'user'],
  ['\u00aa', 'a'],
  ['\u2168', 'IX'],
  ['a\u00a0b', 'a b'],
  ['\u0007', '\u0007'],
  ['\u06271', '\u06271'],
  ['\u0627\u0628', '\u0627\u0628'],
  ['\u00ad', '\u00ad'],
  ['', ''],
])('SASLprep (RFC 4013, examples of section 3) makes %j %j', (password, prepared) => {
  expect(saslPrep(password)).toBe(prepared)
})

test('the exchange is RFC 7677, section 3, but for the user name, which PostgreSQL leaves empty', async () => {
  const client = new ScramClient(new Secret('pencil'), 'impossible', 'rOprNGfwEbeRWgbNEkqO')
  expect([client.mechanism, client.first()]).toEqual(['SCRAM-SHA-256', 'n,,n=,r=rOprNGfwEbeRWgbNEkqO'])
  const final = await client.final(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  )
  expect(final).toMatch(/^c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj\)hNlF\$k0,p=[A-Za-z0-9+/]{43}=$/)
  expect(() => client.verify('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')).toThrow('did not prove')
})

test.each([
  ['impossible', 'SCRAM-SHA-256', 'n,,'],
  ['not offered', 'SCRAM-SHA-256', 'y,,'],
  [{ endPoint: Buffer.of(1) }, 'SCRAM-SHA-256-PLUS', 'p=tls-server-end-point,,'],
] as const)('A48: binding %j', (binding, mechanism, header) => {
  const client = new ScramClient(new Secret('x'), binding)
  expect(client.mechanism).toBe(mechanism)
  expect(client.first().startsWith(`${header}n=,r=`)).toBe(true)
})

test.each([
  ['ec', 'sha1', 'sha256'],
  ['ec', 'sha256', 'sha256'],
  ['rsa:2048', 'sha384', 'sha384'],
  ['rsa:2048', 'sha512', 'sha512'],
  ['ed25519', 'sha256', undefined],
])('tls-server-end-point of a certificate signed by %s with %s is %s', async (key, signed, digest) => {
  const { cert } = await (await Authority.create(key, signed)).issue('x')
  const { raw } = new X509Certificate(cert)
  expect(endPointBinding(new X509Certificate(cert))).toEqual(digest && createHash(digest).update(raw).digest())
})
