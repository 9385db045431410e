/** A reader that does not read makes nobody else pay: memory stays bounded, both ways, and the connection is as good as before. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ALLOW_ALL } from '../rig/policies.ts'
import { type SshGateway, startSshGateway } from '../rig/ssh-gateway.ts'
import { type Sshd, sshdMissing, startSshd } from '../rig/sshd.ts'

const HOST = 'web-1@127.0.0.1'
const MEGABYTE = 1 << 20

describe.skipIf(sshdMissing)('D20 G52: slow readers', () => {
  let sshd: Sshd
  let stage: SshGateway
  beforeAll(async () => {
    sshd = await startSshd()
    stage = await startSshGateway({ target: sshd, policy: ALLOW_ALL })
    // What is loaded once is loaded before anything is measured.
    await stage.ssh('human:suite', [HOST, 'head -c 200M /dev/zero'])
  })
  afterAll(async () => {
    await stage?.stop()
    await sshd?.stop()
  })
  const memory = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${stage.gateway.pid}/status`, 'utf8'))![1]) * 1024
  const ssh = (command: string) =>
    spawn('ssh', [...stage.options, HOST, command], {
      env: stage.password(stage.gateway.token('human:suite')),
      stdio: ['pipe', 'pipe', 'ignore'],
    })

  it('2 GB for a client that reads a little now and then add 64 MB at most', async () => {
    const before = memory()
    const child = ssh('head -c 2G /dev/zero')
    let read = 0
    let most = 0
    for (let i = 0; i < 40; i++) {
      await after(50)
      for (let some = 0; some < 100_000; ) {
        const chunk = child.stdout.read() as Buffer | null
        if (!chunk) break
        some += chunk.length
        read += chunk.length
      }
      most = Math.max(most, memory() - before)
    }
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(read).toBeGreaterThan(0)
    expect(most).toBeLessThan(64 * MEGABYTE)
  })

  it('as much for a program that reads nothing', async () => {
    const before = memory()
    const child = ssh('sleep 3')
    child.stdin.on('error', () => {})
    let most = 0
    let sent = 0
    const chunk = Buffer.alloc(MEGABYTE)
    const done = once(child, 'exit')
    for (let i = 0; i < 50; i++) {
      while (child.stdin.writableLength < MEGABYTE && sent < 2048 * MEGABYTE) {
        child.stdin.write(chunk)
        sent += chunk.length
      }
      await after(40)
      most = Math.max(most, memory() - before)
    }
    child.kill('SIGKILL')
    await done
    expect(most).toBeLessThan(64 * MEGABYTE)
  })

  it('others are served meanwhile', async () => {
    const child = ssh('head -c 2G /dev/zero')
    await once(child.stdout, 'readable')
    expect(await stage.ssh('human:suite', [HOST, 'echo here'])).toMatchObject({ stdout: 'here\n' })
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
})
