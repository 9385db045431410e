import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

describe.skipIf(sshdMissing)('OpenSSH through the gateway', () => {
  let sshd: Sshd
  let stage: SshGateway

  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: ALLOW_ALL })
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })

  it('runs a command on the target and brings back its output, its errors and its status', async () => {
    const done = await stage.ssh('human:suite', ['web-1@127.0.0.1', 'echo out; echo err >&2; id -un; exit 7'])
    expect(done).toMatchObject({ status: 7, stdout: `out\n${sshd.user}\n` })
    expect(done.stderr).toContain('err\n')
  })
})
