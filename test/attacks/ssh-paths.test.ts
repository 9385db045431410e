/** One form of a path for every program that moves files: scp, rsync, git (ATTACKS D3, D4, D10, D11). sftp has its own in ssh-files. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Finished, mustRun, run } from '../rig/child.ts'
import { configFile, missing, stock } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const WHO = 'agent:bot'
const HOST = 'web-1@127.0.0.1'

/** As the guide writes it: files below one folder, and below another of the home; nothing is granted to anybody. */
const policy = (own: string) => `
kind: Agent
name: bot
owner: ops
---
kind: Rule
name: starts-transfers
who: principal.kind == "agent"
on: true
when: (op.verb == "subsystem" && op.text == "sftp") || op.verb == "scp"
then: allow
---
kind: Rule
name: files-of-its-own
who: principal.kind == "agent"
on: true
when: op.facts.kind == "file" && op.objects.all(o, o.name.startsWith("${own}/"))
then: allow
---
kind: Rule
name: files-of-its-home
who: principal.kind == "agent"
on: true
when: op.facts.kind == "file" && op.objects.all(o, o.name.startsWith("~/"))
then: allow
---
kind: Rule
name: nothing-is-granted
who: principal.kind == "agent"
on: true
when: op.has("grant")
then: deny
`

describe.skipIf(sshdMissing || missing('/usr/bin/rsync', 'rsync') || missing('/usr/bin/git', 'git'))('paths', () => {
  let sshd: Sshd
  let stage: SshGateway
  let at: (name: string) => string
  let here: (name: string) => string
  let ssh: string
  beforeAll(async () => {
    sshd = await startSshd({ keepRights: true, ownHome: true })
    at = (name) => join(sshd.home, name)
    stage = await startSshGateway({ target: sshd, policy: policy(at('own')) })
    here = (name) => join(stage.folder, name)
    ssh = `ssh -F ${configFile(stage)}`
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })
  beforeEach(async () => {
    await mustRun(['sh', '-c', `rm -rf ${sshd.home}/* ${stage.folder}/got`])
    mkdirSync(at('own/pub'), { recursive: true })
    mkdirSync(at('secret'))
    mkdirSync(here('got'))
    writeFileSync(at('secret/key'), 'the secret')
    writeFileSync(at('own/mine'), 'mine')
    writeFileSync(here('x'), 'brought')
    await mustRun(['git', 'init', '-q', '--bare', at('own/r.git')])
    await mustRun(['git', 'init', '-q', '--bare', at('secret/r.git')])
  })

  const env = () => ({ ...stage.password(stage.gateway.token(WHO)), GIT_SSH_COMMAND: ssh })
  const rsync = (...args: string[]) => run(['rsync', '-rlt', '-e', ssh, ...args], { env: env() })
  const clone = (path: string) => run(['git', 'clone', '-q', `ssh://${HOST}${path}`, here('got/r')], { env: env() })
  const got = () => mustRun(['find', here('got'), '-mindepth', '1'])

  function refused(done: Finished, code = 'policy.default'): void {
    expect(done.status, done.stdout).not.toBe(0)
    expect(done.stderr).toContain(`"code":"${code}"`)
  }

  it('the twin: what lies where it is allowed moves', async () => {
    for (const done of [
      await rsync(`${HOST}:${at('own/mine')}`, here('got/a')),
      await rsync(`${HOST}:${at('own')}/`, here('got/b')),
      await rsync(here('x'), `${HOST}:${at('own/pub/')}`),
      await rsync(`${HOST}:~/own/mine`, here('got/c')),
      await clone(at('own/r.git')),
      await stock(stage, WHO, 'scp', ['-O', '-q', `${HOST}:${at('own/mine')}`, here('got/d')]),
      await stock(stage, WHO, 'scp', ['-O', '-q', `${HOST}:~/own/mine`, here('got/e')]),
    ])
      expect(done, done.stderr).toMatchObject({ status: 0 })
    expect(['a', 'b/mine', 'c', 'd', 'e'].map((name) => readFileSync(here(`got/${name}`), 'utf8'))).toEqual(
      Array(5).fill('mine'),
    )
    expect(readFileSync(at('own/pub/x'), 'utf8')).toBe('brought')
  })

  it.each([
    ['..', (own: string) => `${own}/../secret/key`],
    ['.. behind a folder', (own: string) => `${own}/pub/../../secret/key`],
    ['doubled slashes and dots', (own: string) => `${own}//.//..//secret/key`],
    ['.. of --relative', (own: string) => `${own}/./../secret/key`],
    ['.. above the home', () => '~/../../etc/hostname'],
    ['relative above the home', () => '../etc/hostname'],
    ['the home of somebody', () => '~root/.profile'],
  ])('D10: rsync reads nothing elsewhere: %s', async (_, path) => {
    refused(await rsync(`${HOST}:${path(at('own'))}`, here('got/')))
    expect(await got()).toBe('')
  })

  it('D10: rsync writes nothing elsewhere', async () => {
    refused(await rsync(here('x'), `${HOST}:${at('own')}/pub/../../secret/w`))
    expect(existsSync(at('secret/w'))).toBe(false)
  })

  it('D10: rsync follows no links out of a folder', async () => {
    await mustRun(['ln', '-s', at('secret/key'), at('own/link')])
    refused(await rsync('-L', `${HOST}:${at('own')}/`, here('got/')))
    expect(await got()).toBe('')
  })

  it('D3 D10: what rsync is told from within is not read: its paths are in the line, or it is no transfer', async () => {
    refused(await rsync('-s', `${HOST}:${at('secret/key')}`, here('got/')))
    const line = `rsync --server --sender -vlogDtprse.iLsfxCIvu . ${at('own/mine')}`
    const words = ['rsync', '--server', '--sender', '-r', '.', at('secret/key')]
    refused(await stage.ssh(WHO, [HOST, line], `${words.join('\0')}\0\0`))
  })

  it('D4: rsync -a brings modes and owners nobody sees, which is granting', async () => {
    refused(await rsync('-a', here('x'), `${HOST}:${at('own/pub/')}`), 'policy.denied')
    expect(existsSync(at('own/pub/x'))).toBe(false)
  })

  it.each([
    ['..', (own: string) => `${own}/../secret/r.git`],
    ['~/..', () => '/~/../secret/r.git'],
  ])('D10: git reads nothing elsewhere: %s', async (_, path) => {
    refused(await clone(path(at('own'))))
    expect(await got()).toBe('')
  })

  it.each(['../etc/hostname', '~/../home/secret/key', '~/own/../secret/key'])(
    'D11: scp -f %s reads nothing elsewhere',
    async (path) => {
      refused(await stock(stage, WHO, 'scp', ['-O', '-q', `${HOST}:${path}`, here('got/')]))
      expect(await got()).toBe('')
    },
  )
})
