import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { Secret } from '../kit/secret.ts'
import { readSshCertificate, signSshCertificate } from '../kit/ssh-certificate.ts'
import { Ed25519Key } from '../kit/ssh-key.ts'
import type { Principal } from '../model/principal.ts'
import { createSshCa } from './ssh-ca.ts'
import { createSshLinks } from './ssh-links.ts'

const ADA: Principal = { kind: 'human', id: 'human:ada', name: 'ada', groups: [], claims: {}, credential: 'tok_a' }
const BOT: Principal = { ...ADA, kind: 'agent', id: 'agent:bot', actor: ADA, credential: 'tok_b' }
const seed = () => new Secret(randomBytes(32).toString('base64'))

function office() {
  const clock = { at: 1_800_000_000_000, now_ms: () => clock.at, monotonic_ms: () => clock.at }
  const own = seed()
  return { clock, own, ca: createSshCa({ own, targets: seed(), clock }) }
}
const base64Of = (line: string) => line.split(' ')[1]!

test('a certificate is for minutes, never longer than the token it stands on, and names who is behind it', () => {
  const { clock, ca } = office()
  const key = Ed25519Key.fresh().publicLine()
  const { expires_ms, keyId, certificate } = ca.certify(BOT, key)
  expect(expires_ms).toBe(clock.at + 10 * 60_000)
  expect(keyId).toBe('tok_b agent:bot human:ada')
  expect(ca.read(base64Of(certificate))).toEqual({ credential: 'tok_b', chain: ['agent:bot', 'human:ada'] })
  expect(ca.certify(BOT, key, 86_400_000).expires_ms).toBe(clock.at + 60 * 60_000)
  expect(ca.certify({ ...BOT, expires_ms: clock.at + 30_000 }, key).expires_ms).toBe(clock.at + 30_000)
})

test('it holds from a minute before it was signed until its end, and not a second more', () => {
  const { clock, ca } = office()
  const { certificate } = ca.certify(ADA, Ed25519Key.fresh().publicLine(), 60_000)
  const begun = clock.at
  for (const [after_ms, good] of [
    [-61_000, false],
    [-60_000, true],
    [0, true],
    [59_999, true],
    [60_000, false],
  ] as const) {
    clock.at = begun + after_ms
    expect([after_ms, ca.read(base64Of(certificate)) !== undefined]).toEqual([after_ms, good])
  }
})

test('a host’s, a target’s, another authority’s and a conditional certificate sign nobody in', () => {
  const { clock, own, ca } = office()
  const key = Ed25519Key.fresh()
  expect(ca.read(ca.host(key.blob, ['gateway']).toString('base64'))).toBeUndefined()
  const login = ca.forTarget({ user: 'root', session: 'ses_1', principal: BOT })
  expect(ca.read(login.certificate.toString('base64'))).toBeUndefined()
  expect(readSshCertificate(login.certificate)).toMatchObject({
    principals: ['root'],
    keyId: 'ses_1 agent:bot human:ada',
    before: BigInt(clock.at / 1000 + 120),
  })
  expect(ca.read(base64Of(office().ca.certify(ADA, key.publicLine()).certificate))).toBeUndefined()
  const now = clock.at / 1000
  const plain = {
    kind: 'user',
    key: key.blob,
    serial: 1n,
    keyId: 'tok_a human:ada',
    principals: ['human:ada'],
  } as const
  const ours = signSshCertificate(new Ed25519Key(own), { ...plain, after: now - 1, before: now + 60 })
  expect(ca.read(ours.toString('base64'))).toMatchObject({ credential: 'tok_a' })
  for (const junk of ['', 'AAAA', key.blob.toString('base64'), '\u0000']) expect(ca.read(junk)).toBeUndefined()
})

test.each(['', 'ssh-ed25519', 'ssh-ed25519 AAAA', 'ssh-dss AAAAB3NzaC1kc3M=', 'not a key at all'])(
  'no certificate for "%s"',
  (line) => {
    expect(() => office().ca.certify(ADA, line)).toThrow(/public key/)
  },
)

function links() {
  const clock = { at: 0, now_ms: () => clock.at, monotonic_ms: () => clock.at }
  return { clock, links: createSshLinks({ clock, url: (id) => `http://gateway/ssh/${id}` }) }
}
const idOf = (url: string) => url.split('/').at(-1)!

test('a link is good once, for the person who typed its code, for half a minute', async () => {
  const { clock, links: desk } = links()
  for (const wait_ms of [0, 31_000]) {
    const link = desk.invite({ resource: 'web-1', from: '192.0.2.1' })!
    desk.confirm(idOf(link.url), link.code, ADA)
    const { kind, proof } = (await link.answered)!
    expect(kind).toBe('link')
    clock.at += wait_ms
    expect(desk.redeem(proof)).toEqual(wait_ms === 0 ? ADA : undefined)
    expect(desk.redeem(proof)).toBeUndefined()
  }
})

test('no agent confirms one, nor whoever acts for another; a thousand wait and no more', async () => {
  const { links: desk } = links()
  const link = desk.invite({ resource: 'web-1', from: '192.0.2.1' })!
  for (const who of [BOT, { ...ADA, kind: 'service' }, { ...ADA, actor: ADA }] as Principal[])
    expect(() => desk.confirm(idOf(link.url), link.code, who)).toThrow()
  const all = Array.from({ length: 1_000 }, () => desk.invite({ resource: 'web-1', from: '192.0.2.1' }))
  expect(all.filter(Boolean).length).toBe(999)
  link.cancel()
  expect(await link.answered).toBeUndefined()
  expect(desk.invite({ resource: 'web-1', from: '192.0.2.1' })).toBeDefined()
})
