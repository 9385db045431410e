import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { certificateLine, readSshCertificate, signSshCertificate } from './ssh-certificate.ts'
import { Ed25519Key } from './ssh-key.ts'
import { readSshPublicKey } from './ssh-public-key.ts'
import { sshString } from './ssh-wire.ts'

const hasKeygen = (() => {
  try {
    execFileSync('ssh-keygen', ['-?'], { stdio: 'ignore' })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT'
  }
  return true
})()

const CONTENT = {
  kind: 'user',
  serial: 2n ** 64n - 1n,
  keyId: 'tok_1 agent:bot human:ada',
  principals: ['agent:bot', 'human:ada'],
  after: 1_700_000_000,
  before: 1_700_000_600,
  extensions: ['permit-pty'],
} as const

test('what was signed is read again, word for word', () => {
  const [issuer, subject] = [Ed25519Key.fresh(), Ed25519Key.fresh()]
  const read = readSshCertificate(signSshCertificate(issuer, { ...CONTENT, key: subject.blob }))
  expect(read).toMatchObject({
    kind: 'user',
    serial: CONTENT.serial,
    keyId: CONTENT.keyId,
    principals: CONTENT.principals,
    after: 1_700_000_000n,
    before: 1_700_000_600n,
    criticalOptions: [],
    issuer: issuer.blob,
  })
  const bytes = Buffer.from('what is signed')
  expect(read.key.verifies(bytes, subject.sign(bytes))).toBe(true)
  expect(read.key.verifies(bytes, issuer.sign(bytes))).toBe(false)
})

test('a certificate with any byte changed, cut or added is refused', () => {
  const whole = signSshCertificate(Ed25519Key.fresh(), { ...CONTENT, key: Ed25519Key.fresh().blob })
  for (let at = 0; at < whole.length; at++) {
    const altered = Buffer.from(whole)
    altered[at]! ^= 0x20
    expect(() => readSshCertificate(altered), `byte ${at}`).toThrow()
    expect(() => readSshCertificate(whole.subarray(0, at)), `cut at ${at}`).toThrow()
  }
  expect(() => readSshCertificate(Buffer.concat([whole, Buffer.alloc(1)]))).toThrow()
})

test('nobody is certified for everyone, and no certificate certifies', () => {
  const [issuer, subject] = [Ed25519Key.fresh(), Ed25519Key.fresh()]
  expect(() => signSshCertificate(issuer, { ...CONTENT, key: subject.blob, principals: [] })).toThrow(RangeError)
  const certificate = signSshCertificate(issuer, { ...CONTENT, key: subject.blob })
  expect(() => signSshCertificate(issuer, { ...CONTENT, key: certificate })).toThrow()
})

describe.skipIf(!hasKeygen && 'ssh-keygen is not installed')('against ssh-keygen', () => {
  let folder = ''
  const at = (name: string) => join(folder, name)
  const keygen = (...args: string[]) =>
    execFileSync('ssh-keygen', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('it reads our keys and certificates as we mean them', () => {
    const [issuer, subject] = [Ed25519Key.fresh(), Ed25519Key.fresh()]
    writeFileSync(at('key'), subject.privateText('a comment').reveal(), { mode: 0o600 })
    expect(keygen('-y', '-f', at('key')).trim()).toBe(subject.publicLine('a comment'))
    writeFileSync(
      at('a-cert.pub'),
      `${certificateLine(signSshCertificate(issuer, { ...CONTENT, key: subject.blob }))}\n`,
    )
    const shown = keygen('-L', '-f', at('a-cert.pub'))
    expect(shown).toContain('ssh-ed25519-cert-v01@openssh.com user certificate')
    expect(shown).toContain('Key ID: "tok_1 agent:bot human:ada"')
    expect(shown).toContain('Serial: 18446744073709551615')
    expect(shown).toMatch(/Principals: \n\s+agent:bot\n\s+human:ada\n/)
    expect(shown).toMatch(/Extensions: \n\s+permit-pty/)
  })

  test.each([
    ['ed25519', '256'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
    ['rsa', '2048'],
  ])('we read its %s %s certificates and check its signatures', (type, bits) => {
    const name = `${type}${bits}`
    keygen('-q', '-N', '', '-t', type, '-b', bits, '-f', at(name))
    keygen('-q', '-s', at(name), '-I', 'an id', '-n', 'a,b', '-O', 'force-command=true', '-V', '+5m', at(`${name}.pub`))
    const [line, certificate] = [`${name}.pub`, `${name}-cert.pub`].map((file) =>
      Buffer.from(readFileSync(at(file), 'utf8').split(' ')[1]!, 'base64'),
    ) as [Buffer, Buffer]
    expect(readSshCertificate(certificate)).toMatchObject({
      keyId: 'an id',
      principals: ['a', 'b'],
      criticalOptions: ['force-command'],
      issuer: line,
    })
    expect(readSshPublicKey(line).verifies(Buffer.from('x'), sshString('not a signature'))).toBe(false)
  })

  test('small RSA keys, DSA and unknown kinds are refused', () => {
    keygen('-q', '-N', '', '-t', 'rsa', '-b', '1024', '-f', at('small'))
    const small = Buffer.from(readFileSync(at('small.pub'), 'utf8').split(' ')[1]!, 'base64')
    expect(() => readSshPublicKey(small)).toThrow(/1024/)
    expect(() => readSshPublicKey(Buffer.concat([sshString('ssh-dss'), sshString('x')]))).toThrow()
    expect(() => readSshPublicKey(Buffer.alloc(0))).toThrow()
  })
})
