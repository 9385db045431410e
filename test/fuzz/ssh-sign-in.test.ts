/** Whatever a client says before it has signed in: it gets no further, a failed proof is on record, and nothing in the gateway breaks (ATTACKS D15, D16, D23). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Ed25519Key } from '../../src/kit/ssh-key.ts'
import { sshString, sshUint32 } from '../../src/kit/ssh-wire.ts'
import { readLedger } from '../rig/ledger.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type FakeTarget, fakeTarget } from '../rig/ssh-peer.ts'
import { authRequest, HEAR, RawSsh } from '../rig/ssh-raw.ts'
import { until } from '../rig/until.ts'
import { type Chance, chance, eachSeed } from './seed.ts'

const INFO_RESPONSE = 61
const bool = (value: number) => Buffer.from([value])
const ask = () => authRequest('web-1', 'keyboard-interactive', sshString(''), sshString(''))
const answers = (...given: (string | Buffer)[]) =>
  Buffer.concat([Buffer.from([INFO_RESPONSE]), sshUint32(given.length), ...given.map(sshString)])

describe('requests to be let in', () => {
  let target: FakeTarget
  let stage: SshGateway
  beforeAll(async () => {
    target = await fakeTarget()
    stage = await startSshGateway({ target, policy: ALLOW_ALL })
  })
  afterAll(async () => {
    await stage?.stop()
    await target?.[Symbol.asyncDispose]()
  })
  const logins = () => readLedger(stage.gateway.dataDir).filter(({ kind }) => kind === 'login')

  it.each([
    ['a change of password', () => authRequest('web-1', 'password', bool(1), sshString('old'), sshString('new'))],
    ['a change of a right one', () => authRequest('web-1', 'password', bool(1), sshString(token()), sshString('new'))],
    ['a change to nothing', () => authRequest('web-1', 'password', bool(1), sshString(''), sshString(''))],
    ['a password that is no text', () => authRequest('web-1', 'password', bool(0), sshString(Buffer.from([0xff])))],
  ])('D15: %s is a wrong password, on record, and the sixth ends the connection', async (_, request) => {
    const before = logins().length
    using raw = await RawSsh.open(stage.port)
    for (let i = 1; i <= 6; i++) {
      const from = raw.heard.length
      raw.say(request())
      if (i < 6) expect((await raw.hear([HEAR.FAILURE, HEAR.DISCONNECT], from))?.[0]).toBe(HEAR.FAILURE)
    }
    await raw.gone()
    await until(async () => logins().length === before + 6)
    expect(stage.gateway.log()).not.toContain('internal')
  })

  const token = () => stage.gateway.token('human:suite')

  it.each([
    ['no answer', []],
    ['two answers', ['', '']],
    ['a right one and four more', null],
  ] as const)('D16: %s at the prompt is no Enter, but a wrong proof', async (_, given) => {
    const before = logins().length
    using raw = await RawSsh.open(stage.port)
    raw.say(ask())
    await raw.hear(HEAR.INFO_REQUEST)
    const from = raw.heard.length
    raw.say(answers(...(given ?? [token(), '', '', '', ''])))
    expect((await raw.hear([HEAR.FAILURE, HEAR.INFO_REQUEST, HEAR.SUCCESS], from))?.[0]).toBe(HEAR.FAILURE)
    await until(async () => logins().length === before + 1)
  })

  it('any request of any shape: the answer is a failure or the end, and never an error of the gateway’s own', async () => {
    await eachSeed(60, async (seed) => {
      const luck = chance(seed)
      using raw = await RawSsh.open(stage.port)
      for (let i = 0; i < 5 && !raw.closed; i++) raw.say(shapeless(luck))
      // Either it ended the connection, or it goes on as after any failure.
      raw.say(authRequest('web-1', 'none'))
      await raw.hear([HEAR.FAILURE, HEAR.DISCONNECT, HEAR.INFO_REQUEST])
      expect(raw.heard.some(([type]) => type === HEAR.SUCCESS)).toBe(false)
    })
    expect(stage.gateway.log()).not.toContain('internal')
    expect(stage.gateway.log()).not.toContain('    at ')
  })
})

const KEY = Ed25519Key.fresh()
const USERS = ['web-1', '', 'a+b+c', '../x', 'x'.repeat(70_000), Buffer.from([0xff, 0, 0x41])]
const METHODS = ['none', 'password', 'publickey', 'keyboard-interactive', 'hostbased', 'gssapi-with-mic', '', '\0', 'é']
const ALGORITHMS = [
  'ssh-ed25519',
  'ssh-rsa',
  'rsa-sha2-256',
  'ecdsa-sha2-nistp256',
  'ssh-dss',
  'sk-ssh-ed25519@openssh.com',
]
const CERTIFICATES = ['ssh-ed25519-cert-v01@openssh.com', 'rsa-sha2-512-cert-v01@openssh.com', '']

/** A request with fields of any kind, whole, cut short, or longer than it says. */
function shapeless(luck: Chance): Buffer {
  const field = (): Buffer =>
    luck.of([
      () => bool(luck.below(256)),
      () => sshString(luck.of([...ALGORITHMS, ...CERTIFICATES])),
      () => sshString(KEY.blob),
      () => sshString(KEY.blob.subarray(0, luck.below(KEY.blob.length))),
      () =>
        sshString(
          Buffer.concat([sshString(luck.of(ALGORITHMS)), sshString(Buffer.alloc(luck.below(80), luck.below(256)))]),
        ),
      () => sshString(Buffer.from(Array.from({ length: luck.below(40) }, () => luck.below(256)))),
      () => sshUint32(luck.of([0, 1, 5, 0x7fffffff, 0xffffffff])),
      () => sshString(''),
    ])()
  const fields = Array.from({ length: luck.below(6) }, field)
  const whole =
    luck.below(6) === 0
      ? Buffer.concat([Buffer.from([INFO_RESPONSE]), ...fields])
      : authRequest(luck.of(USERS), luck.of(METHODS), ...fields)
  return luck.below(4) === 0 ? whole.subarray(0, 1 + luck.below(whole.length)) : whole
}
