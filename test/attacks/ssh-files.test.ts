/** Files over SSH: what a policy says of a path holds for every way to name it (ATTACKS D4, D10 to D12). */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { mustRun } from '../rig/child.ts'
import { sftp, stock } from '../rig/ssh-clients.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const WHO = 'agent:bot'
const HOST = 'web-1@127.0.0.1'

/** The agent moves files within one folder, and nothing else. */
const policy = (home: string) => `
kind: Agent
name: bot
owner: ops
---
kind: Rule
name: files-of-its-own
who: principal.kind == "agent"
on: true
when: >
  op.facts.kind == "file" && op.objects.all(o, o.name == "${home}/own" || o.name.startsWith("${home}/own/"))
then: allow
---
kind: Rule
name: starts-transfers
who: principal.kind == "agent"
on: true
when: (op.verb == "subsystem" && op.text == "sftp") || op.verb == "scp"
then: allow
`

describe.skipIf(sshdMissing)('files over SSH', () => {
  let sshd: Sshd
  let stage: SshGateway
  let at: (name: string) => string
  let here: (name: string) => string
  beforeAll(async () => {
    sshd = await startSshd({ keepRights: true })
    stage = await startSshGateway({ target: sshd, policy: policy(sshd.home) })
    at = (name) => join(sshd.home, name)
    here = (name) => join(stage.folder, name)
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })
  beforeEach(async () => {
    await mustRun(['sh', '-c', `rm -rf ${sshd.home}/*`])
    mkdirSync(at('own'))
    mkdirSync(at('secret'))
    writeFileSync(at('secret/key'), 'the secret')
    writeFileSync(at('own/mine'), 'mine')
    symlinkSync(at('secret/key'), at('own/link'))
    symlinkSync(at('secret'), at('own/folder'))
    symlinkSync(at('secret/new'), at('own/dangling'))
    symlinkSync('dangling', at('own/twice'))
    writeFileSync(here('x'), 'brought')
  })

  it('the twin: what is allowed works', async () => {
    const done = await sftp(stage, WHO, [
      `put ${here('x')} ${at('own/new')}`,
      `get ${at('own/mine')} ${here('mine')}`,
      `rename ${at('own/new')} ${at('own/newer')}`,
      `mkdir ${at('own/d')}`,
      `put ${here('x')} ${at('own/d/../other')}`,
      `rm ${at('own/newer')}`,
      `ln -s mine ${at('own/beside')}`,
      `ln -s ../mine ${at('own/d/above')}`,
      `ln -s ${at('own/mine')} ${at('own/d/whole')}`,
    ])
    expect(done, done.stderr).toMatchObject({ status: 0 })
    expect([readFileSync(here('mine'), 'utf8'), readFileSync(at('own/other'), 'utf8')]).toEqual(['mine', 'brought'])
  })

  it.each([
    ['absolute', (own: string) => `get ${own}/../secret/key`],
    ['through ..', (own: string) => `get ${own}/d/../../secret/key`],
    ['doubled slashes', (own: string) => `get ${own}//..//secret//key`],
    ['by a symlink to it', (own: string) => `get ${own}/link`],
    ['by a symlink to its folder', (own: string) => `get ${own}/folder/key`],
    ['by .. behind a symlink', (own: string) => `get ${own}/folder/../secret/key`],
  ])('D10: a file elsewhere is not read: %s', async (_, command) => {
    const done = await sftp(stage, WHO, [`lcd ${stage.folder}`, command(at('own'))])
    expect(done.status).not.toBe(0)
    expect(existsSync(here('key')) || existsSync(here('link'))).toBe(false)
  })

  it.each([
    ['put', (own: string, x: string) => `put ${x} ${own}/../secret/key`],
    ['put through a symlink', (own: string, x: string) => `put ${x} ${own}/link`],
    ['put through a symlink to nothing yet', (own: string, x: string) => `put ${x} ${own}/dangling`],
    ['put through two of them', (own: string, x: string) => `put ${x} ${own}/twice`],
    ['put into a linked folder', (own: string, x: string) => `put ${x} ${own}/folder/new`],
    ['rename out', (own: string) => `rename ${own}/mine ${own}/../secret/mine`],
    ['rename in', (own: string) => `rename ${own}/../secret/key ${own}/key`],
    ['hard link', (own: string) => `ln ${own}/../secret/key ${own}/hard`],
    ['symlink', (own: string) => `ln -s ${own}/../secret/key ${own}/soft`],
    ['symlink of a text that leads through another', (own: string) => `ln -s folder/key ${own}/soft`],
    ['symlink of a relative text', (own: string) => `ln -s ../secret/key ${own}/soft`],
    ['remove', (own: string) => `rm ${own}/folder/key`],
    ['chmod through a symlink', (own: string) => `chmod 777 ${own}/link`],
    ['mkdir', (own: string) => `mkdir ${own}/folder/d`],
    ['rmdir', (own: string) => `rmdir ${own}/../secret`],
    ['copy on the server', (own: string) => `cp ${own}/link ${own}/copy`],
    ['list', (own: string) => `ls ${own}/folder/`],
  ])('D10: elsewhere nothing changes: %s', async (_, command) => {
    const done = await sftp(stage, WHO, [command(at('own'), here('x'))])
    expect(done.status, done.stdout).not.toBe(0)
    const said = done.stderr
    expect(said).toMatch(/"code":"policy\.default"|not upload|denied/i)
    expect(await mustRun(['find', at('secret'), '-printf', '%P %m\n'])).toMatch(/^ 755\nkey 644\n$/)
    expect(readFileSync(at('secret/key'), 'utf8')).toBe('the secret')
    expect([existsSync(at('own/hard')), existsSync(at('own/soft')), existsSync(at('own/copy'))]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('D10: a symlink may be removed, and is itself what is removed', async () => {
    expect(await sftp(stage, WHO, [`rm ${at('own/link')}`])).toMatchObject({ status: 0 })
    expect([existsSync(at('own/link')), existsSync(at('secret/key'))]).toEqual([false, true])
  })

  it.each([
    ['get', (own: string, folder: string) => [`${HOST}:${own}/../secret/key`, folder]],
    ['put', (own: string, folder: string) => [`${folder}/x`, `${HOST}:${own}/../secret/`]],
    ['a whole folder', (own: string, folder: string) => ['-r', `${HOST}:${own}/../secret`, folder]],
  ])('D11: scp -O of a file elsewhere: %s', async (_, args) => {
    const done = await stock(stage, WHO, 'scp', ['-O', '-q', ...args(at('own'), stage.folder)])
    expect(done.status).not.toBe(0)
    expect(done.stderr).toContain('"code":"policy.default"')
    expect([existsSync(here('key')), existsSync(here('secret')), existsSync(at('secret/x'))]).toEqual([
      false,
      false,
      false,
    ])
  })

  it('D11: with one refused file of several, scp -O goes on with the others', async () => {
    writeFileSync(at('own/a'), 'a')
    const done = await stock(stage, WHO, 'scp', [
      '-O',
      '-q',
      `${HOST}:${at('own/a')}`,
      `${HOST}:${at('secret/key')}`,
      stage.folder,
    ])
    expect(done.status).not.toBe(0)
    expect([readFileSync(here('a'), 'utf8'), existsSync(here('key'))]).toEqual(['a', false])
  })

  it('D4: a script may be brought where files may be, and is not run by that', async () => {
    expect(await sftp(stage, WHO, [`put ${here('x')} ${at('own/script')}`])).toMatchObject({ status: 0 })
    const done = await stage.ssh(WHO, [HOST, at('own/script')])
    expect(done).toMatchObject({ status: 126, stdout: '' })
    expect(done.stderr).toContain('"code":"policy.default"')
  })

  it('D12: files are the target’s, never the gateway’s', async () => {
    const done = await sftp(stage, WHO, [`get ${stage.gateway.dataDir}/store.sqlite ${here('stolen')}`])
    expect(done.status).not.toBe(0)
    expect(existsSync(here('stolen'))).toBe(false)
  })
})
