/** Attacks on signing in to SSH: D13–D18, D26, D27, and what a refusal tells. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { signSshCertificate } from '../../src/kit/ssh-certificate.ts'
import { Ed25519Key } from '../../src/kit/ssh-key.ts'
import { sshString } from '../../src/kit/ssh-wire.ts'
import { run } from '../rig/child.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { authRequest, HEAR, methodsLeft, passwordRequest, RawSsh } from '../rig/ssh-raw.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const POLICY = `
kind: Human
name: ada
groups: [admins]
---
kind: Human
name: bob
---
kind: Rule
name: ada-may
who: principal.id == "human:ada"
on: true
then: allow
`

/** byte has-signature, string algorithm, string key. */
function keyRequest(user: string, key: { blob: Buffer; algorithm?: string }): Buffer {
  const { blob, algorithm = 'ssh-ed25519' } = key
  return authRequest(user, 'publickey', Buffer.from([0]), sshString(algorithm), sshString(blob))
}

/** The same, signed over `named`, by `signer`. */
function signedRequest(
  raw: RawSsh,
  user: string,
  key: { blob: Buffer; algorithm?: string },
  signer: Ed25519Key,
): Buffer {
  const { blob, algorithm = 'ssh-ed25519' } = key
  const request = authRequest(user, 'publickey', Buffer.from([1]), sshString(algorithm), sshString(blob))
  const signature = signer.sign(Buffer.concat([sshString(raw.sessionId), request]))
  return Buffer.concat([request, sshString(signature)])
}

