import { cpSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { sshdMissing, startSshd } from '../test/rig/sshd.ts'

/** Where SSH is spoken when nothing else is asked for. */
const SSH_PORT = 15_422

/** The demo's host: this machine, by a real OpenSSH server. */
export interface DemoHost {
  readonly port: number
  readonly user: string
  /** A line without the host. */
  readonly hostKey: string
  readonly keyFile: string
  stop(): Promise<void>
}

/** Starts sshd without privileges and puts the gateway's key for it into `folder`. A sentence where openssh-server is not installed. */
export async function startDemoHost(folder: string): Promise<DemoHost | string> {
  if (sshdMissing) return `No SSH host in this demo: ${sshdMissing} (apt-get install openssh-server).`
  const sshd = await startSshd({ ownHome: true })
  const keyFile = join(folder, 'web-1.key')
  cpSync(sshd.keyFile, keyFile)
  return { port: sshd.port, user: sshd.user, hostKey: sshd.hostKey, keyFile, stop: () => sshd.stop() }
}

/** The usual port where the other ports are the usual ones too and it is free; else whichever the system gives. */
export async function sshPort(usual: boolean, host: string): Promise<number> {
  if (!usual) return 0
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(SSH_PORT, host, () => resolve(true))
  })
  if (!free) return 0
  await new Promise((resolve) => server.close(resolve))
  return SSH_PORT
}
