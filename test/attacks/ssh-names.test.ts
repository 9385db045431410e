/** Two who are called the same are two: D29. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mustRun } from '../rig/child.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const POLICY = `
kind: Human
name: sam
---
kind: Agent
name: sam
owner: human:sam
purpose: tests
---
kind: Service
name: sam
---
kind: Rule
name: everything
who: true
on: true
then: allow
`

describe.skipIf(sshdMissing)('People of one name', () => {
  let sshd: Sshd
  let stage: SshGateway
  const echo = createServer((socket) => socket.pipe(socket))

  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: POLICY })
    echo.listen(0, '127.0.0.1')
    await once(echo, 'listening')
  })
  afterAll(async () => {
    echo.close()
    await stage?.stop()
    await sshd?.stop()
  })

  /** A session of `who` with a port of the target that leads back here. */
  async function forward(who: string) {
    const control = join(stage.folder, who.replace(':', '-'))
    const back = `127.0.0.1:${(echo.address() as AddressInfo).port}`
    const child = spawn('ssh', [...stage.options, '-M', '-S', control, '-N', '-R', `0:${back}`, 'web-1@127.0.0.1'], {
      env: stage.password(stage.gateway.token(who)),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    const port = await new Promise<number>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk
        const allocated = /Allocated port (\d+)/.exec(said)?.[1]
        if (allocated) resolve(Number(allocated))
      })
      child.once('exit', () => reject(new Error(said)))
    })
    const cancel = () =>
      mustRun(['ssh', ...stage.options, '-S', control, '-O', 'cancel', '-R', `0:${back}`, 'web-1@127.0.0.1'])
    return { child, port, cancel }
  }

  async function echoes(port: number): Promise<boolean> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('hello')
    const [heard] = await Promise.race([once(socket, 'data'), once(socket, 'close')]).catch(() => [''])
    socket.destroy()
    return String(heard) === 'hello'
  }

  it('D29: one who cancels a forward, or leaves, takes nothing from another of the same name', async () => {
    const [human, agent, service] = await Promise.all(['human:sam', 'agent:sam', 'service:sam'].map(forward))
    expect(await Promise.all([human!, agent!, service!].map(({ port }) => echoes(port)))).toEqual([true, true, true])
    await human!.cancel()
    expect(await echoes(human!.port)).toBe(false)
    agent!.child.kill()
    await once(agent!.child, 'exit')
    expect(await echoes(service!.port)).toBe(true)
    service!.child.kill()
    human!.child.kill()
    await Promise.all([once(service!.child, 'exit'), once(human!.child, 'exit')])
  })
})
