/** How the gateway logs in to targets: key, password, a certificate signed for the session; and how it knows them. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { describe, expect, it } from 'vitest'
import { Ed25519Key } from '../../src/kit/ssh-key.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { startSshGateway } from '../rig/ssh-gateway.ts'
import { sshdMissing, startSshd } from '../rig/sshd.ts'
import { tempFolder } from '../rig/temp.ts'
import { until } from '../rig/until.ts'

const AS = 'human:suite'
const HOST = 'web-1@127.0.0.1'

describe.skipIf(sshdMissing)('Targets', () => {
  it('take a certificate that is signed for this session, and only from the authority for targets', async () => {
    const folder = tempFolder('ca')
    const unset = {
      host: '127.0.0.1',
      port: 1,
      user: 'x',
      hostKey: Ed25519Key.fresh().publicLine(),
      keyText: 'x',
    } as const
    // The authority is the gateway's own: it exists before the target does.
    await using first = await startSshGateway({ target: unset, policy: ALLOW_ALL, dataDir: folder.path })
    const answer = await fetch(`${first.gateway.api}/api/v1/ssh`, {
      headers: { authorization: `Bearer ${first.gateway.token(AS)}` },
    })
    const { targetAuthority, authority } = (await answer.json()) as { targetAuthority: string; authority: string }
    expect(targetAuthority.split(' ')[1]).not.toBe(authority.split(' ')[1])
    await first.gateway.stop()
    await using target = await startSshd({ trustedCa: targetAuthority, settings: ['LogLevel VERBOSE'] })
    const resource = { users: [{ name: target.user, certificate: true }] }
    await using stage = await startSshGateway({ target, policy: ALLOW_ALL, dataDir: folder.path, resource })
    const done = await stage.ssh(AS, [HOST, 'echo in'])
    expect(done).toMatchObject({ status: 0, stdout: 'in\n' })
    // The target's own log names the session and who is behind it.
    expect(target.log()).toMatch(/Accepted (certificate ID|publickey).*ses_\w+ human:suite/)
    // A caller's own certificate, of the other authority, opens no target.
    const key = join(folder.path, 'own')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
    const issued = await fetch(`${stage.gateway.api}/api/v1/ssh/certificates`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.gateway.token(AS)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ publicKey: readFileSync(`${key}.pub`, 'utf8') }),
    })
    const { certificate } = (await issued.json()) as { certificate: string }
    writeFileSync(`${key}-cert.pub`, certificate)
    const options = [
      '-F',
      '/dev/null',
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      'BatchMode=yes',
    ]
    expect(() =>
      execFileSync('ssh', [...options, '-i', key, '-p', String(target.port), `${target.user}@127.0.0.1`, 'true'], {
        stdio: 'ignore',
      }),
    ).toThrow()
  })

  /** A server that asks for a password, one way or the other. Real enough: what is looked at is what reaches it. */
  async function passwordTarget(method: 'password' | 'keyboard-interactive') {
    const key = Ed25519Key.fresh()
    const tried: string[] = []
    const server = createServer((socket) => {
      const one = new ssh2.Server({ hostKeys: [key.privateText().reveal()] })
      one.on('connection', (connection) => {
        connection.on('error', () => {})
        connection.on('authentication', (context) => {
          tried.push(context.method)
          if (context.method !== method) return context.reject([method])
          const decide = (answer = '') => (answer === 's3cret' ? context.accept() : context.reject([method]))
          if (method === 'password') return decide(context.password)
          context.prompt([{ prompt: 'Password: ', echo: false }], '', '', (answers) =>
            decide(answers instanceof Error ? '' : answers[0]),
          )
        })
        connection.on('session', (accept) => {
          accept().on('exec', (begin) => {
            const channel = begin!()
            channel.write('in\n')
            channel.exit(0)
            channel.end()
          })
        })
      })
      one.injectSocket(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    return { server, tried, port, hostKey: key.publicLine(), host: '127.0.0.1', user: 'app', keyText: '' } as const
  }

  it.each(['password', 'keyboard-interactive'] as const)('take a password by %s', async (method) => {
    const target = await passwordTarget(method)
    const folder = tempFolder('password')
    const file = join(folder.path, 'password')
    writeFileSync(file, 's3cret', { mode: 0o600 })
    const resource = { users: [{ name: 'app', password: { file } }] }
    await using stage = await startSshGateway({ target, policy: ALLOW_ALL, resource })
    expect(await stage.ssh(AS, [HOST, 'echo in'])).toMatchObject({ status: 0, stdout: 'in\n' })
    writeFileSync(file, 'changed', { mode: 0o600 })
    const refused = await stage.ssh(AS, [HOST, 'echo in'])
    expect(refused).toMatchObject({ status: 255, stdout: '' })
    expect(refused.stderr).toContain('could not log in to the target')
    expect(refused.stderr + stage.gateway.log()).not.toContain('changed')
    target.server.close()
  })

  it('D17: that speak nothing we take are told of as such, not as a wrong credential', async () => {
    const key = Ed25519Key.fresh()
    const cbc = { cipher: ['aes256-cbc'] } as unknown as Record<string, never>
    const server = createServer((socket) => {
      const one = new ssh2.Server({ hostKeys: [key.privateText().reveal()], algorithms: cbc } as never)
      one.on('connection', (connection) => connection.on('error', () => {}))
      one.injectSocket(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const keyText = Ed25519Key.fresh().privateText().reveal()
    const target = { host: '127.0.0.1', port, user: 'app', hostKey: key.publicLine(), keyText } as const
    await using stage = await startSshGateway({ target, policy: ALLOW_ALL })
    const done = await stage.ssh(AS, [HOST, 'true'])
    expect(done.stderr).toContain('came to no encrypted connection')
    await until(async () => stage.gateway.log().includes('target.handshake'))
    server.close()
  })

  it('that are not there, or hang up, are told of in words', async () => {
    const server = createServer((socket) => socket.end())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const known = { host: '127.0.0.1', user: 'app', hostKey: Ed25519Key.fresh().publicLine() } as const
    const keyText = Ed25519Key.fresh().privateText().reveal()
    for (const [at, words] of [
      [port, 'came to no encrypted connection'],
      [1, 'target cannot be reached'],
    ] as const) {
      await using stage = await startSshGateway({ target: { ...known, port: at, keyText }, policy: ALLOW_ALL })
      const done = await stage.ssh(AS, [HOST, 'echo in'])
      expect(done).toMatchObject({ status: 255, stdout: '' })
      expect(done.stderr).toContain(words)
      expect(done.stderr).not.toContain(`127.0.0.1:${at}`)
    }
    server.close()
  })
})
