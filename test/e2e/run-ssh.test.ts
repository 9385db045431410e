/** `sluice run` with SSH: the stock client finds the host, its key and an identity, and nothing of it is on disk. */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../rig/child.ts'
import { readLedger } from '../rig/ledger.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const main = join(import.meta.dirname, '../../src/main.ts')

const POLICY = `
kind: Human
name: ada
---
kind: Agent
name: bot
owner: support
delegators: [human:ada]
---
kind: Rule
name: everything
who: "true"
on: "true"
then: allow
`

describe.skipIf(sshdMissing)('sluice run with SSH', () => {
  let sshd: Sshd
  let stage: SshGateway
  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: POLICY })
    mkdirSync(join(stage.folder, 'runtime'), { mode: 0o700 })
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })

  const sluiceRun = (...args: string[]) =>
    run([process.execPath, main, 'run', '--agent', 'bot', ...args], {
      timeout_ms: 25_000,
      env: {
        ...{ PATH: process.env.PATH, HOME: stage.folder, XDG_RUNTIME_DIR: join(stage.folder, 'runtime') },
        ...{ SLUICE_URL: stage.gateway.api, SLUICE_TOKEN: stage.gateway.token('human:ada') },
      },
    })

  it('a bare ssh reaches the host as the agent, without a question', async () => {
    const ran = await sluiceRun('--', 'ssh', '-o', 'BatchMode=yes', 'web-1', 'echo $((40 + 2))')
    expect(ran).toMatchObject({ status: 0, stdout: '42\n' })
    expect(ran.stderr).toContain('web-1: ssh web-1')
    const open = readLedger(stage.gateway.dataDir)
      .filter(({ kind }) => kind === 'open')
      .at(-1)
    expect(open).toMatchObject({ principal: 'agent:bot', actors: ['human:ada'], resource: 'web-1' })
    expect(readdirSync(join(stage.folder, 'runtime'))).toEqual([])
  })

  it('so do scp and sftp', async () => {
    const script =
      'echo hello > note; scp -q note web-1:note && echo "get note back" | sftp -q -b - web-1 >/dev/null; cat back; rm note back'
    expect(await sluiceRun('--quiet', '--', 'sh', '-c', `cd ${stage.folder}; ${script}`)).toMatchObject({
      stdout: 'hello\n',
    })
  })

  it('no key of the run is on disk while it runs, and its agent does nothing but sign', async () => {
    const script =
      'd=$(dirname "$SLUICE_SSH_CONFIG"); grep -rl "PRIVATE KEY" "$d" || echo none; SSH_AUTH_SOCK="$d/agent" ssh-add -l; SSH_AUTH_SOCK="$d/agent" ssh-add -D 2>&1'
    const { stdout } = await sluiceRun('--quiet', '--', 'sh', '-c', script)
    expect(stdout).toMatch(/^none\n/)
    expect(stdout).toMatch(/ED25519-CERT/)
    expect(stdout).toMatch(/Failed|refused/i)
  })
})
