import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../rig/child.ts'
import { newestOpenSsh } from '../rig/openssh-sid.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const POLICY = `
kind: Human
name: ada
groups: [admins]
---
kind: Agent
name: bot
owner: human:ada
purpose: tests
delegators: [human:ada]
---
kind: Rule
name: everything
who: true
on: true
then: allow
`

const newest = sshdMissing ? sshdMissing : newestOpenSsh()

describe.skipIf(sshdMissing)('Signing in to SSH', () => {
  let sshd: Sshd
  let stage: SshGateway
  /** The API, as somebody. */
  let api: (principal: string, method: string, path: string, body?: unknown) => Promise<{ status: number; body: never }>

  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: POLICY })
    api = async (principal, method, path, body) => {
      const answer = await fetch(`${stage.gateway.api}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${stage.gateway.token(principal)}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      return { status: answer.status, body: (await answer.json()) as never }
    }
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })

  /** A fresh key pair of ssh-keygen's; the path of the private one. */
  function newKey(name: string, ...options: string[]): string {
    const path = join(stage.folder, name)
    execFileSync('ssh-keygen', ['-q', '-N', '', '-f', path, ...(options.length > 0 ? options : ['-t', 'ed25519'])])
    return path
  }

  /** ssh with one key and nothing else to try. */
  const withKey = (key: string, ...args: string[]) =>
    run(['ssh', ...stage.options, '-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-i', key, ...args], {
      timeout_ms: 20_000,
    })

  it.each([
    ['Ed25519', ['-t', 'ed25519']],
    ['ECDSA P-256', ['-t', 'ecdsa', '-b', '256']],
    ['ECDSA P-521', ['-t', 'ecdsa', '-b', '521']],
    ['RSA 3072', ['-t', 'rsa', '-b', '3072']],
  ])('takes a registered %s key', async (name, options) => {
    const key = newKey(`registered ${name}`.replaceAll(' ', '-'), ...options)
    const refused = await withKey(key, 'web-1@127.0.0.1', 'true')
    expect(refused.status).toBe(255)
    const registered = await api('human:ada', 'POST', '/tokens', {
      principal: 'agent:bot',
      actors: ['human:ada'],
      ttl_ms: 600_000,
      sshKey: readFileSync(`${key}.pub`, 'utf8'),
    })
    expect(registered).toMatchObject({ status: 200, body: { principal: 'agent:bot' } })
    expect(registered.body).not.toHaveProperty('token')
    expect(await withKey(key, 'web-1@127.0.0.1', 'echo in')).toMatchObject({ status: 0, stdout: 'in\n' })
  })

  it.each([
    ['Ed25519', ['-t', 'ed25519']],
    ['ECDSA P-384', ['-t', 'ecdsa', '-b', '384']],
    ['RSA 3072', ['-t', 'rsa', '-b', '3072']],
  ])(
    'takes a certificate for an %s key, and no longer when the token it stands on is revoked',
    async (name, options) => {
      const key = newKey(`certified ${name}`.replaceAll(' ', '-'), ...options)
      const issued = await api('human:ada', 'POST', '/tokens', { principal: 'human:ada', ttl_ms: 600_000 })
      const { token, id } = issued.body as { token: string; id: string }
      const answer = await fetch(`${stage.gateway.api}/api/v1/ssh/certificates`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ publicKey: readFileSync(`${key}.pub`, 'utf8') }),
      })
      const { certificate, keyId } = (await answer.json()) as { certificate: string; keyId: string }
      expect(keyId).toBe(`${id} human:ada`)
      writeFileSync(`${key}-cert.pub`, `${certificate}\n`)
      // What OpenSSH itself makes of it.
      const shown = execFileSync('ssh-keygen', ['-L', '-f', `${key}-cert.pub`], { encoding: 'utf8' })
      expect(shown).toContain(`Key ID: "${id} human:ada"`)
      expect(await withKey(key, 'web-1@127.0.0.1', 'echo in')).toMatchObject({ status: 0, stdout: 'in\n' })
      await api('human:ada', 'POST', `/tokens/${id}/revoke`)
      expect(await withKey(key, 'web-1@127.0.0.1', 'echo in')).toMatchObject({ status: 255, stdout: '' })
    },
  )

  it('tells one who proved who they are that the name is wrong, and strangers nothing', async () => {
    const key = newKey('mistyped')
    await api('human:ada', 'POST', '/tokens', {
      ...{ principal: 'agent:bot', actors: ['human:ada'], ttl_ms: 600_000 },
      sshKey: readFileSync(`${key}.pub`, 'utf8'),
    })
    // No BatchMode: ssh goes on to the prompt, where a browser link would be waited for.
    const asks = ['-o', 'IdentitiesOnly=yes', '-o', 'PreferredAuthentications=publickey,keyboard-interactive']
    const to = (name: string, identity: string) =>
      run(['ssh', ...stage.options, ...asks, '-i', identity, `${name}@127.0.0.1`, 'true'], {
        env: stage.password('no token'),
        timeout_ms: 20_000,
      })
    const told = 'Access denied: there is no resource of this name that you may open.'
    const mistyped = await to('wbe-1', key)
    expect(mistyped).toMatchObject({ status: 255, stdout: '' })
    expect(mistyped.stderr).toContain(told)
    const stranger = await to('wbe-1', newKey('stranger'))
    expect(stranger.stderr).not.toContain('resource')
    const known = await to('web-1', join(stage.folder, 'stranger'))
    expect(stranger.stderr.replaceAll('wbe-1', 'web-1')).toBe(known.stderr)
  })

  it('puts a certificate into the agent, and nothing on disk', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(stage.folder, 'agent')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(agent.stdout, 'data')
      const env = {
        ...process.env,
        SSH_AUTH_SOCK: join(stage.folder, 'agent'),
        SLUICE_TOKEN: stage.gateway.token('human:ada'),
        SLUICE_URL: stage.gateway.api,
      }
      const main = join(import.meta.dirname, '../../src/main.ts')
      const signed = await run([process.execPath, main, 'ssh', 'cert', '--ttl', '2m'], { env })
      expect(signed).toMatchObject({ status: 0, stdout: '' })
      const agentOptions = ['-o', `IdentityAgent=${env.SSH_AUTH_SOCK}`, '-o', 'BatchMode=yes']
      const done = await run(['ssh', ...agentOptions, ...stage.options, 'web-1@127.0.0.1', 'echo in'], { env })
      expect(done).toMatchObject({ status: 0, stdout: 'in\n' })
    } finally {
      agent.kill()
      await once(agent, 'exit')
    }
  })

  it('is known by its certificate: no question about a fingerprint', async () => {
    const { body } = await api('human:ada', 'GET', '/ssh')
    const known = join(stage.folder, 'known_by_authority')
    writeFileSync(known, `${(body as { knownHosts: string }).knownHosts}\n`)
    const done = await run(
      [
        ...['ssh', '-o', `UserKnownHostsFile=${known}`, '-o', 'StrictHostKeyChecking=yes', ...stage.options],
        ...['web-1@127.0.0.1', 'echo in'],
      ],
      { env: stage.password(stage.gateway.token('human:ada')), timeout_ms: 20_000 },
    )
    expect(done).toMatchObject({ status: 0, stdout: 'in\n' })
  })

  describe('with a browser', () => {
    /** Starts ssh whose user presses Enter at the prompt; resolves with the page it is sent to and its code. */
    async function begin() {
      const child = spawn('ssh', [...stage.options, 'web-1@127.0.0.1', 'echo in'], {
        env: stage.password(''),
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let said = ''
      let out = ''
      child.stdout.on('data', (chunk: Buffer) => (out += chunk))
      const told = new Promise<{ id: string; code: string }>((resolve) =>
        child.stderr.on('data', (chunk: Buffer) => {
          said += chunk
          const found = /\/ssh\/(lnk_\w+)\s+and enter the code (\S+)/.exec(said)
          if (found) resolve({ id: found[1]!, code: found[2]! })
        }),
      )
      const status = once(child, 'close').then(([code]) => ({ code: code as number, out, said }))
      return { ...(await told), status }
    }

    it('signs a person in who types the code the terminal shows', async () => {
      const { id, code, status } = await begin()
      expect(await api('human:ada', 'GET', `/ssh/links/${id}`)).toMatchObject({
        body: { resource: 'web-1', from: '127.0.0.1' },
      })
      expect(await api('human:ada', 'POST', `/ssh/links/${id}/confirm`, { code: 'WRNG-CODE' })).toMatchObject({
        status: 403,
      })
      expect(await api('human:ada', 'POST', `/ssh/links/${id}/confirm`, { code })).toMatchObject({ status: 200 })
      expect(await status).toMatchObject({ code: 0, out: 'in\n' })
      expect(await api('human:ada', 'POST', `/ssh/links/${id}/confirm`, { code })).toMatchObject({ status: 404 })
    })

    it('lets no agent confirm, and turns away what is not the person’s', async () => {
      const { id, code, status } = await begin()
      expect(await api('agent:bot', 'POST', `/ssh/links/${id}/confirm`, { code })).toMatchObject({ status: 403 })
      await api('human:ada', 'POST', `/ssh/links/${id}/refuse`)
      expect(await status).toMatchObject({ code: 255, out: '' })
    })
  })

  describe.skipIf(typeof newest === 'string')(
    `OpenSSH of Debian sid ${typeof newest === 'string' ? `(${newest})` : ''}`,
    () => {
      it('agrees on the post-quantum key exchange and warns of nothing', async () => {
        if (typeof newest === 'string') throw new Error(newest)
        const done = await run(
          ['ssh', '-v', ...stage.options, 'web-1@127.0.0.1', 'echo in'].flatMap((each, i) =>
            i === 0 ? newest('bin/ssh') : [each],
          ),
          {
            env: stage.password(stage.gateway.token('human:ada')),
            timeout_ms: 20_000,
          },
        )
        expect(done).toMatchObject({ status: 0, stdout: 'in\n' })
        expect(done.stderr).toContain('kex: algorithm: mlkem768x25519-sha256')
        expect(done.stderr).not.toMatch(/WARNING|post-quantum key exchange algorithm/)
      })
    },
  )
})