describe.skipIf(sshdMissing)('Attacks on signing in to SSH', () => {
  let sshd: Sshd
  let stage: SshGateway

  beforeAll(async () => {
    sshd = await startSshd()
    const stranger = Ed25519Key.fresh().publicLine()
    const web = {
      kind: 'Resource',
      protocol: 'ssh',
      address: `127.0.0.1:${sshd.port}`,
      users: [{ name: sshd.user, key: { file: sshd.keyFile } }],
    }
    stage = await startSshGateway({
      target: sshd,
      policy: POLICY,
      documents: [{ ...web, name: 'moved', hostKeys: [stranger] }],
    })
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })

  async function issue(body: object): Promise<{ id: string; token: string }> {
    const answer = await fetch(`${stage.gateway.api}/api/v1/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.gateway.token('human:ada')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ttl_ms: 600_000, ...body }),
    })
    expect(answer.status).toBe(200)
    return (await answer.json()) as { id: string; token: string }
  }

  async function revoke(id: string): Promise<void> {
    await fetch(`${stage.gateway.api}/api/v1/tokens/${id}/revoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.gateway.token('human:ada')}` },
    })
  }

  /** What the first request is answered with: FAILURE, SUCCESS or the connection's end. */
  async function answerTo(make: (raw: RawSsh) => Buffer): Promise<'failure' | 'success' | 'closed'> {
    using raw = await RawSsh.open(stage.port)
    raw.say(make(raw))
    const answer = await raw.hear([HEAR.SUCCESS, HEAR.FAILURE])
    if (!answer) return 'closed'
    return answer[0] === HEAR.SUCCESS ? 'success' : 'failure'
  }

  it('D13: whoever signs is who is signed in, whatever was offered before', async () => {
    const [ada, bob] = [Ed25519Key.fresh(), Ed25519Key.fresh()]
    await issue({ principal: 'human:ada', sshKey: ada.publicLine() })
    await issue({ principal: 'human:bob', sshKey: bob.publicLine() })
    using raw = await RawSsh.open(stage.port)
    for (const key of [bob, ada]) {
      const from = raw.heard.length
      raw.say(keyRequest('web-1', key))
      expect(await raw.hear(HEAR.PK_OK, from)).toBeDefined()
    }
    // Ada's key was offered last. Bob, who may open nothing, signs.
    raw.say(signedRequest(raw, 'web-1', bob, bob))
    expect(methodsLeft((await raw.hear(HEAR.FAILURE))!)).toBe('publickey,keyboard-interactive,password')
    // Bob signs a request that names Ada's key.
    let from = raw.heard.length
    raw.say(signedRequest(raw, 'web-1', ada, bob))
    expect(await raw.hear(HEAR.FAILURE, from)).toBeDefined()
    expect(raw.heard.some((message) => message[0] === HEAR.SUCCESS)).toBe(false)
    // And the one who may.
    from = raw.heard.length
    raw.say(signedRequest(raw, 'web-1', ada, ada))
    expect(await raw.hear(HEAR.SUCCESS, from)).toBeDefined()
  })

  it('D13: an offer tells nobody which keys are registered, and is no proof', async () => {
    const known = Ed25519Key.fresh()
    await issue({ principal: 'human:ada', sshKey: known.publicLine() })
    for (const key of [known, Ed25519Key.fresh()]) {
      using raw = await RawSsh.open(stage.port)
      raw.say(keyRequest('web-1', key))
      expect(await raw.hear(HEAR.PK_OK)).toBeDefined()
    }
  })

  it('a signature for another session, user, service or key is none', async () => {
    const ada = Ed25519Key.fresh()
    await issue({ principal: 'human:ada', sshKey: ada.publicLine() })
    using other = await RawSsh.open(stage.port)
    expect(await answerTo(() => signedRequest(other, 'web-1', ada, ada))).toBe('failure')
    expect(
      await answerTo((raw) => {
        const signed = signedRequest(raw, 'web-1', ada, ada)
        // The last byte of the signature.
        signed[signed.length - 1]! ^= 1
        return signed
      }),
    ).toBe('failure')
    expect(await answerTo((raw) => signedRequest(raw, 'web-1', ada, Ed25519Key.fresh()))).toBe('failure')
    expect(await answerTo((raw) => signedRequest(raw, 'web-1', ada, ada))).toBe('success')
  })

  it('no certificate but one of our own authority, for users, in its time, is taken', async () => {
    const { token, id } = await issue({ principal: 'human:ada' })
    const key = Ed25519Key.fresh()
    const answer = await fetch(`${stage.gateway.api}/api/v1/ssh/certificates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ publicKey: key.publicLine() }),
    })
    const { certificate } = (await answer.json()) as { certificate: string }
    const genuine = Buffer.from(certificate.split(' ')[1]!, 'base64')
    const algorithm = 'ssh-ed25519-cert-v01@openssh.com'
    const tried = (blob: Buffer) => answerTo((raw) => signedRequest(raw, 'web-1', { blob, algorithm }, key))
    const now = Math.floor(Date.now() / 1000)
    const content = {
      kind: 'user',
      key: key.blob,
      serial: 1n,
      keyId: `${id} human:ada`,
      principals: ['human:ada'],
      after: now - 60,
      before: now + 60,
    } as const
    const forger = Ed25519Key.fresh()
    expect(await tried(signSshCertificate(forger, content)), 'of another authority').toBe('failure')
    // The true authority's name, and a signature of another.
    const patched = signSshCertificate(forger, content)
    const authority = genuine.subarray(genuine.length - 4 - 83 - 51, genuine.length - 4 - 83)
    const at = patched.length - 4 - 83 - 51
    expect(patched.subarray(at + 19).length).toBeGreaterThan(0)
    authority.copy(patched, at)
    expect(await tried(patched), 'with another’s signature').toBe('failure')
    for (const offset of [40, 120, 160, genuine.length - 10]) {
      const altered = Buffer.from(genuine)
      altered[offset]! ^= 1
      expect(await tried(altered), `with byte ${offset} changed`).not.toBe('success')
    }
    expect(
      await answerTo((raw) => signedRequest(raw, 'web-1', { blob: genuine, algorithm }, Ed25519Key.fresh())),
      'by who has only seen it',
    ).toBe('failure')
    expect(await tried(genuine)).toBe('success')
    await revoke(id)
    expect(await tried(genuine), 'after its token was revoked').toBe('failure')
  })

  it.each([
    ['two separators', 'a+b+web-1'],
    ['a path', '../web-1'],
    ['a space', 'web-1 '],
    ['a percent target', `root%web-1`],
    ['an account with a colon', 'root:web-1'],
    ['an at sign', 'root@web-1'],
    ['a NUL', 'web-1\0'],
    ['a line break', 'web-1\nroot'],
    ['a confusable letter', 'wеb-1'],
    ['full-width digits', 'web-１'],
    ['nothing', ''],
    ['an empty account', '+web-1'],
    ['an empty resource', 'root+'],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x80])],
    ['32 KB', 'w'.repeat(32_000)],
    ['a word of JavaScript’s', '__proto__'],
    ['an account that is not offered', 'root2+web-1'],
  ])('D14: a user name with %s names nothing', async (_, user) => {
    expect(await answerTo(() => passwordRequest(user, stage.gateway.token('human:ada')))).toBe('failure')
  })

  it('D14: an account is picked by one grammar', async () => {
    const done = await stage.ssh('human:ada', [`${sshd.user}+web-1@127.0.0.1`, 'echo in'])
    expect(done).toMatchObject({ status: 0, stdout: 'in\n' })
  })

  it.each([
    ['an empty password', ''],
    ['a key’s text', 'ssh-ed25519 AAAA'],
    ['another’s cut token', 'slu_'],
    ['a long text', 'x'.repeat(30_000)],
  ])('D15: %s is no proof', async (_, password) => {
    expect(await answerTo(() => passwordRequest('web-1', password))).toBe('failure')
  })

  it('D15: what a registered key is stored under is no password', async () => {
    const key = Ed25519Key.fresh()
    await issue({ principal: 'human:ada', sshKey: key.publicLine() })
    const blob = key.blob.toString('base64')
    for (const text of [blob, `ssh-key ${blob}`, `ssh-ed25519 ${blob}`, key.blob.toString('latin1')])
      expect(await answerTo(() => passwordRequest('web-1', text))).toBe('failure')
  })

  it.each([
    ['none', [], 'failure'],
    [
      'hostbased',
      [
        sshString('ssh-ed25519'),
        sshString(Buffer.alloc(51)),
        sshString('a'),
        sshString('b'),
        sshString(Buffer.alloc(83)),
      ],
      'failure',
    ],
    ['gssapi-with-mic', [sshString('x')], 'failure'],
    ['', [], 'failure'],
    ['publickey', [], 'closed'],
    ['password', [], 'closed'],
  ])('D16: the method "%s" is no way in', async (method, rest, end) => {
    expect(await answerTo(() => authRequest('web-1', method, ...rest))).toBe(end)
  })

  it('D16: a prompt answered with nothing, with too much, or unasked is no proof', async () => {
    const INFO_RESPONSE = 61
    const answers = (...texts: string[]) =>
      Buffer.concat([Buffer.from([INFO_RESPONSE, 0, 0, 0, texts.length]), ...texts.map((text) => sshString(text))])
    using raw = await RawSsh.open(stage.port)
    raw.say(answers('x'))
    raw.say(authRequest('web-1', 'keyboard-interactive', sshString(''), sshString('')))
    await raw.hear(HEAR.INFO_REQUEST)
    raw.say(answers('x', stage.gateway.token('human:ada')))
    expect(await raw.hear(HEAR.FAILURE)).toBeDefined()
    // A link that nobody confirms: answering its empty questions does nothing.
    const from = raw.heard.length
    raw.say(authRequest('web-1', 'keyboard-interactive', sshString(''), sshString('')))
    await raw.hear(HEAR.INFO_REQUEST, from)
    raw.say(answers(''))
    await raw.hear(HEAR.INFO_REQUEST, raw.heard.length)
    for (let i = 0; i < 5; i++) raw.say(answers())
    raw.say(passwordRequest('web-1', 'wrong'))
    expect(await raw.hear(HEAR.FAILURE, raw.heard.length)).toBeDefined()
    expect(raw.heard.some((message) => message[0] === HEAR.SUCCESS)).toBe(false)
  })

  it('D16: a message only a server may send, or one from after sign-in, ends the connection', async () => {
    for (const type of [HEAR.SUCCESS, HEAR.FAILURE, 53, 6, 80, 90, 94, 98, 200]) {
      using raw = await RawSsh.open(stage.port)
      raw.say(Buffer.concat([Buffer.from([type]), sshString('session'), Buffer.alloc(12)]))
      await raw.gone()
      expect(raw.heard.some((message) => message[0] === HEAR.SUCCESS)).toBe(false)
    }
  })

  it('D16: six wrong proofs and no more', async () => {
    using raw = await RawSsh.open(stage.port)
    for (let i = 0; i < 5; i++) {
      const from = raw.heard.length
      raw.say(passwordRequest('web-1', `wrong ${i}`))
      expect(await raw.hear(HEAR.FAILURE, from)).toBeDefined()
    }
    raw.say(passwordRequest('web-1', 'wrong 6'))
    await raw.gone()
    const bye = raw.heard.find((message) => message[0] === HEAR.DISCONNECT)
    expect(bye?.toString()).toContain('Too many authentication failures')
  })

  it('D18: a target that shows another host key gets no credential, and the caller is told why', async () => {
    const before = sshd.log()
    const done = await stage.ssh('human:ada', ['moved@127.0.0.1', 'echo in'])
    expect(done).toMatchObject({ status: 255, stdout: '' })
    expect(done.stderr).toContain('The target shows a host key that the resource does not name.')
    expect(sshd.log().slice(before.length)).not.toMatch(/Accepted|Failed|userauth/)
  })

  it('what is refused says the same and takes as long, whether the token, the resource or the right is missing', async () => {
    const heard: string[] = []
    for (const [user, password] of [
      ['web-1', 'slu_wrong'],
      ['nothing-here', stage.gateway.token('human:ada')],
      ['web-1', stage.gateway.token('human:bob')],
    ] as const) {
      using raw = await RawSsh.open(stage.port)
      const begun = performance.now()
      raw.say(passwordRequest(user, password))
      const failure = await raw.hear(HEAR.FAILURE)
      const took_ms = performance.now() - begun
      heard.push(failure!.toString('hex'))
      expect(took_ms).toBeGreaterThan(115)
    }
    expect(new Set(heard).size).toBe(1)
  })

  it('D26, D27: a revoked token ends what runs within a second, and its master connection opens nothing more', async () => {
    const { token, id } = await issue({ principal: 'human:ada' })
    const control = join(stage.folder, 'master')
    const env = stage.password(token)
    const master = spawn('ssh', [...stage.options, '-M', '-S', control, 'web-1@127.0.0.1', 'echo up; sleep 60'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await once(master.stdout, 'data')
    const through = () =>
      run(['ssh', ...stage.options, '-o', 'ControlMaster=no', '-S', control, 'web-1@127.0.0.1', 'echo in'], {
        env: { ...env, SLUICE_TEST_SECRET: 'wrong' },
      })
    expect(await through()).toMatchObject({ status: 0, stdout: 'in\n' })
    const left = once(master, 'exit')
    const begun = performance.now()
    await revoke(id)
    await left
    expect(performance.now() - begun).toBeLessThan(1_500)
    expect((await through()).status).toBe(255)
  })

  it('D30: a PROXY header is not believed, and not spoken to', async () => {
    const socket = connect(stage.port, '127.0.0.1')
    let said = ''
    socket.on('data', (chunk) => (said += chunk))
    socket.write('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\nSSH-2.0-x\r\n')
    await once(socket, 'close')
    expect(said).not.toMatch(/SSH-2\.0-Sluice\r\n./s)
    expect((await stage.ssh('human:ada', ['web-1@127.0.0.1', 'echo $SSH_CONNECTION'])).status).toBe(0)
  })
})
