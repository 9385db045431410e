/** Stock SSH clients, unchanged, on a real sshd through the gateway: what they do there they do here. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/kit/digest.ts'
import { ended, mustRun, run, spawnMortal } from '../rig/child.ts'
import { ALLOW_ALL } from '../rig/policies.ts'
import { freePort } from '../rig/port.ts'
import { configFile, lineServer, missing, sftp, stock, transcriptsOnce } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'
import { until } from '../rig/until.ts'

const WHO = 'human:suite'
const HOST = 'web-1@127.0.0.1'

describe.skipIf(sshdMissing)('stock SSH clients', () => {
  let sshd: Sshd
  let stage: SshGateway
  let at: (name: string) => string
  beforeAll(async () => {
    sshd = await startSshd({ keepRights: true })
    stage = await startSshGateway({ target: sshd, policy: ALLOW_ALL })
    at = (name) => join(sshd.home, name)
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })
  const here = (name: string) => join(stage.folder, name)
  const scp = (...args: string[]) => stock(stage, WHO, 'scp', ['-q', ...args])

  it.each([
    ['a status', 'exit 42', 42],
    ['a signal', 'kill -TERM $$', 255],
    ['no error', 'true', 0],
    ['an unknown program', 'no-such-program-here', 127],
  ])('exec: ends with %s', async (_, command, status) => {
    expect(await stage.ssh(WHO, [HOST, command])).toMatchObject({ status })
  })

  it('exec: what is sent before the answer arrives whole (D21)', async () => {
    const input = randomBytes(3_000_000)
    const done = await stage.ssh(WHO, [HOST, 'sha256sum; echo late >&2'], input)
    expect(done).toMatchObject({ status: 0, stdout: `${sha256(input)}  -\n` })
    expect(done.stderr).toContain('late')
  })

  it('exec: errors behind the end of output, and a status behind both (D22)', async () => {
    const done = await stage.ssh(WHO, [HOST, 'echo out; exec >&-; sleep 0.2; echo err >&2; exit 9'])
    expect(done).toMatchObject({ status: 9, stdout: 'out\n' })
    expect(done.stderr).toContain('err')
  })

  it('shell without a terminal: runs what it is sent', async () => {
    expect(await stage.ssh(WHO, ['-T', HOST], 'echo one\nexit 3\n')).toMatchObject({ status: 3, stdout: 'one\n' })
  })

  it('shell on a terminal: recorded whole, with what was typed as a hint', async () => {
    const done = await stage.ssh(WHO, ['-tt', '-o', 'SetEnv=TERM=xterm', HOST], 'echo on-a-$TERM\nexit\n')
    expect(done.stdout).toContain('on-a-xterm')
    const outputOf = (recorded: readonly Record<string, unknown>[]) =>
      Buffer.concat(
        recorded.filter(({ kind }) => kind === 'output').map(({ bytes }) => Buffer.from(String(bytes), 'base64')),
      ).toString()
    const recorded = await transcriptsOnce(stage, (all) => outputOf(all).includes('on-a-xterm'))
    expect(recorded).toContainEqual(expect.objectContaining({ kind: 'terminal', term: 'xterm' }))
  })

  it.each([
    ['sftp mode', []],
    ['its legacy protocol', ['-O']],
  ])('scp in %s: there and back, each file on record with its digest', async (_, mode) => {
    const name = `file${mode.length}`
    const bytes = randomBytes(2_500_000)
    writeFileSync(here(name), bytes)
    expect(await scp(...mode, here(name), `${HOST}:${at(name)}`)).toMatchObject({ status: 0 })
    expect(readFileSync(at(name))).toEqual(bytes)
    expect(await scp(...mode, `${HOST}:${at(name)}`, here(`${name}.back`))).toMatchObject({ status: 0 })
    expect(readFileSync(here(`${name}.back`))).toEqual(bytes)
    const filesOf = (recorded: readonly Record<string, unknown>[]) =>
      recorded.filter(({ kind, path }) => kind === 'file' && String(path).includes(name))
    const files = filesOf(await transcriptsOnce(stage, (all) => filesOf(all).length >= 2))
    const whole = { bytes: bytes.length, sha256: sha256(bytes), covers: 'whole' }
    expect(files).toContainEqual(expect.objectContaining({ direction: 'put', ...whole }))
    expect(files).toContainEqual(expect.objectContaining({ direction: 'get', ...whole }))
  })

  it.each([
    ['sftp mode', []],
    ['its legacy protocol', ['-O']],
  ])('scp in %s: folders, empty files, odd names, times', async (_, mode) => {
    const folder = `tree${mode.length}`
    mkdirSync(here(`${folder}/a/b`), { recursive: true })
    writeFileSync(here(`${folder}/empty`), '')
    writeFileSync(here(`${folder}/a/b/é z`), 'x')
    await mustRun(['touch', '-d', '2001-02-03 04:05:06', here(`${folder}/empty`)])
    expect(await scp(...mode, '-rp', here(folder), `${HOST}:${sshd.home}/`)).toMatchObject({ status: 0 })
    expect(await scp(...mode, '-rp', `${HOST}:${at(folder)}`, here(`${folder}-back`))).toMatchObject({ status: 0 })
    expect(await mustRun(['diff', '-r', here(folder), here(`${folder}-back`)])).toBe('')
    expect(await mustRun(['stat', '-c', '%Y', here(`${folder}-back/empty`)])).toBe(
      await mustRun(['stat', '-c', '%Y', here(`${folder}/empty`)]),
    )
  })

  it('sftp: a batch of everything it can do', async () => {
    writeFileSync(here('s'), 'contents')
    const done = await sftp(stage, WHO, [
      `put ${here('s')} ${at('s1')}`,
      `rename ${at('s1')} ${at('s2')}`,
      `ln ${at('s2')} ${at('hard')}`,
      `ln -s ${at('s2')} ${at('soft')}`,
      `chmod 600 ${at('s2')}`,
      `mkdir ${at('sd')}`,
      `ls -la ${sshd.home}`,
      `get ${at('soft')} ${here('s.back')}`,
      `df ${sshd.home}`,
      `rm ${at('soft')}`,
      `rmdir ${at('sd')}`,
      `-rm ${at('nothing-here')}`,
    ])
    expect(done, done.stderr).toMatchObject({ status: 0 })
    expect(readFileSync(here('s.back'), 'utf8')).toBe('contents')
    expect([existsSync(at('hard')), existsSync(at('soft')), existsSync(at('sd'))]).toEqual([true, false, false])
  })

  it.skipIf(missing('/usr/bin/rsync', 'rsync'))('rsync: there, changed, and back', async () => {
    const ssh = `ssh -F ${configFile(stage)}`
    const rsync = (...args: string[]) =>
      run(['/usr/bin/rsync', '-a', '-e', ssh, ...args], { env: stage.password(stage.gateway.token(WHO)) })
    mkdirSync(here('r'))
    writeFileSync(here('r/one'), randomBytes(500_000))
    expect(await rsync(`${here('r')}/`, `${HOST}:${at('r')}/`)).toMatchObject({ status: 0 })
    writeFileSync(here('r/one'), Buffer.concat([readFileSync(here('r/one')), randomBytes(1000)]))
    expect(await rsync(`${here('r')}/`, `${HOST}:${at('r')}/`)).toMatchObject({ status: 0 })
    expect(await rsync(`${HOST}:${at('r')}/`, `${here('r.back')}/`)).toMatchObject({ status: 0 })
    expect(readFileSync(here('r.back/one'))).toEqual(readFileSync(here('r/one')))
  })

  it('git: clone, push and fetch', async () => {
    const env = { ...stage.password(stage.gateway.token(WHO)), GIT_SSH_COMMAND: `ssh -F ${configFile(stage)}` }
    const git = (folder: string, ...args: string[]) =>
      mustRun(['git', '-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { env })
    await mustRun(['git', 'init', '-q', '--bare', '-b', 'main', at('repo.git')])
    await mustRun(['git', 'init', '-q', '-b', 'main', here('work')])
    writeFileSync(here('work/file'), 'one')
    await git(here('work'), 'add', '.')
    await git(here('work'), 'commit', '-qm', 'one')
    await git(here('work'), 'push', '-q', `${HOST}:${at('repo.git')}`, 'main')
    await git(stage.folder, 'clone', '-q', `${HOST}:${at('repo.git')}`, 'clone')
    expect(readFileSync(here('clone/file'), 'utf8')).toBe('one')
  })

  it('-J: a connection through the target to another server', async () => {
    const config = configFile(stage)
    const jumped = await run(
      ['ssh', '-F', config, '-J', `${HOST}:${stage.port}`, '-p', String(sshd.port), '-i', sshd.keyFile].concat([
        '-o',
        'IdentitiesOnly=yes',
        `${sshd.user}@127.0.0.1`,
        'echo jumped',
      ]),
      { env: stage.password(stage.gateway.token(WHO)), timeout_ms: 30_000 },
    )
    expect(jumped, jumped.stderr).toMatchObject({ status: 0, stdout: 'jumped\n' })
  })

  it('ControlMaster: many commands on one connection, some at once', async () => {
    const control = ['-o', `ControlPath=${here('cm')}`]
    await using master = await holding('-N', '-o', 'ControlMaster=yes', ...control)
    await until(async () => existsSync(here('cm')))
    const all = await Promise.all([1, 2, 3, 4].map((i) => stage.ssh(WHO, [...control, HOST, `echo ${i}`])))
    expect(all.map(({ stdout }) => stdout)).toEqual(['1\n', '2\n', '3\n', '4\n'])
    expect(master.child.exitCode).toBeNull()
  })

  it('-L: a port here is one there', async () => {
    await using server = await lineServer('reached')
    const port = await freePort()
    await using _ = await holding('-N', '-L', `${port}:localhost:${(server.address() as AddressInfo).port}`)
    expect(await reach(port)).toBe('reached\n')
  })

  it('-L to a socket, and -R of one', async () => {
    await using _server = await lineServer('by socket', { path: at('sock') })
    const port = await freePort()
    await using _ = await holding('-N', '-L', `${port}:${at('sock')}`, '-R', `${at('remote')}:${at('sock')}`)
    expect(await reach(port)).toBe('by socket\n')
    await until(async () => existsSync(at('remote')))
    expect(await text(connect(at('remote')))).toBe('by socket\n')
  })

  it('-R: a port there is one here, also one the target chooses', async () => {
    await using server = await lineServer('reached back')
    const port = await freePort()
    const { port: to } = server.address() as AddressInfo
    await using _ = await holding('-N', '-R', `${port}:127.0.0.1:${to}`)
    expect(await reach(port)).toBe('reached back\n')
    const chosen = await stage.ssh(WHO, ['-R', `0:127.0.0.1:${to}`, HOST, 'sleep 0.2'])
    expect(chosen.stderr).toMatch(/Allocated port \d+ for remote forward/)
  })

  it('-D: a SOCKS proxy', async () => {
    await using server = await lineServer('by proxy')
    const port = await freePort()
    await using _ = await holding('-N', '-D', String(port))
    await until(() => listening(port))
    // SOCKS 5: the greeting, then version 5, connect, IPv4, address, port.
    const { port: to } = server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write(Buffer.from([5, 1, 0]))
    await once(socket, 'readable')
    socket.read()
    socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, to >> 8, to & 255]))
    expect((await text(socket)).slice(10)).toBe('by proxy\n')
  })

  it.skipIf(missing('/usr/bin/plink', 'putty-tools'))('plink', async () => {
    const key = (await mustRun(['ssh-keyscan', '-p', String(stage.port), '127.0.0.1'])).split(' ').at(-1)!.trim()
    await mustRun(['sh', '-c', `echo ${key} | base64 -d > ${here('hk')}`])
    const print = `SHA256:${Buffer.from(sha256(readFileSync(here('hk'))), 'hex')
      .toString('base64')
      .replace(/=+$/, '')}`
    const done = await run(
      [
        'plink',
        '-batch',
        '-P',
        String(stage.port),
        '-hostkey',
        print,
        '-pw',
        stage.gateway.token(WHO),
        HOST,
        'echo plink; exit 5',
      ],
      { timeout_ms: 30_000 },
    )
    expect(done, done.stderr).toMatchObject({ status: 5, stdout: 'plink\n' })
  })

  it.skipIf(missing('/usr/lib/python3/dist-packages/paramiko', 'python3-paramiko'))(
    'paramiko: exec, files and a forward',
    async () => {
      const done = await run(
        [
          '/usr/bin/python3',
          join(import.meta.dirname, 'paramiko_scene.py'),
          String(stage.port),
          sshd.home,
          String(sshd.port),
        ],
        { env: { ...process.env, TOKEN: stage.gateway.token(WHO) }, timeout_ms: 60_000 },
      )
      expect(done, done.stderr).toMatchObject({ status: 0, stdout: 'ok\n' })
    },
  )

  it.skipIf(missing('/usr/bin/ansible', 'ansible-core'))(
    'ansible: a ping, a file, a command, by a certificate',
    async () => {
      const key = here('ansible-key')
      await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', key])
      const main = join(import.meta.dirname, '../../src/main.ts')
      const sluice = { PATH: process.env.PATH, SLUICE_URL: stage.gateway.api, SLUICE_TOKEN: stage.gateway.token(WHO) }
      await mustRun([process.execPath, main, 'ssh', 'cert', `${key}.pub`], { env: sluice })
      const facts = {
        ansible_port: stage.port,
        ansible_user: 'web-1',
        ansible_ssh_private_key_file: key,
        ansible_ssh_common_args: `-F ${configFile(stage)}`,
        ansible_python_interpreter: '/usr/bin/python3',
        ansible_remote_tmp: sshd.home,
      }
      const env = { PATH: process.env.PATH, HOME: stage.folder, LC_ALL: 'C.UTF-8' }
      const ansible = (...args: string[]) =>
        run(['ansible', 'all', '-i', '127.0.0.1,', '-e', JSON.stringify(facts), ...args], { env, timeout_ms: 90_000 })
      const pinged = await ansible('-m', 'ping')
      expect(pinged.stdout, pinged.stderr).toContain('"ping": "pong"')
      expect(await ansible('-m', 'copy', '-a', `content=hello dest=${at('by-ansible')}`)).toMatchObject({ status: 0 })
      expect((await ansible('-m', 'command', '-a', `cat ${at('by-ansible')}`)).stdout).toContain('hello')
    },
    120_000,
  )

  /** ssh that stays, until the test ends. */
  async function holding(...args: string[]) {
    const child = spawnMortal(['ssh', ...stage.options, '-o', 'ExitOnForwardFailure=yes', ...args, HOST], {
      env: stage.password(stage.gateway.token(WHO)),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    return {
      child,
      async [Symbol.asyncDispose]() {
        child.kill('SIGTERM')
        await ended(child)
      },
    }
  }

  async function listening(port: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1')
    const there = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    return there
  }

  /** What a server says through a forward, once that listens. */
  async function reach(port: number): Promise<string> {
    let said = ''
    await until(async () => {
      const socket = connect(port, '127.0.0.1')
      said = await text(socket).catch(() => '')
      return said !== ''
    })
    return said
  }
})
